"""A block opened up: its hidden units, what each part adds to the stream, where answers settle."""
