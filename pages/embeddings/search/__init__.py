"""Passages ranked for a query: by an encoder's vectors, and by words in common."""
