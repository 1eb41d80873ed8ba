"""Activation patching: each (layer, token) of the clean run restored in the corrupted run."""
