"""A view of Models: loss."""
