"""Texts written side by side, token by token: what the component shows, a drawing, words."""
