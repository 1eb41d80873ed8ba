"""One place in one column, opened up."""
