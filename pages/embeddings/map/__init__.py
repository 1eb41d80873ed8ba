"""The map of a vector space, shared by the views of this page."""
