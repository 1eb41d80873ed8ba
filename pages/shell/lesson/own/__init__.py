"""Lessons that people write: views added from every page, texts, questions, and where they go."""
