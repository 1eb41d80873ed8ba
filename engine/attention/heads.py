"""What a head does: measures on attention weights, one number a head.

In: weights `[.., query, key]` of any number of heads, the ids or marks of the tokens. Out: one
number a head. Nothing here runs a model or knows where the weights came from.

Every measure leaves out the first query: a causal model gives it no choice, and a mean over rows
without a choice would flatter each head. A measure that has nothing to count (a text of one
token, no repeated token) is NaN, never 0.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.values import Attention, Kind, Tokens

REACH = 3
"""Tokens to either side that count as local."""


def allowed(
    kind: Kind, n_query: int, n_key: int, attention: Attention | None = None
) -> Bool[np.ndarray, "query key"]:
    """Cells a query may attend to: from the scores where the model gives them, else by the kind.

    A score of -inf in every head is a masked cell (sliding windows are seen this way too); without
    scores a decoder's own attention is causal and everything else is open.
    """
    if attention is not None and attention.scores is not None:
        # As a maximum: six times as quick as asking each cell of each head.
        return np.asarray(attention.scores.max(axis=0) > -np.inf)
    if kind == "decoder":
        return np.tri(n_query, n_key, dtype=bool)
    return np.ones((n_query, n_key), dtype=bool)


def previous_token(
    weights: Float[np.ndarray, "*stack query key"],
) -> Float[np.ndarray, "*stack"]:
    """Mean over queries i > 0 of w[i, i-1]."""
    return _mean(np.diagonal(weights, offset=-1, axis1=-2, axis2=-1))


def next_token(weights: Float[np.ndarray, "*stack query key"]) -> Float[np.ndarray, "*stack"]:
    """Mean over queries 0 < i < n-1 of w[i, i+1]."""
    return _mean(np.diagonal(weights, offset=1, axis1=-2, axis2=-1)[..., 1:])


def same_token(weights: Float[np.ndarray, "*stack query key"]) -> Float[np.ndarray, "*stack"]:
    """Mean over queries i > 0 of w[i, i]."""
    return _mean(np.diagonal(weights, axis1=-2, axis2=-1)[..., 1:])


def first_token(weights: Float[np.ndarray, "*stack query key"]) -> Float[np.ndarray, "*stack"]:
    """Mean over queries i > 0 of w[i, 0]: the sink of many models.

    Xiao et al. 2023, "Efficient streaming language models with attention sinks".
    """
    return _mean(weights[..., 1:, 0])


def induction(
    weights: Float[np.ndarray, "*stack query key"], ids: Int[np.ndarray, "query"]
) -> Float[np.ndarray, "*stack"]:
    """Mean over queries i whose token came before of the sum of w[i, j], id[j-1] = id[i], j < i.

    What stood after the earlier occurrence is what would come next if the text repeated itself.
    Olsson et al. 2022, "In-context learning and induction heads".
    """
    n = len(ids)
    follows = np.zeros((n, n), dtype=bool)
    follows[:, 1:] = ids[:, None] == ids[None, :-1]
    follows &= np.tri(n, k=-1, dtype=bool)
    queries = np.flatnonzero(follows.any(axis=1))
    return _mean((weights[..., queries, :] * follows[queries]).sum(axis=-1))


def local(
    weights: Float[np.ndarray, "*stack query key"], reach: int = REACH
) -> Float[np.ndarray, "*stack"]:
    """Mean over queries i > 0 of the sum of w[i, j] with 0 < |i - j| <= reach."""
    count = weights.shape[-2] - 1
    if count < 1:
        return _mean(weights[..., 1:, 0])
    total = np.zeros(weights.shape[:-2], dtype=np.float32)
    for step in range(1, reach + 1):
        total += np.diagonal(weights, offset=-step, axis1=-2, axis2=-1).sum(axis=-1)
        total += np.diagonal(weights, offset=step, axis1=-2, axis2=-1)[..., 1:].sum(axis=-1)
    return total / count


def broad(
    weights: Float[np.ndarray, "*stack query key"], open_cells: Bool[np.ndarray, "query key"]
) -> Float[np.ndarray, "*stack"]:
    """Mean over queries of entropy(w[i]) / log(keys open to i): 1 is uniform, 0 is one key.

    Queries with one open key are left out: their entropy can only be 0.
    """
    choices = open_cells.sum(axis=-1)
    rows = np.flatnonzero(choices > 1)
    w = weights[..., rows, :]
    plogp = w * np.log(np.where(w > 0, w, 1.0))
    entropy = -plogp.sum(axis=-1)
    return _mean(entropy / np.log(choices[rows]))


def onto(
    weights: Float[np.ndarray, "*stack query key"], keys: Bool[np.ndarray, "key"]
) -> Float[np.ndarray, "*stack"]:
    """Mean over queries i > 0 of the sum of w[i, j] over the given keys; NaN without keys."""
    if not keys.any():
        return np.full(weights.shape[:-2], np.nan, dtype=np.float32)
    return _mean(weights[..., 1:, :][..., keys].sum(axis=-1))


def diagonal(weights: Float[np.ndarray, "*stack query key"]) -> Float[np.ndarray, "*stack"]:
    """Correlation of i and j when link (i, j) counts w[i, j] times: 1 is one straight alignment.

    Pearson's r = cov(i, j) / (sd(i) sd(j)) under the weights; a uniform head has 0, one that reads
    the source backwards is below 0. All queries count: cross-attention has no mask.
    """
    n_query, n_key = weights.shape[-2:]
    if n_query < 2 or n_key < 2:
        return np.full(weights.shape[:-2], np.nan, dtype=np.float32)
    i = np.arange(n_query, dtype=np.float64)[:, None]
    j = np.arange(n_key, dtype=np.float64)[None, :]
    w = weights / weights.sum(axis=(-2, -1), keepdims=True)

    def expect(value: np.ndarray) -> np.ndarray:
        return (w * value).sum(axis=(-2, -1))

    spread = (expect(i * i) - expect(i) ** 2) * (expect(j * j) - expect(j) ** 2)
    covariance = expect(i * j) - expect(i) * expect(j)
    flat = spread <= 1e-12  # every link ends at one key: no direction to speak of
    return np.where(flat, 0.0, covariance / np.sqrt(np.where(flat, 1.0, spread))).astype(np.float32)


def punctuation(tokens: Tokens) -> Bool[np.ndarray, "token"]:
    """Tokens that are punctuation or separators: no letter, digit or symbol of speech in them."""
    marks = [
        bool(piece := tokens.text[start:end].strip())
        and all(unicodedata.category(c).startswith("P") for c in piece)
        for start, end in tokens.spans.tolist()
    ]
    return np.array(marks, dtype=bool) | tokens.special


@dataclass(frozen=True, slots=True)
class Measure:
    """One way to sort heads; `says` completes "attends x % to ..."."""

    name: str
    title: str
    says: str
    formula: str
    kinds: tuple[Kind, ...]
    share: bool = True


OWN: tuple[Kind, ...] = ("encoder", "decoder")

MEASURES: tuple[Measure, ...] = (
    Measure("previous", "Previous token", "the previous token", "mean of w[i, i−1], i > 1", OWN),
    Measure("next", "Next token", "the next token", "mean of w[i, i+1], i > 1", ("encoder",)),
    Measure(
        "first", "Attention sink (first token)", "the first token", "mean of w[i, 1], i > 1", OWN
    ),
    Measure("same", "Current token", "the token itself", "mean of w[i, i], i > 1", OWN),
    Measure(
        "induction",
        "Induction",
        "the token that followed an earlier occurrence",
        "mean over repeated tokens i of Σ w[i, j], token j−1 = token i",
        ("decoder",),
    ),
    Measure(
        "local",
        "Local window",
        f"the {REACH} tokens on either side",
        f"mean of Σ w[i, j], 1 ≤ |i − j| ≤ {REACH}",
        OWN,
    ),
    Measure(
        "marks",
        "Punctuation",
        "punctuation and separators",
        "mean of Σ w[i, j], j punctuation or special",
        ("encoder", "decoder", "cross"),
    ),
    Measure(
        "broad",
        "Entropy",
        "many tokens",
        "mean of −Σ w log w / log(keys open to i)",
        ("encoder", "decoder", "cross"),
        share=False,
    ),
    Measure(
        "diagonal",
        "Alignment (diagonal)",
        "the source token at the same position",
        "correlation of i and j, link (i, j) counted w[i, j] times",
        ("cross",),
        share=False,
    ),
)


def measure(
    weights: Float[np.ndarray, "*stack query key"],
    *,
    kind: Kind,
    queries: Tokens,
    keys: Tokens,
    open_cells: Bool[np.ndarray, "query key"],
) -> dict[str, Float[np.ndarray, "*stack"]]:
    """Every measure that makes sense for this kind of attention, by name, one number a head."""
    compute: dict[str, Callable[[], np.ndarray]] = {
        "previous": lambda: previous_token(weights),
        "next": lambda: next_token(weights),
        "first": lambda: first_token(weights),
        "same": lambda: same_token(weights),
        "induction": lambda: induction(weights, queries.ids),
        "local": lambda: local(weights),
        "marks": lambda: onto(weights, punctuation(keys)),
        "broad": lambda: broad(weights, open_cells),
        "diagonal": lambda: diagonal(weights),
    }
    return {m.name: compute[m.name]() for m in MEASURES if kind in m.kinds}


def _mean(values: Float[np.ndarray, "*stack n"]) -> Float[np.ndarray, "*stack"]:
    """Mean over the last axis, NaN (without a warning) when it is empty."""
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan, dtype=np.float32)
    return values.mean(axis=-1)
