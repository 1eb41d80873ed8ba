"""What filters keep at a sharp and at a flat place of a text, and what temperature does there."""
