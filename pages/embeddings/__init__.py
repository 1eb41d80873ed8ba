"""Embeddings: every piece as a point in space, and its way through the layers."""
