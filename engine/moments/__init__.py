"""One training of a small decoder, kept at moments between its first and its last step."""
