"""A view of Prompting: sources."""
