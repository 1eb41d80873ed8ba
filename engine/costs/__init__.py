"""What a model costs by arithmetic alone: parameters, memory, compute, loss. Nothing is run."""
