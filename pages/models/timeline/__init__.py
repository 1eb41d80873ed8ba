"""A view of Models: timeline."""
