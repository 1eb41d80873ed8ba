"""Vector spaces: projections, neighbours, and layouts of a vocabulary."""
