"""From a word to a word: every head ranked by how far that link exceeds its baseline."""
