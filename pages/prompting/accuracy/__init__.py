"""A view of Prompting: accuracy."""
