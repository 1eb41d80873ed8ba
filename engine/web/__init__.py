"""The engine's numbers over HTTP: questions declared once, answered, encoded and described."""
