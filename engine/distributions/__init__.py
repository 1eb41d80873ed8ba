"""Distributions over the vocabulary at places of a text: how they rank, are cut and heated."""
