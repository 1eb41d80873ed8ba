"""What a model gives where it is used otherwise than it was made, and what that teaches."""
