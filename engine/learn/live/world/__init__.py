"""Live answers about models that are not here: which there are, and what they cost."""
