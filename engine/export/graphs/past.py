"""The keys and values of tokens read before, as inputs and outputs of a decoder's graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer

from engine.export.model import kept_shapes
from engine.models.bundle import Stack

Past = list[dict[str, Tensor]]  # one {"key", "value"} a layer, each [row, key_head, past, dim]


class Kept(DynamicLayer):
    """The past of one layer, given as tensors whose length may be 0."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        """Take over the tensors [row, key_head, past, dim]."""
        super().__init__()
        self.keys, self.values = keys, values
        self.dtype, self.device = keys.dtype, keys.device
        self.is_initialized = True

    def get_seq_length(self) -> int:
        """The length as the graph sees it: a symbol, never compared with 0."""
        assert self.keys is not None
        return self.keys.shape[-2]


def kept(past: Past) -> Cache:
    """The past as the cache that a model reads and adds to."""
    layers: list[Any] = [Kept(layer["key"], layer["value"]) for layer in past]
    return Cache(layers=layers)


def present(cache: Cache) -> dict[str, Tensor]:
    """The past and the tokens just read, as the next step's past."""
    found: dict[str, Tensor] = {}
    for k, layer in enumerate(cache.layers):
        assert isinstance(layer, Kept) and layer.keys is not None and layer.values is not None
        found |= {f"present.{k}.key": layer.keys, f"present.{k}.value": layer.values}
    return found


def zeros(model: PreTrainedModel, stack: Stack, rows: int, length: int) -> Past:
    """Keys and values of every layer, all zero."""
    shapes = kept_shapes(model, stack)
    return [
        {
            name: torch.zeros((rows, heads, length, dim), dtype=model.dtype)
            for name, (heads, dim) in shapes.items()
        }
        for _ in range(stack.layers)
    ]
