"""Filters of logits: each takes those of one position and gives them changed, -inf where cut.

The formulas, their order in `sampling` and their edge cases are those of the logits processors of
`transformers`. What is cut is decided on the full vocabulary. Knows nothing of settings or draws.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

Row = Float[np.ndarray, "vocabulary"]
HEAP = 64  # ids looked at together where the largest few are wanted


# --- Penalties: they change logits, greedy heeds them too ---------------------------------------


def repetition_penalty(logits: Row, ids: Sequence[int], penalty: float) -> Row:
    """Divide the positive and multiply the negative logits of all seen (Keskar 2019, 4.1)."""
    seen = _known(ids, logits)
    changed = logits.copy()
    score = logits[seen]
    changed[seen] = np.where(score < 0, score * np.float32(penalty), score / np.float32(penalty))
    return changed


def frequency_penalty(logits: Row, written: Sequence[int], penalty: float) -> Row:
    """Subtract the penalty from a token's logit once for each time that it was written."""
    ids, counts = np.unique(np.asarray(written, dtype=np.int64), return_counts=True)
    inside = ids < len(logits)
    changed = logits.copy()
    changed[ids[inside]] -= (counts[inside] * penalty).astype(logits.dtype)
    return changed


def no_repeat_ngram(logits: Row, ids: Sequence[int], size: int) -> Row:
    """Cut every token that would make a sequence of `size` tokens come a second time."""
    if len(ids) < size:
        return logits
    past = np.asarray(ids, dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(past, size)
    prefix = past[len(past) - size + 1 :]
    ends = windows[(windows[:, :-1] == prefix).all(axis=1), -1]
    return banned(logits, ends.tolist())


def banned(logits: Row, ids: Sequence[int]) -> Row:
    """Cut the given tokens."""
    changed = logits.copy()
    changed[_known(ids, logits)] = -np.inf
    return changed


# --- Warpers: they shape the distribution that is drawn from ------------------------------------


def temperature(logits: Row, value: float) -> Row:
    """Divide by the temperature: below 1 sharpens, above 1 flattens."""
    return logits / np.float32(value)


def top_k(logits: Row, count: int) -> Row:
    """Keep the `count` largest logits, and those equal to the smallest of them."""
    if count >= len(logits):
        return logits
    least = np.partition(logits, len(logits) - count)[len(logits) - count]
    return np.where(logits < least, np.float32(-np.inf), logits)


def top_p(logits: Row, mass: float) -> Row:
    """Keep the smallest set of likeliest tokens whose probabilities reach `mass`.

    Probabilities 0.5, 0.3, 0.1, 0.1 and mass 0.7 keep two. Of equals the higher ids stay.
    """
    scores = probabilities(logits)
    head = _holding(scores, mass)
    order = head[descending(scores[head], len(head))]
    held = scores[order]
    above = np.cumsum(held, dtype=np.float64) - held
    below = (scores.sum(dtype=np.float64) - above).astype(np.float32)
    kept = order[below > np.float32(1 - mass)]  # compared in float32, as transformers does
    return _only(logits, kept if len(kept) else order[:1])


def _holding(scores: Row, mass: float) -> Int[np.ndarray, "id"]:
    """The ids from some probability on that surely hold `mass`: only they have to be sorted."""
    most = float(scores.max())
    for share in (0.03, 0.001):
        head = np.flatnonzero(scores >= most * share)
        # More than rounding could take: what is less likely than all of these is cut for certain.
        if float(scores[head].sum(dtype=np.float64)) > mass + 1e-5:
            return head
    # All that are less likely than this hold less than 1 - mass together: none of them stays.
    return np.flatnonzero(scores >= (1 - mass) / len(scores))


def min_p(logits: Row, share: float) -> Row:
    """Keep tokens at least `share` times as likely as the likeliest."""
    scores = probabilities(logits)
    cut = scores < np.float32(share) * scores.max()
    return np.where(cut, np.float32(-np.inf), logits)


def typical(logits: Row, mass: float) -> Row:
    """Keep the tokens whose surprise is nearest to the entropy until they hold `mass`.

    Meister and others 2022, section 3: neither too likely nor too unlikely.
    """
    scores = probabilities(logits)
    with np.errstate(divide="ignore"):
        surprise = -np.log(scores)
    held = scores > 0
    expected = float(np.sum(scores[held] * surprise[held], dtype=np.float64))
    distance = np.abs(surprise - np.float32(expected))
    order, above = _heads(-distance, scores, mass)
    return np.where(distance > distance[order[above < mass][-1]], np.float32(-np.inf), logits)


def likeliest(logits: Row) -> Row:
    """Keep the likeliest token alone: greedy decoding."""
    return _only(logits, np.array([np.argmax(logits)]))


def _known(ids: Sequence[int], logits: Row) -> Int[np.ndarray, "id"]:
    """Ids that have a logit: embeddings may have more rows than the output layer."""
    unique = np.unique(np.asarray(ids, dtype=np.int64))
    return unique[unique < len(logits)]


def _only(logits: Row, ids: Int[np.ndarray, "id"]) -> Row:
    changed = np.full_like(logits, -np.inf)
    changed[ids] = logits[ids]
    return changed


def _heads(
    rank: Row, scores: Row, mass: float
) -> tuple[Int[np.ndarray, "id"], Float[np.ndarray, "id"]]:
    """Ids of the highest rank until they hold `mass`, and how much lies above each.

    Sorts a growing head of the vocabulary, as sorting all 50,000 takes ten times as long.
    """
    size = 4096
    while True:
        order = descending(rank, size)
        total = np.cumsum(scores[order], dtype=np.float64)
        if size >= len(scores) or total[-1] >= mass:
            return order, total - scores[order]
        size *= 8


def descending(scores: Row, count: int) -> Int[np.ndarray, "id"]:
    """Ids of the `count` largest, and of those equal to the least of them, largest first.

    Of equals the higher id comes first. A number and its id are sorted as one integer, which
    takes a tenth of the time of a sort that keeps equals in order.
    """
    if count < len(scores):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        ids = np.flatnonzero(scores >= least)
    else:
        ids = np.arange(len(scores))
    bits = (scores[ids].astype(np.float32) + np.float32(0)).view(np.int32).astype(np.int64)
    rising = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)  # floats below 0 rise as integers fall
    return np.sort((rising << 32) | ids)[::-1] & 0xFFFFFFFF


def likeliest_of(scores: Float[np.ndarray, "row vocabulary"], count: int) -> list[np.ndarray]:
    """For each row the ids of its `count` largest, largest first, of equals the higher id first.

    Ids that leave the same rest share a heap: as many are at least as large as the `count`-th of
    the heaps' largest, so that of all rows together only a few dozen have to be sorted.
    """
    rows, size = scores.shape
    heaps = size // HEAP
    if count >= heaps:
        return [descending(row, count)[:count] for row in scores]
    most = scores[:, : heaps * HEAP].reshape(rows, HEAP, heaps).max(axis=1)
    bound = np.partition(most, heaps - count, axis=1)[:, heaps - count, None]
    row, ids = np.divmod(np.flatnonzero(scores >= bound), size)
    order = np.lexsort((-ids, -scores[row, ids], row))
    starts = np.searchsorted(row, np.arange(rows)).tolist()
    ids = ids[order]
    return [ids[start : start + count] for start in starts]


def probabilities(logits: Row, kept: Int[np.ndarray, "id"] | None = None) -> Row:
    """Softmax; -inf becomes 0. `kept` are the ids that are above it, where they are known."""
    if kept is not None and len(kept) < len(logits) // 4:
        found = np.zeros_like(logits)
        found[kept] = probabilities(logits[kept])
        return found
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()
