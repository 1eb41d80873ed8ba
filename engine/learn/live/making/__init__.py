"""Live answers about how a model is made: its training, its tuning, what it is taught to prefer."""
