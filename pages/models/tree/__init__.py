"""A view of Models: tree."""
