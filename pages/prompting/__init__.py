"""The page Prompting."""
