"""Hugging Face checkpoint in, bundle out. Run as a process; the app never imports it.

families    where each family keeps its parts, as data
capture     records what a model computes on its way
graph       the model as ONNX graphs with the bundle's names
storage     weights rounded and written once
tokenizer   the fast tokenizer
proof       the comparison with PyTorch
hub, card   where a checkpoint comes from, what its bundle's card says
bundling    the stages in order
"""
