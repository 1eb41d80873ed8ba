"""A shipped decoder as a PyTorch model again, from its bundle's weights.

What a bundle holds is what its model computes with: int8 matrices times their scales, in float32.
So the model here and the bundle give equal logits, and what is trained here starts where the app's
model stands. Only GPT-2's architecture, as the tuned models have it.
"""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from engine.errors import NotOffered
from engine.models.bundle import read_card
from engine.tuning import weights

TIED = ("lm_head.weight", "transformer.wte.weight")


def model(folder: Path) -> GPT2LMHeadModel:
    """The model of a bundle in PyTorch; `NotOffered` for another architecture."""
    card = read_card(folder)
    stack = card.decoder
    if card.architecture != "gpt2" or stack is None:
        raise NotOffered(
            f"{card.title} is of the kind {card.architecture}; only GPT-2's kind is tuned here."
        )
    config = GPT2Config(
        vocab_size=card.vocabulary,
        n_positions=card.limit or 1024,
        n_embd=card.width,
        n_layer=stack.layers,
        n_head=stack.heads,
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=card.generation.start,
        eos_token_id=card.generation.start,
    )
    found = GPT2LMHeadModel(config)
    state = {
        name: torch.tensor(array) for name, array in weights.read(folder / "model.onnx").items()
    }
    state[TIED[1]] = state[TIED[0]]
    found.load_state_dict(state)
    return found.eval()
