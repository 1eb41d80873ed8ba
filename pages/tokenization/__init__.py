"""Tokenization: a text cut into pieces that have numbers."""
