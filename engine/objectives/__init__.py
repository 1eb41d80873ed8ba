"""What a model is trained to predict, made of one sentence; and what its predictions cost."""
