"""One head as two columns of tokens joined by lines."""
