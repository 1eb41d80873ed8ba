"""How a text is cut, step by step."""
