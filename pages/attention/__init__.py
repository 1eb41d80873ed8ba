"""Attention: every head of every layer, and one of them exactly."""
