"""A view of Prompting: answers."""
