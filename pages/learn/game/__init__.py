"""Guess the next word: a game of ten words against the model."""
