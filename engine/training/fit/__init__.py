"""How a recipe is trained: the loop, its batches, its attention."""
