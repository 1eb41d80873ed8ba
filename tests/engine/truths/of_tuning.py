"""Tuning once more: from the adapter's file by its own package, and from PyTorch's logits."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file

from engine.training.tune import base
from tests.engine.truths.raw import SHIPPED, card, ids_of, truth

ADAPTERS = SHIPPED.with_name("adapters")


def stored(adapter: str) -> dict[str, np.ndarray]:
    return load_file(ADAPTERS / adapter / "adapter.safetensors")


def told(adapter: str) -> dict[str, Any]:
    return json.loads((ADAPTERS / adapter / "card.json").read_text("utf-8"))


def deltas(adapter: str) -> dict[str, np.ndarray]:
    files, scale = stored(adapter), told(adapter)["alpha"] / told(adapter)["rank"]
    return {
        name.removeprefix("base_model.model.").replace(".lora_A", ""): scale
        * (files[name.replace("lora_A", "lora_B")].astype(np.float64) @ low.astype(np.float64)).T
        for name, low in files.items()
        if ".lora_A." in name
    }


def bits_per_byte(model: torch.nn.Module, name: str, text: str) -> float:
    ids = torch.tensor([[card(name).generation.start or 0, *ids_of(name, text)]])
    with torch.no_grad():
        log = torch.log_softmax(model(input_ids=ids[:, :-1]).logits[0].double(), -1)
    nats = -log[torch.arange(ids.shape[1] - 1), ids[0, 1:]].sum().item()
    return nats / np.log(2) / len(text.encode())


@truth
def factor_numbers(model: str, text: str, matrix: str, rank: int) -> float:
    shape = base.model(SHIPPED / model).state_dict()[f"transformer.h.0.{matrix}.weight"].shape
    return float(sum(rank * size for size in shape))


@truth
def trained_share(model: str, text: str, adapter: str) -> float:
    numbers = sum(one.numel() for one in base.model(SHIPPED / model).parameters())
    return 100 * sum(one.size for one in stored(adapter).values()) / numbers


@truth
def tuned_cost(model: str, text: str, adapter: str) -> str:
    found = base.model(SHIPPED / model)
    before = bits_per_byte(found, model, text)
    with torch.no_grad():
        for name, change in deltas(adapter).items():
            found.get_parameter(name).add_(torch.from_numpy(change.astype(np.float32)))
    return "more" if bits_per_byte(found, model, text) > before else "less"


@truth
def forgotten_share(model: str, text: str, adapter: str) -> float:
    pair = told(adapter)["forgotten"]
    return 100 * (pair["after"] - pair["before"]) / pair["before"]


@truth
def change_rank(model: str, text: str, adapter: str, matrix: str, layer: int) -> float:
    change = deltas(adapter)[f"transformer.h.{layer - 1}.{matrix}.weight"]
    return float(np.linalg.matrix_rank(change, rtol=1e-6))
