"""The numbers of a bundle: how they are stored and rounded, and what rounding changed."""
