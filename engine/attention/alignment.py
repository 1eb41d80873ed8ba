"""Which source a written token was made from, read off cross-attention: heads, words, quality.

In: cross-attention weights and the tokens' texts. Out: weights of a chosen layer and head or of
their mean, the same by whole words, the head that points most clearly. Also chrF and BLEU of a
translation against a reference. Pure; knows no model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.attention.notable import strongest
from engine.values import Frozen

# The cuts of WMT's mteval-v13a, which BLEU figures are given with.
_CUTS = (
    (re.compile(r"([{-~\[-` -&(-+:-@/])"), r" \1 "),
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


@dataclass(frozen=True, eq=False, slots=True)
class Alignment(Frozen):
    """Weights with the names of their rows (target) and columns (source).

    `row_starts[i]` and `column_starts[j]` are the first tokens of what row i and column j stand
    for; by token they count up, by word some are left out.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    row_starts: tuple[int, ...]
    column_starts: tuple[int, ...]
    weights: Float[np.ndarray, "row column"]


def chosen(
    cross: Float[np.ndarray, "layer head target source"], layer: int | None, head: int | None
) -> Float[np.ndarray, "target source"]:
    """One head, or the mean over all heads of a layer, one head of all layers, or everything.

    Indices count from 0; None takes the mean.
    """
    part = cross if layer is None else cross[layer : layer + 1]
    part = part if head is None else part[:, head : head + 1]
    return part.mean(axis=(0, 1))


def clearest(
    cross: Float[np.ndarray, "layer head target source"], special: Bool[np.ndarray, "source"]
) -> tuple[int, int]:
    """The (layer, head) whose target tokens put most weight on one source token each.

    Special tokens are left apart: weight on the end mark points at nothing.
    """
    real = cross[..., ~special] if not special.all() else cross
    return strongest(real.max(axis=-1).mean(axis=-1))


def without_special(
    weights: Float[np.ndarray, "target source"], special: Bool[np.ndarray, "source"]
) -> Float[np.ndarray, "target source"]:
    """Hide special source tokens and rescale what is left of each row to a sum of 1."""
    if special.all():
        return weights
    left = np.where(special[None, :], 0.0, weights)
    return (left / np.maximum(left.sum(axis=1, keepdims=True), 1e-12)).astype(np.float32)


def words(pieces: Sequence[str], special: Sequence[bool]) -> tuple[int, ...]:
    """First token of every word: a space begins one, special tokens and lone marks stand alone.

    >>> words((" The", " so", "fa", ".", "</s>"), (False,) * 4 + (True,))
    (0, 1, 3, 4)
    """
    starts = [0]
    for place in range(1, len(pieces)):
        piece = pieces[place]
        alone = special[place] or special[place - 1] or not any(c.isalnum() for c in piece)
        if alone or piece[:1].isspace():
            starts.append(place)
    return tuple(starts)


def by_word(
    weights: Float[np.ndarray, "target source"], rows: Sequence[int], columns: Sequence[int]
) -> Float[np.ndarray, "row column"]:
    """Sum over a source word's tokens, mean over a target word's; rows still sum to 1."""
    summed = np.add.reduceat(weights, np.array(columns), axis=1)
    counts = np.diff([*rows, len(weights)])
    return (np.add.reduceat(summed, np.array(rows), axis=0) / counts[:, None]).astype(np.float32)


def align(
    weights: Float[np.ndarray, "target source"],
    target: Sequence[str],
    source: Sequence[str],
    *,
    target_special: Sequence[bool],
    source_special: Sequence[bool],
    whole_words: bool,
) -> Alignment:
    """Weights with the names of rows and columns, by token or by whole word."""
    rows = words(target, target_special) if whole_words else tuple(range(len(target)))
    columns = words(source, source_special) if whole_words else tuple(range(len(source)))
    return Alignment(
        rows=_joined(target, rows),
        columns=_joined(source, columns),
        row_starts=rows,
        column_starts=columns,
        weights=by_word(weights, rows, columns) if whole_words else weights,
    )


def chrf(hypothesis: str, reference: str, *, order: int = 6, beta: float = 2.0) -> float:
    """chrF2 in 0..100: agreement in runs of 1 to 6 characters, spaces left out (Popović 2015)."""
    ours, theirs = "".join(hypothesis.split()), "".join(reference.split())
    precisions, recalls = [], []
    for n in range(1, order + 1):
        a, b = _runs(ours, n), _runs(theirs, n)
        if not a or not b:
            continue
        common = sum((a & b).values())
        precisions.append(common / sum(a.values()))
        recalls.append(common / sum(b.values()))
    if not precisions:
        return 0.0
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    below = beta**2 * precision + recall
    return 100 * (1 + beta**2) * precision * recall / below if below else 0.0


def bleu(hypothesis: str, reference: str, *, order: int = 4) -> float:
    """BLEU of one sentence in 0..100, counts of 0 halved again and again (as `sacrebleu` does)."""
    ours, theirs = _cut(hypothesis), _cut(reference)
    if not ours or not theirs:
        return 0.0
    logs, smoothing, most = [], 1.0, min(order, len(ours))
    for n in range(1, most + 1):
        a, b = _runs(ours, n), _runs(theirs, n)
        common, total = sum((a & b).values()), sum(a.values())
        if common == 0:
            smoothing *= 2
        logs.append(np.log(common / total if common else 1 / (smoothing * total)))
    if not any(sum((_runs(ours, n) & _runs(theirs, n)).values()) for n in range(1, most + 1)):
        return 0.0
    brevity = min(0.0, 1 - len(theirs) / len(ours))
    return float(100 * np.exp(brevity + sum(logs) / most))


def _cut(text: str) -> tuple[str, ...]:
    text = f" {text} "
    for cut, apart in _CUTS:
        text = cut.sub(apart, text)
    return tuple(text.split())


def _runs(items: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def _joined(pieces: Sequence[str], starts: tuple[int, ...]) -> tuple[str, ...]:
    ends = (*starts[1:], len(pieces))
    return tuple("".join(pieces[a:b]) for a, b in zip(starts, ends, strict=True))
