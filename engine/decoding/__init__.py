"""From logits to text: filters, sampling, beam search, generation, translation."""
