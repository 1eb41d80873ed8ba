"""From the flat outputs of a run to values: one block with its attention, rows of hidden states.

In: arrays by the names of `engine/models/bundle.py`, as ONNX Runtime gave them. Out: float32 arrays
that own their memory. Knows nothing of texts, sessions or who asks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from engine.errors import NotOffered
from engine.models.bundle import Stack
from engine.trace import quantities
from engine.values import Attention, Layer

MASKED = -1e30  # scores at or below this were masked; float16 holds no less than -65,504
ATTENTION = quantities.at("attention")
PARTS = tuple(quantity.name for quantity in ATTENTION if not quantity.always)
Outputs = Mapping[str, np.ndarray]


def block(index: int, stack: Stack, found: Outputs, n_tokens: int, *, crosses: bool) -> Layer:
    """One block out of a run's outputs; `crosses` where it looks at a source too."""
    cross = None
    if crosses:
        parts = {q.name: found.get(q.output(index, "cross")) for q in ATTENTION}
        for part in ("key", "value"):
            parts[part] = _repeated(found[f"source.{index}.{part}"], stack)
        cross = _attention(parts, stack)
    own = {q.name: found.get(q.output(index)) for q in ATTENTION}
    return Layer(
        index=index,
        attention=_attention(own, stack),
        cross=cross,
        hidden=rows(found[f"hidden.{index + 1}"], n_tokens),
        **{
            q.name: rows(found[q.output(index)], n_tokens)
            for q in quantities.at("part")
            if q.output(index) in found
        },
    )


def rows(found: np.ndarray, n_tokens: int) -> Float[np.ndarray, "token width"]:
    """[batch or none, token, width] -> an array of its own, [token, width]."""
    return plain(found.reshape(-1, found.shape[-1])[:n_tokens])


def plain(found: np.ndarray) -> np.ndarray:
    """float32, owning its memory: a view would keep the whole output alive."""
    return np.array(found, dtype=np.float32, order="C")


def _attention(parts: Mapping[str, np.ndarray | None], stack: Stack) -> Attention:
    given = {name: None if part is None else plain(part[0]) for name, part in parts.items()}
    weights, scores = given["weights"], given["scores"]
    if weights is None:
        raise NotOffered("This model's attention weights were not exported.")
    if scores is not None:
        floor = -6e4 if parts["scores"].dtype == np.float16 else MASKED  # type: ignore[union-attr]
        np.copyto(scores, -np.inf, where=scores <= floor)
    scale = stack.scale or stack.dim**-0.5
    return Attention(**given, scale=scale)  # type: ignore[arg-type]


def _repeated(shared: np.ndarray, stack: Stack) -> np.ndarray:
    """[batch, key_head, ..] -> [batch, head, ..]: a key head once for each head of its group."""
    return np.repeat(shared, stack.heads // shared.shape[1], axis=1)
