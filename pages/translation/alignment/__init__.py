"""Which source token a written token was made from."""
