"""Attention, once more."""

from __future__ import annotations

import re

import numpy as np

from engine.values import Kind, Reading
from tests.engine.truths.raw import (
    ENGINE,
    all_weights,
    ids_of,
    kind,
    next_logits,
    places,
    softmax,
    truth,
)

# --- Attention ---


@truth
def attends_most(model: str, text: str, word: str, layer: int, head: int) -> str:
    row = all_weights(model, text)[layer - 1, head - 1][places(model, text, word)].mean(axis=0)
    tokens = ENGINE.tokens(Reading(model, text))
    found: dict[tuple[int, int], float] = {}
    for i, (start, end) in enumerate(tokens.spans.tolist()):
        whole = (-1, i)
        for match in re.finditer(r"\w+(?:['’]\w+)*|[^\w\s]", text):
            if not tokens.special[i] and start < match.end() and end > match.start():
                whole = match.span()
        found[whole] = found.get(whole, 0.0) + float(row[i])
    start, end = max(found, key=lambda span: found[span])
    if start < 0:
        return tokens.pieces[end]
    name, before = text[start:end], re.findall(r"\w+", text[:start])
    count = before.count(name) + 1
    return name if count == 1 else f"{name} ({count})"


@truth
def heads_prefer(
    model: str, text: str, word: str, a: str, b: str, baseline: str = "none"
) -> tuple[str, int, int]:
    """The word that more heads prefer, and how many prefer each."""
    weights = all_weights(model, text).astype(np.float64)
    own = places(model, text, word)
    given = []
    for key in (places(model, text, a), places(model, text, b)):
        column = weights[..., key].sum(axis=-1)  # [layer, head, query]
        link = column[..., own].mean(axis=-1)
        if baseline == "column":
            able = [
                q
                for q in range(weights.shape[-2])
                if q not in own and (kind(model) == "encoder" or any(q >= k for k in key))
            ]
            link = link - column[..., able].mean(axis=-1)
        given.append(link)
    gap = given[0] - given[1]
    counts = int((gap > 1e-6).sum()), int((gap < -1e-6).sum())
    return (a if counts[0] > counts[1] else b), *counts


@truth
def strongest_head(model: str, text: str, measure: str) -> str:
    weights = all_weights(model, text).astype(np.float64)
    ids, n = ids_of(model, text), weights.shape[-1]
    cells = {
        "previous": [(i, i - 1) for i in range(1, n)],
        "first": [(i, 0) for i in range(1, n)],
        "same": [(i, i) for i in range(1, n)],
        "induction": [(i, j) for i in range(n) for j in range(1, i) if ids[j - 1] == ids[i]],
    }[measure]
    rows, columns = zip(*cells, strict=True)
    scores = weights[..., list(rows), list(columns)].sum(axis=-1)
    layer, head = np.unravel_index(int(scores.argmax()), scores.shape)
    return f"{layer + 1}.{head + 1}"


@truth
def without_head(model: str, text: str, measure: str) -> str:
    layer, head = (int(part) - 1 for part in strongest_head(model, text, measure).split("."))
    last = len(ids_of(model, text)) - 1
    less = Reading(model, text, off=(("decoder", layer, head),))
    now = int(ENGINE.logits(less, (last,)).logits[0].argmax())
    return "stays" if now == int(next_logits(model, text).argmax()) else "changes"


@truth
def future_weight(model: str, text: str, kind: Kind | None = None) -> str:
    weights = all_weights(model, text, kind)
    later = np.triu(np.ones(weights.shape[-2:], dtype=bool), k=1)
    return "yes" if (weights[..., later] > 0).any() else "no"


@truth
def row_total(model: str, text: str, word: str, layer: int, head: int) -> float:
    """From the scores, not the weights: the softmax of a row."""
    scores = ENGINE.attention(Reading(model, text), kind(model), layer - 1).scores
    assert scores is not None
    row = scores[head - 1, places(model, text, word)[0]].astype(np.float64)
    return 100 * float(softmax(row).sum())


@truth
def score_divisor(model: str, text: str) -> float:
    """Raw dot products against the scores of layer 1."""
    found = ENGINE.attention(Reading(model, text), kind(model), 0)
    assert found.query is not None and found.key is not None and found.scores is not None
    dots = found.query[0].astype(np.float64) @ found.key[0].astype(np.float64).T
    clear = np.isfinite(found.scores[0]) & (np.abs(found.scores[0]) > 0.1)
    return float(np.median(dots[clear] / found.scores[0][clear]))
