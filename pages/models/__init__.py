"""Models: which there are, how large, what they cost, and what becomes of them."""
