"""Before transformers: n-grams and a recurrent network beside a transformer, on one text."""
