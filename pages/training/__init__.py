"""The Training page: how a model learns, and what becomes of it."""
