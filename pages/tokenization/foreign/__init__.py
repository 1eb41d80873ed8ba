"""Ids of one model's tokenizer read by another model."""
