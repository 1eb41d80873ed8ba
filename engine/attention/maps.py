"""One attention map, ready to be drawn: weights between labelled rows and columns.

In: an attention sub-layer, its tokens, and what the person chose (which heads together, words or
tokens, what is hidden). Out: a `Map`, with a sentence for each thing that was done to the
weights, so that no picture hides what was changed. Runs no model, draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.attention import heads, transforms
from engine.values import Attention, Frozen, Kind, Reading, Tokens

Together = Literal["one", "mean", "max", "rollout"]
Hidden = Literal["nothing", "first", "special", "marks"]
Quantity = Literal["weight", "value"]
Per = Literal["map", "row", "column"]
Pair = Literal["all", "A to A", "A to B", "B to A", "B to B"]
SINK = (
    "The sink is a learnt score that takes part in the softmax and stands for no token: with its "
    "column each row sums to 100 %."
)


@dataclass(frozen=True, slots=True)
class MapOptions:
    """What is done to the weights before they are drawn; small, hashable, checked.

    `until` keeps the first tokens only (0: all), as when a causal model was still writing; `pair`
    keeps the links from one sentence of a pair to another. `several` are the heads (layer and head
    from 0) whose mean or largest weight is shown; none means all of the layer.
    """

    together: Together = "one"
    hidden: Hidden = "nothing"
    quantity: Quantity = "weight"
    whole_words: bool = False
    mass: float = 1.0
    until: int = 0
    pair: Pair = "all"
    several: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a share of the mass and a count that make no sense."""
        if not 0 < self.mass <= 1:
            raise ValueError(f"mass must be in (0, 1], got {self.mass}")
        if self.until < 0:
            raise ValueError(f"until must be at least 0, got {self.until}")


@dataclass(frozen=True, slots=True)
class Scene:
    """Which head of what reading is shown, with which options and colours.

    The full colour is the largest weight `per` map, row or column.
    """

    reading: Reading
    kind: Kind
    layer: int = 0
    head: int = 0
    options: MapOptions = MapOptions()
    scale: Literal["linear", "sqrt", "log"] = "linear"
    per: Per = "map"

    @property
    def name(self) -> str:
        """The head as people say it, counted from 1: `3.5`."""
        return f"{self.layer + 1}.{self.head + 1}"


@dataclass(frozen=True, eq=False, slots=True)
class Map(Frozen):
    """Weights from rows (queries) to columns (keys); NaN is masked or ignored.

    `starts` are the first tokens of rows and columns, so that a row of words or blocks can be
    traced back. `share` says that rows sum to 1, with what each gives to no token (`sink`) where
    the head has such a share. `kept` marks the links that carry the chosen mass. `notes` say what
    was done, one sentence each.
    """

    weights: Float[np.ndarray, "row column"]
    kept: Bool[np.ndarray, "row column"]
    row_starts: Int[np.ndarray, "row"]
    column_starts: Int[np.ndarray, "column"]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    share: bool
    one_text: bool
    notes: tuple[str, ...]
    sink: Float[np.ndarray, "row"] | None = None


def shared(one: Map, two: Map) -> tuple[Map, Map]:
    """The parts of two maps that have the same words in the same order, cell beside cell.

    Maps of equal size are taken as they are: a word was changed for another. Of unequal ones (other
    lengths, other tokenizers) the words that only one has are left out of rows and columns.
    """
    if one.weights.shape == two.weights.shape:
        return one, two
    rows, columns = _common(one.rows, two.rows), _common(one.columns, two.columns)
    return (
        _cut(one, [a for a, _ in rows], [a for a, _ in columns]),
        _cut(two, [b for _, b in rows], [b for _, b in columns]),
    )


def _common(one: Sequence[str], two: Sequence[str]) -> list[tuple[int, int]]:
    """Places of equal words, in order, upper and lower case alike."""
    names = [[name.strip().casefold() for name in names] for names in (one, two)]
    blocks = SequenceMatcher(None, *names, autojunk=False).get_matching_blocks()
    return [(block.a + i, block.b + i) for block in blocks for i in range(block.size)]


def _cut(shown: Map, rows: list[int], columns: list[int]) -> Map:
    return replace(
        shown,
        weights=shown.weights[np.ix_(rows, columns)],
        kept=shown.kept[np.ix_(rows, columns)],
        row_starts=shown.row_starts[rows],
        column_starts=shown.column_starts[columns],
        rows=tuple(shown.rows[row] for row in rows),
        columns=tuple(shown.columns[column] for column in columns),
        sink=None if shown.sink is None else shown.sink[rows],
    )


def rows_together(shown: Map, rows: Sequence[int]) -> Float[np.ndarray, "column"]:
    """What several queries attend to together: their mean, NaN where none of them may attend."""
    chosen = shown.weights[list(rows)]
    closed = np.isnan(chosen).all(axis=0)
    return np.where(closed, np.nan, np.nan_to_num(chosen).mean(axis=0)).astype(np.float32)


def columns_together(shown: Map, columns: Sequence[int]) -> Float[np.ndarray, "row"]:
    """What several columns get together: their sum, NaN in rows that may attend to none of them."""
    chosen = shown.weights[:, list(columns)]
    closed = np.isnan(chosen).all(axis=1)
    return np.where(closed, np.nan, np.nan_to_num(chosen).sum(axis=1)).astype(np.float32)


def labels(tokens: Tokens) -> tuple[str, ...]:
    """A readable name for each token: its text without the space before it, or its bytes."""
    named = []
    for (start, end), piece, data, special in zip(
        tokens.spans.tolist(), tokens.pieces, tokens.data, tokens.special.tolist(), strict=True
    ):
        try:
            text = tokens.text[start:end] if data == b"" else data.decode()
        except UnicodeDecodeError:
            text = "".join(f"‹{byte:02X}›" for byte in data)
        named.append(piece if special or not text else text.strip(" ") or text)
    return tuple(named)


def prepared(
    attention: Attention,
    head: int,
    *,
    kind: Kind,
    queries: Tokens,
    keys: Tokens,
    options: MapOptions = MapOptions(),
    below: Callable[[], Float[np.ndarray, "layer head token token"]] | None = None,
    several: Callable[[], Float[np.ndarray, "chosen query key"]] | None = None,
) -> Map:
    """The map of one head, or of several heads together, with its options applied.

    `below` gives the weights of all layers up to this one and is called for a rollout only;
    `several` the weights of the selected heads, called where there are any.
    """
    notes: list[str] = []
    n_query, n_key = attention.weights.shape[-2:]
    open_cells = heads.allowed(kind, n_query, n_key, attention)
    weights, share = _together(attention, head, options, below, several, notes)
    weights = transforms.masked(weights, open_cells)
    hidden = _hidden(options.hidden, keys)
    sink = None if hidden.any() else _sink(attention, head, options)  # rows are rescaled without it
    if hidden.any():
        weights = (
            transforms.without(weights, hidden) if share else np.where(hidden, np.nan, weights)
        )
        notes.append(_hiding(options.hidden, int(hidden.sum()), share))
    names = labels(queries), labels(keys)
    starts = np.arange(n_query), np.arange(n_key)
    if options.whole_words:
        groups = transforms.words(queries), transforms.words(keys)
        weights = transforms.merge(weights, *groups)
        names = _joined(names[0], groups[0]), _joined(names[1], groups[1])
        starts = _firsts(groups[0]), _firsts(groups[1])
        if sink is not None:
            sink = transforms.merge(sink[:, None], groups[0], np.zeros(1, dtype=np.int64))[:, 0]
        notes.append(
            "Tokens are merged into words: weights to a word are summed, from a word averaged."
        )
    if sink is not None:
        notes.append(SINK)
    kept = np.isfinite(weights)
    if options.mass < 1:
        kept = transforms.carrying(weights, options.mass)
        notes.append(
            f"{int(kept.sum())} of {int((np.nan_to_num(weights) > 0).sum())} links shown: in each "
            f"row the strongest that sum to {100 * options.mass:.0f} % of its weight."
        )
    rows, columns = _part(options, starts, queries, keys, one_text=kind != "cross", notes=notes)
    return Map(
        weights=weights[np.ix_(rows, columns)].astype(np.float32),
        kept=kept[np.ix_(rows, columns)],
        row_starts=starts[0][rows],
        column_starts=starts[1][columns],
        rows=tuple(names[0][row] for row in rows),
        columns=tuple(names[1][column] for column in columns),
        share=share,
        one_text=kind != "cross" and np.array_equal(starts[0][rows], starts[1][columns]),
        notes=tuple(notes),
        sink=None if sink is None else sink[rows].astype(np.float32),
    )


def _sink(
    attention: Attention, head: int, options: MapOptions
) -> Float[np.ndarray, "query"] | None:
    """What each query gives to no token; None where the weights are not a head's or their mean."""
    if attention.sink is None or options.quantity == "value" or options.several:
        return None
    if options.together == "mean":
        return attention.sink.mean(axis=0)
    return attention.sink[head] if options.together == "one" else None


def _part(
    options: MapOptions,
    starts: tuple[Int[np.ndarray, "row"], Int[np.ndarray, "column"]],
    queries: Tokens,
    keys: Tokens,
    *,
    one_text: bool,
    notes: list[str],
) -> tuple[Int[np.ndarray, "kept_row"], Int[np.ndarray, "kept_column"]]:
    """The rows and columns that are shown; a part without any row or column is not taken."""
    rows, columns = (np.ones(len(start), dtype=bool) for start in starts)
    if options.until:
        rows &= starts[0] < options.until
        columns &= (starts[1] < options.until) | (not one_text)
        if not rows.all():
            notes.append(f"The text up to token {options.until}; later tokens are not shown.")
    if options.pair != "all":
        looks, seen = (int(letter == "B") for letter in options.pair.split(" to "))
        rows &= queries.segments[starts[0]] == looks
        columns &= keys.segments[starts[1]] == seen
        notes.append(f"Only attention from sentence {options.pair}: rows need not sum to 100 %.")
    if not rows.any() or not columns.any():
        notes.append("That part has no tokens, so all are shown.")
        return np.arange(len(rows)), np.arange(len(columns))
    return np.flatnonzero(rows), np.flatnonzero(columns)


def _together(
    attention: Attention,
    head: int,
    options: MapOptions,
    below: Callable[[], Float[np.ndarray, "layer head token token"]] | None,
    several: Callable[[], Float[np.ndarray, "chosen query key"]] | None,
    notes: list[str],
) -> tuple[Float[np.ndarray, "query key"], bool]:
    """The weights chosen, and whether their rows sum to 1."""
    if options.together == "rollout" and below is not None:
        notes.append(
            "Attention rollout: the product over this layer and all below it of half the mean over "
            "heads and half the identity (the residual connection)."
        )
        return transforms.rollout(below()), True
    if options.together in ("mean", "max"):
        stack, which = attention.weights, f"{len(attention.weights)} heads of this layer"
        if options.several and several is not None:
            stack = several()
            named = ", ".join(f"{layer + 1}.{h + 1}" for layer, h in options.several[:6])
            which = f"{len(stack)} heads: {named}{', …' if len(stack) > 6 else ''}"
        if options.together == "mean":
            notes.append(f"Mean over the {which}.")
            return transforms.combine(stack, "mean"), True
        notes.append(f"Maximum over the {which}. Rows no longer sum to 100 %.")
        return transforms.combine(stack, "max"), False
    weighted = transforms.value_weighted(attention, head) if options.quantity == "value" else None
    if weighted is not None:
        notes.append(
            "Value-weighted attention (weight × ‖v‖): the norm of what each key contributes."
        )
        return weighted, False
    return attention.weights[head], True


def _hidden(what: Hidden, keys: Tokens) -> Bool[np.ndarray, "key"]:
    if what == "first":
        return np.arange(len(keys)) == 0
    if what == "special":
        return keys.special.copy()
    if what == "marks":
        return heads.punctuation(keys)
    return np.zeros(len(keys), dtype=bool)


def _hiding(what: Hidden, count: int, share: bool) -> str:
    names = {"first": "The first token", "special": "Special tokens", "marks": "Punctuation"}
    rest = "; each row is rescaled to 100 %." if share else "."
    columns = "1 column" if count == 1 else f"{count} columns"
    verb = "are" if what == "special" else "is"
    return f"{names[what]} {verb} ignored as key ({columns}){rest}"


def _firsts(groups: Int[np.ndarray, "token"]) -> Int[np.ndarray, "group"]:
    """The first token of each word."""
    return np.unique(groups, return_index=True)[1]


def _joined(names: Sequence[str], groups: Int[np.ndarray, "token"]) -> tuple[str, ...]:
    return tuple(
        "".join(names[index] for index in np.flatnonzero(groups == group).tolist())
        for group in range(int(groups.max()) + 1)
    )
