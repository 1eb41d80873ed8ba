"""A view of Models: shape."""
