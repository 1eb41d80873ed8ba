"""A view of Models: costs."""
