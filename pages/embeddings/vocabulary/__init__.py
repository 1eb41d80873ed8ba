"""The vocabulary as a map."""
