"""Attention weights: measured, transformed, mapped and aligned; values in, values out."""
