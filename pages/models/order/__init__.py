"""A view of Models: order."""
