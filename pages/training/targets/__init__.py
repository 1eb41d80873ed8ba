"""A view of Training: what a model must say, and what it costs."""
