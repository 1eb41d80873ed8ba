"""One head on the text itself."""
