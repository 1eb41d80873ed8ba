"""Several tokenizers on one text."""
