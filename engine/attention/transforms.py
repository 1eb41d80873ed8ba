"""What is done to attention weights before they are drawn: combined, thinned, merged, averaged.

In: weights of one or many heads, and which keys, cells or words are meant. Out: weights of the
same meaning, NaN where a cell is masked or hidden. Every function is pure; none runs a model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.values import Attention, Frozen, Tokens

Combination = Literal["mean", "max", "rollout"]
# Thai, Lao, Myanmar, Khmer; kana, Bopomofo, ideographs and their extensions.
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u312f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
).match


def masked(
    weights: Float[np.ndarray, "query key"], open_cells: Bool[np.ndarray, "query key"]
) -> Float[np.ndarray, "query key"]:
    """The weights with NaN where the query may not attend."""
    return np.where(open_cells, weights, np.nan).astype(np.float32)


def combine(
    weights: Float[np.ndarray, "head query key"], how: Literal["mean", "max"]
) -> Float[np.ndarray, "query key"]:
    """Mean (rows still sum to 1) or largest weight (they no longer do) over heads."""
    return weights.mean(axis=0) if how == "mean" else weights.max(axis=0)


def rollout(
    layers: Float[np.ndarray, "layer head token token"],
) -> Float[np.ndarray, "token token"]:
    """How much of each input token reaches each position after these layers, rows sum to 1.

    The product over layers of (mean over heads + identity) / 2, the identity standing for the
    residual connection. Abnar and Zuidema 2020, "Quantifying attention flow in transformers".
    """
    n = layers.shape[-1]
    flow = np.eye(n, dtype=np.float32)
    for heads in layers:
        flow = (0.5 * heads.mean(axis=0) + 0.5 * np.eye(n, dtype=np.float32)) @ flow
    return flow


def without(
    weights: Float[np.ndarray, "query key"], hidden: Bool[np.ndarray, "key"]
) -> Float[np.ndarray, "query key"]:
    """Hide keys and rescale what is left of each row to a sum of 1.

    Hidden cells are NaN; so is every cell of a row that had all its weight on hidden keys, as
    there is nothing to rescale.
    """
    left = np.where(hidden[None, :], np.nan, weights)
    sums = np.nansum(left, axis=-1, keepdims=True)
    return np.where(sums > 1e-6, left / np.where(sums > 1e-6, sums, 1.0), np.nan).astype(np.float32)


def carrying(
    weights: Float[np.ndarray, "query key"], share: float
) -> Bool[np.ndarray, "query key"]:
    """The smallest set of links of each row that carries at least `share` of the row's weight."""
    filled = np.nan_to_num(weights)
    order = np.argsort(-filled, axis=-1, kind="stable")
    ranked = np.take_along_axis(filled, order, axis=-1)
    before = np.cumsum(ranked, axis=-1) - ranked
    # 1e-6 of slack: a float32 row sums to 0.9999999, and 100 % must not ask for more than there is
    keep = (before < share * filled.sum(axis=-1, keepdims=True) - 1e-6) & (ranked > 0)
    kept = np.zeros(weights.shape, dtype=bool)
    np.put_along_axis(kept, order, keep, axis=-1)
    return kept


def value_weighted(attention: Attention, head: int) -> Float[np.ndarray, "query key"] | None:
    """|w[i, j] v[j]|: the length of what each key really adds; None where values are not given.

    Kobayashi et al. 2020, "Attention is not only a weight".
    """
    if attention.value is None:
        return None
    return attention.weights[head] * np.linalg.norm(attention.value[head], axis=-1)[None, :]


def words(tokens: Tokens) -> Int[np.ndarray, "token"]:
    """The number of the word each token belongs to, counted from 0.

    A word ends at white space, at a special token, and where letters meet punctuation. Scripts
    that are written without spaces (Chinese, Japanese, Thai, ..) keep their tokens apart.
    """
    groups = np.zeros(len(tokens), dtype=np.int64)
    group, last, last_end, last_class = -1, "", 0, ""
    for index, (start, end) in enumerate(tokens.spans.tolist()):
        piece = tokens.text[start:end]
        sort = "special" if tokens.special[index] else _class_of(piece)
        gap = tokens.text[last_end:start] + (piece[:1] if start >= last_end else "")
        broken = any(c.isspace() for c in gap) or last[-1:].isspace()
        broken |= _SPACELESS(piece[:1]) is not None and start >= last_end
        broken |= _SPACELESS(last[-1:]) is not None and start >= last_end
        if group < 0 or "special" in (sort, last_class) or sort != last_class or broken:
            group += 1
        groups[index] = group
        last, last_end, last_class = piece, end, sort
    return groups


def merge(
    weights: Float[np.ndarray, "query key"],
    query_groups: Int[np.ndarray, "query"],
    key_groups: Int[np.ndarray, "key"],
) -> Float[np.ndarray, "query_group key_group"]:
    """Weights between groups (words): summed over a group's keys, averaged over its queries.

    Rows still sum to 1. A cell is NaN when every cell it is made of is NaN.
    """
    filled, open_cells = np.nan_to_num(weights), np.isfinite(weights)
    queries, keys = _membership(query_groups), _membership(key_groups)
    merged = (queries / queries.sum(axis=1, keepdims=True)) @ filled @ keys.T
    seen = queries @ open_cells.astype(np.float32) @ keys.T
    return np.where(seen > 0, merged, np.nan).astype(np.float32)


def blocks(
    weights: Float[np.ndarray, "*stack query key"], size: int
) -> Float[np.ndarray, "*stack row column"]:
    """Mean of the open cells of each `size` x `size` block; NaN where a block has none."""
    open_cells = np.isfinite(weights)
    total = _block_sums(np.where(open_cells, weights, np.float32(0)), size)
    count = _block_sums(open_cells.astype(np.float32), size)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


@dataclass(frozen=True, eq=False, slots=True)
class Inside(Frozen):
    """One query and one key of one head, every number from the vectors to the output.

    `products` sum to `dot`; `dot * scale + bias = score`; softmax of the row of scores gives
    `weights`; `weights @ value = output`. `bias` is what the family adds (position bias, soft
    caps), 0 for most. `sink` is the share that a learnt score without a token takes of the softmax;
    the weights then sum to the rest.
    """

    query: Float[np.ndarray, "dim"]
    key: Float[np.ndarray, "dim"]
    products: Float[np.ndarray, "dim"]
    dot: float
    scale: float
    bias: float
    score: float
    scores: Float[np.ndarray, "key"]
    weights: Float[np.ndarray, "key"]
    value: Float[np.ndarray, "dim"]
    output: Float[np.ndarray, "dim"]
    sink: float = 0.0


def inside(attention: Attention, *, head: int, query: int, key: int) -> Inside | None:
    """Take one pair apart; None where the family does not give all of q, k, v and scores."""
    parts = (attention.query, attention.key, attention.value, attention.scores, attention.output)
    if any(part is None for part in parts):
        return None
    q, k, v, scores, output = (part for part in parts if part is not None)
    products = q[head, query] * k[head, key]
    dot, score = float(products.sum()), float(scores[head, query, key])
    bias = score - dot * attention.scale if np.isfinite(score) else 0.0
    return Inside(
        query=q[head, query].copy(),
        key=k[head, key].copy(),
        products=products,
        dot=dot,
        scale=attention.scale,
        bias=bias if abs(bias) > 1e-4 * max(1.0, abs(score)) else 0.0,
        score=score,
        scores=scores[head, query].copy(),
        weights=attention.weights[head, query].copy(),
        value=v[head, key].copy(),
        output=output[head, query].copy(),
        sink=0.0 if attention.sink is None else float(attention.sink[head, query]),
    )


def _block_sums(
    values: Float[np.ndarray, "*stack query key"], size: int
) -> Float[np.ndarray, "*stack row column"]:
    short = [-count % size for count in values.shape[-2:]]
    if any(short):
        values = np.pad(values, [(0, 0)] * (values.ndim - 2) + [(0, more) for more in short])
    *stack, rows, columns = values.shape
    # Whole rows first: their sums are quick, and leave little for the columns.
    high = values.reshape(*stack, rows // size, size, columns).sum(axis=-2)
    return high.reshape(*stack, rows // size, columns // size, size).sum(axis=-1)


def _membership(groups: Int[np.ndarray, "n"]) -> Float[np.ndarray, "group n"]:
    return (np.arange(groups.max() + 1)[:, None] == groups[None, :]).astype(np.float32)


def _class_of(piece: str) -> str:
    text = piece.strip()
    return "word" if not text or any(c.isalnum() for c in text) else "mark"
