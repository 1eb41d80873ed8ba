"""What a text costs a decoder, in bits: windows of it read through the bundle that is shown.

In: an opened bundle and ids. Out: bits; divided by the text's bytes they compare models whatever
their tokens are. Each token sees at least `STRIDE` before it, or half a window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int

from engine.models.feeds import empty_past, head_masks, text_feeds
from engine.models.runtime import Bundle

STRIDE = 256


def of_ids(bundle: Bundle, ids: Int[np.ndarray, "token"]) -> float:
    """Bits of all ids but the first."""
    total = 0.0
    limit = bundle.card.limit or 2 * STRIDE
    # A model of few positions looks back over half of them, or its windows would not move on.
    for start, known, end in spans(len(ids), limit=limit, stride=min(STRIDE, limit // 2)):
        wanted = range(known - start, end - start)
        logits = predicted(bundle, ids[None, start:end], wanted)[0]
        total -= log_probabilities(logits, ids[known + 1 : end + 1]).sum()
    return total / math.log(2)


def spans(n_ids: int, *, limit: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Windows (start, first predicting position, end) that predict each id but the first once."""
    known = 0
    while known < n_ids - 1:
        start = max(0, known - stride)
        end = min(start + limit, n_ids - 1)
        yield start, known, end
        known = end


def predicted(
    bundle: Bundle, ids: Int[np.ndarray, "batch token"], positions: Sequence[int]
) -> Float[np.ndarray, "batch position vocabulary"]:
    """Logits at some positions of a batch of one-tower rows."""
    session = bundle.session("model")
    own = "decoder" if bundle.card.family == "decoder" else "encoder"
    feeds = {
        **text_feeds(session, ids, first=list(positions)),
        **empty_past(session, len(ids)),
        **head_masks(session, own=own, off=()),
    }
    return bundle.run("model", feeds, ["logits"])["logits"]


def log_probabilities(
    logits: Float[np.ndarray, "row vocabulary"], ids: Int[np.ndarray, "row"]
) -> Float[np.ndarray, "row"]:
    """Natural logarithm of what softmax gives each row's id."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return shifted[np.arange(len(ids)), ids] - np.log(np.exp(shifted).sum(axis=1))
