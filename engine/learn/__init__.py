"""Lessons and their questions: answers are computed from the model and the text at hand."""
