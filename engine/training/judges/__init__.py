"""Recipes of ready judges: sentences generated, a regression on what a model reads of them."""
