"""From an id to the vector that enters layer 1."""
