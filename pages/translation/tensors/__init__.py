"""The tensors of one step, and the towers they live in."""
