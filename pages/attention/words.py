"""What a head does, in words with this text's own numbers.

In: the measures of the heads of one layer (the last entry of each is an even head's), a map.
Out: plain sentences of at most 60 words. Knows no model and no page.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from engine.attention.heads import role
from engine.attention.maps import Map, columns_together, rows_together
from pages.attention.map.picture import looks_sentences, row_sentence, top_links
from pages.pictures.scale import number
from pages.pictures.svg import visible

CAVEAT = (
    "Attention is not explanation: a weight says where a head looked, not what the model did with "
    "what it saw, nor that it would answer otherwise without it."
)


def head_says(measures: dict[str, Float[np.ndarray, "head_and_even"]], head: int) -> str:
    """One sentence: the share of the weight that goes where this head stands out most.

    For cross-attention the sentence is about order: does it walk along the source?
    """
    values = {name: float(found[head]) for name, found in measures.items()}
    even = {name: float(found[-1]) for name, found in measures.items()}
    found = role(values, even)
    if found is not None:
        return (
            f"{number(values[found.name], True)} of the weight goes to {found.says} "
            f"(an even head: {number(max(even[found.name], 0.0), True)})."
        )
    if np.isfinite(values.get("diagonal", float("nan"))):
        return _order_says(values["diagonal"])
    broad = values.get("broad", float("nan"))
    if not np.isfinite(broad):
        return "One token has nowhere else to look: 100 % stays on itself."
    if broad > 0.85:
        return f"Looks almost evenly at all it may see: {number(broad, True)} of the most even."
    return f"No simple pattern here; its spread is {number(broad, True)} of the most even one."


def _order_says(straight: float) -> str:
    if straight > 0.7:
        return f"It walks along the source with the target: alignment {straight:.2f} of 1."
    if straight > 0.3:
        return f"It roughly follows the order of the source: alignment {straight:.2f} of 1."
    return f"It does not follow the order of the source: alignment {straight:.2f} of 1."


def map_says(shown: Map, row: int | None) -> str:
    """The chosen row in words, or the strongest link of the map."""
    if row is not None:
        return row_sentence(shown.rows[row], shown.weights[row], shown) + "."
    choices = np.isfinite(shown.weights).sum(axis=1) > 1
    filled = np.where(choices[:, None], np.nan_to_num(shown.weights), 0.0)
    if not filled.any():
        return ""
    i, j = np.unravel_index(int(filled.argmax()), filled.shape)
    return (
        f"Strongest link: “{shown.rows[i]}” to “{shown.columns[j]}”, "
        f"{number(float(filled[i, j]), shown.share)}."
    )


def links_of(shown: Map) -> dict[str, list[str] | np.ndarray]:
    """Every open link of the map as a table: who looks, at what, and how much."""
    i, j = np.nonzero(np.isfinite(shown.weights))
    return {
        "row": i + 1,
        "looks": [shown.rows[at] for at in i],
        "column": j + 1,
        "looked at": [shown.columns[at] for at in j],
        "weight": shown.weights[i, j],
    }


def favourites(shown: Map, count: int = 3) -> dict[str, list[str]]:
    """A line for each row of the map: what it looks at most, best first, for reading aloud."""
    best = top_links(shown.weights, shown.columns, count)
    table = {"token": [visible(name, limit=32) for name in shown.rows]}
    for place in range(count):
        links = [found[place] if place < len(found) else None for found in best]
        head = ("looks most at", "then at", "then also at")[min(place, 2)]
        table[head] = [
            f"{visible(link[0], limit=32)}, {number(link[1], shown.share)}" if link else "–"
            for link in links
        ]
    return table


def fits(shown: Map, spot: str) -> bool:
    """Whether a selection such as `q3 k5` names rows and columns of this map."""
    rows, columns = set(shown.row_starts.tolist()), set(shown.column_starts.tolist())
    return all(_number(name) in (rows if name[:1] == "q" else columns) for name in spot.split(" "))


def row_of(shown: Map, spot: str | None) -> int | None:
    """The first row that a selection names."""
    return next(iter(rows_of(shown, spot)), None)


def rows_of(shown: Map, spot: str | None) -> list[int]:
    """The rows that a selection names."""
    return _named(shown.row_starts.tolist(), spot, "q")


def columns_of(shown: Map, spot: str | None) -> list[int]:
    """The columns that a selection names."""
    return _named(shown.column_starts.tolist(), spot, "k")


def position_of(spot: str | None, count: int) -> int | None:
    """The first position that looks in a selection, if it is one of `count`."""
    places = (_number(name) for name in (spot or "").split(" ") if name[:1] == "q")
    return next((place for place in places if 0 <= place < count), None)


def spot_says(shown: Map, spot: str | None) -> str:
    """What is selected in words: several rows by their mean, several columns by their sum."""
    rows, columns = rows_of(shown, spot), columns_of(shown, spot)
    if len(rows) > 1:
        names = _listed([shown.rows[row] for row in rows])
        mean = rows_together(shown, rows)
        told = looks_sentences([f"“{names}”"], mean[None], shown)[0]
        return f"{told} · mean of {len(rows)} words."
    if len(columns) > 1 and not rows:
        names = _listed([shown.columns[column] for column in columns])
        best = top_links(columns_together(shown, columns)[None], shown.rows, 3)[0]
        given = ", ".join(f"“{visible(of)}” {number(w, shown.share)}" for of, w in best)
        return (
            f"“{names}” together get most from {given or 'nobody'} · sum of {len(columns)} words."
        )
    return map_says(shown, row_of(shown, spot))


def _listed(names: list[str]) -> str:
    """Names for a sentence; of many the first and how many more."""
    few = [visible(name, limit=16) for name in names[:4]]
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return "” + “".join(few) + more


def _named(starts: list[int], spot: str | None, letter: str) -> list[int]:
    named = (_number(name) for name in (spot or "").split(" ") if name[:1] == letter)
    return [starts.index(number) for number in named if number in starts]


def _number(name: str) -> int:
    return int(name[1:]) if name[:1] in ("q", "k") and name[1:].isdecimal() else -1
