"""BERT's next-sentence head, where a checkpoint has it.

In: a loaded encoder and its checkpoint's folder. Out: the same model with a module more, which the
encoder's graph calls. `transformers` loads a masked language model without these weights: they are
the pooler's and `cls.seq_relationship`'s (Devlin et al. 2018, section 3.1).
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import PreTrainedModel

from engine.objectives.example import PAIR

POOLER, ANSWER = "bert.pooler.dense", "cls.seq_relationship"
NAMES = tuple(f"{part}.{kind}" for part in (POOLER, ANSWER) for kind in ("weight", "bias"))


class PairHead(nn.Module):
    """The first token's last state, pooled, as two logits: "is next", then "is not next"."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        """Take over a checkpoint's weights."""
        super().__init__()
        self.dense, self.answer = (_linear(tensors, part) for part in (POOLER, ANSWER))

    def forward(self, states: Tensor) -> Tensor:
        """[batch, token, width] -> [batch, 2]."""
        return self.answer(torch.tanh(self.dense(states[:, 0])))


def attach(model: PreTrainedModel, folder: Path) -> None:
    """Give a BERT its head; nothing happens where the checkpoint lacks it, or in other families."""
    if model.config.model_type != "bert":
        return
    tensors: dict[str, Tensor] = {}
    for path in sorted(folder.glob("model*.safetensors")):
        with safe_open(path, framework="pt") as file:
            here = set(file.keys())
            tensors |= {name: file.get_tensor(name).float() for name in NAMES if name in here}
    width = model.config.hidden_size
    fits = {name: one.shape for name, one in tensors.items()} == {
        f"{POOLER}.weight": (width, width),
        f"{POOLER}.bias": (width,),
        f"{ANSWER}.weight": (2, width),
        f"{ANSWER}.bias": (2,),
    }
    if fits:
        model.add_module(PAIR, PairHead(tensors))


def head_of(model: PreTrainedModel) -> nn.Module | None:
    """The head that was attached."""
    return dict(model.named_children()).get(PAIR)


def _linear(tensors: dict[str, Tensor], part: str) -> nn.Linear:
    weight, bias = tensors[f"{part}.weight"], tensors[f"{part}.bias"]
    found = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        found.weight.copy_(weight)
        found.bias.copy_(bias)
    return found
