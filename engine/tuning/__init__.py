"""Models tuned to a task or a manner: what they learn from, their adapters, and merging them.

    datasets   the sentences that a model is tuned on, generated
    tensors    safetensors files, read without PyTorch
    adapters   what a tuning leaves behind: changes of a model's matrices, with a card
    merging    a bundle and an adapter as a bundle

Nothing here imports PyTorch: `engine.training.tune` trains, this package reads and applies.
"""
