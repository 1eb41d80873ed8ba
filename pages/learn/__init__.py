"""Learn: the course, and how far one is in it."""
