"""Home's comparison of two precisions of one model."""
