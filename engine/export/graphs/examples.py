"""Inputs to trace a graph with, and the names of the dimensions that stay free.

All sizes differ and are above one, since the exporter would take 0 and 1 for constants.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.export import Dim
from transformers import PreTrainedModel

from engine.export.graphs.past import zeros
from engine.export.model import stack

BATCH, TOKEN, PAST, TOTAL, ROW, WANTED = 2, 5, 3, 8, 3, 4  # sizes of the example inputs
SOURCES, SOURCE = 6, 7  # of an encoder's

Named = dict[str, Any]


def text_example(
    model: PreTrainedModel, shape: tuple[int, int], free: dict[int, Any]
) -> tuple[Named, Named]:
    """What every encoder takes."""
    tower = stack(model, "encoder")
    inputs = {
        "input_ids": torch.ones(shape, dtype=torch.long),
        "attention_mask": torch.ones(shape, dtype=torch.long),
        "head_mask": torch.ones(tower.layers, tower.heads),
    }
    return inputs, {"input_ids": free, "attention_mask": free, "head_mask": {}}


def step_example(model: PreTrainedModel, batch: Any) -> tuple[Named, Named]:
    """What every decoder takes."""
    tower = stack(model, "decoder")
    past = Dim("past", min=0)
    inputs = {
        "input_ids": torch.ones(BATCH, TOKEN, dtype=torch.long),
        "attention_mask": torch.ones(BATCH, TOTAL, dtype=torch.long),
        "first": torch.arange(WANTED),
        "past": zeros(model, tower, BATCH, PAST),
        "head_mask": torch.ones(tower.layers, tower.heads),
    }
    dims = {
        "input_ids": {0: batch, 1: Dim("token")},
        "attention_mask": {0: batch, 1: Dim("total")},
        "first": {0: Dim("wanted")},
        "past": [{n: {0: batch, 2: past} for n in ("key", "value")}] * tower.layers,
        "head_mask": {},
    }
    return inputs, dims
