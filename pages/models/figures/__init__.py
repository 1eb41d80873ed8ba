"""A view of Models: figures."""
