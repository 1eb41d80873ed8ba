"""A text's tokens on their way through the layers."""
