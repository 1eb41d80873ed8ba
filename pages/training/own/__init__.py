"""Train one yourself: a small model of one's own text."""
