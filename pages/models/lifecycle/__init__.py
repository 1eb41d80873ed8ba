"""A view of Models: lifecycle."""
