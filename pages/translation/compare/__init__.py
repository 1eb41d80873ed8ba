"""One sentence translated in several ways."""
