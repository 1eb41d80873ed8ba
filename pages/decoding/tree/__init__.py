"""Branches that grew from forced tokens."""
