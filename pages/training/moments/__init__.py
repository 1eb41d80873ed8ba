"""A view of Training: one small model from noise to words."""
