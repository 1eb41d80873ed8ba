"""All columns, written live side by side."""
