"""Tuning: a model before and after, what was trained, what it cost, what was forgotten."""
