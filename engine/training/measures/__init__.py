"""What a trained model can do, measured on texts that it never saw."""
