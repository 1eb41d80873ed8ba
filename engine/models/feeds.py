"""What a graph is fed for a batch of ids: every input that the graph declares, with its type.

In: ids and what differs from the plainest case. Out: arrays by input name. Names and axes are
those of `engine/models/bundle.py`; an input that a graph does not have is not made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Int

from engine.models.sessions import Session
from engine.values import Kind

Off = Sequence[tuple[Kind, int, int]]


def text_feeds(
    session: Session,
    ids: Int[np.ndarray, "batch token"],
    *,
    mask: Bool[np.ndarray, "batch past_plus_token"] | None = None,
    segments: Int[np.ndarray, "batch token"] | None = None,
    first: Sequence[int] = (0,),
    keep: Iterable[int] = (),
) -> dict[str, np.ndarray]:
    """Ids, mask, segments and wanted positions; without a mask every token is real.

    `keep` are the layers whose attention will be asked for.
    """
    batch, n_tokens = ids.shape
    values = {
        "input_ids": ids,
        "attention_mask": np.ones((batch, n_tokens)) if mask is None else mask,
        "segments": np.zeros((batch, n_tokens)) if segments is None else segments,
        "first": np.array(first),
    }
    if "keep" in session.inputs:
        values["keep"] = np.zeros(session.inputs["keep"].shape)
        values["keep"][list(keep)] = 1
    return {
        name: _typed(session, name, value)
        for name, value in values.items()
        if name in session.inputs
    }


def empty_past(session: Session, batch: int) -> dict[str, np.ndarray]:
    """Keys and values of no tokens at all, `past.*` [batch, key_head, 0, dim]."""
    found = {}
    for name, node in session.inputs.items():
        if name.startswith("past."):
            shape = (batch, node.shape[1], 0, node.shape[3])
            found[name] = np.zeros(shape, dtype=session.dtype(name))
    return found


def head_masks(session: Session, *, own: Kind, off: Off) -> dict[str, np.ndarray]:
    """`head_mask` of the graph's own attention and, where it has one, `cross_head_mask`."""
    found = {}
    for name, kind in (("head_mask", own), ("cross_head_mask", "cross")):
        if name in session.inputs:
            layers, heads = session.inputs[name].shape
            mask = np.ones((layers, heads), dtype=session.dtype(name))
            for _, layer, head in (item for item in off if item[0] == kind):
                if not (0 <= layer < layers and 0 <= head < heads):
                    raise ValueError(f"no head ({layer}, {head}) among {layers} x {heads}")
                mask[layer, head] = 0
            found[name] = mask
    return found


def source_masks(session: Session, mask: Bool[np.ndarray, "batch source"]) -> dict[str, np.ndarray]:
    """Which tokens of each row's source are real."""
    # A block cut out of a graph may not ask for it.
    values = {"source_mask": mask} if "source_mask" in session.inputs else {}
    return {name: _typed(session, name, value) for name, value in values.items()}


def _typed(session: Session, name: str, value: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(value, dtype=session.dtype(name))
