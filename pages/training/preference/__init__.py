"""A view of Training: preferences, a reward that is learnt from them, and best of n by a reward."""
