"""Language models of the world as figures with their sources: no weights, nothing is run."""
