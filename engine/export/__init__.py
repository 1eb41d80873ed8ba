"""Hugging Face checkpoint in, bundle out. Run as a process; the app never imports it.

families    where each family keeps its parts, as data; `layouts` has the shapes they share
capture     records what a model computes on its way
graph       the model as ONNX graphs with the bundle's names
storage     weights rounded and written once
precision   float16 and 8-bit bundles, and how far they may lead; `eight` makes the latter
tokenizer   the fast tokenizer
proof       the comparison with PyTorch, cell by cell; `agreement`: of predictions alone
origin      where a checkpoint comes from: the `hub`, `packages`, a folder, a `gguf` file
card        what its bundle's card says
place       room on the disk and in memory, one export of a name at a time, all or nothing
bundling    the stages in order
"""
