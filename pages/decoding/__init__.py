"""Decoding: one prompt, several ways to choose the next token."""
