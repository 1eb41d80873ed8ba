"""Tasks put into words: prompts with examples, what a model answers to them, how often rightly."""
