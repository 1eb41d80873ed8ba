"""A reading taken apart: embeddings, hidden states, attention and logits, layer by layer."""
