"""A checkpoint as graphs: recorded in PyTorch, converted to ONNX."""
