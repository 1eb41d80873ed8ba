"""The small pictures on Home's cards."""
