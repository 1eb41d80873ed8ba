"""Weights as ONNX Runtime packs them, kept on disk: opened at once, and one copy for all graphs."""
