"""One head as a matrix."""
