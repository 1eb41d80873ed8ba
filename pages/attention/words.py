"""What a head does, in words with this text's own numbers.

In: the measures of the heads of one layer with their baselines, a map. Out: plain sentences of at
most 60 words. Knows no model and no page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.attention.maps import Map, columns_together, rows_together
from engine.attention.notable import Best, Measured, role
from pages.attention.map.picture import attends_sentences, row_sentence, top_links
from pages.pictures.scale import number
from pages.pictures.svg import visible

CAVEAT = (
    "Attention is not explanation: a weight shows where a head attends, not what the model does "
    "with it, nor that the output would change without it."
)


def head_says(measures: Measured, head: int, keys: Sequence[str]) -> str:
    """What a head does with a text: its attention sink, its pattern, or how uniform it is.

    For cross-attention the sentence is about order: does it follow the source?
    """
    sink = measures.sinks[head]
    if sink is not None:
        return (
            f"attention sink: tokens give “{visible(keys[sink.key], limit=16)}” "
            f"{number(sink.mean, True)} on average (uniform attention: "
            f"{number(sink.uniform, True)})."
        )
    found = role(measures, head)
    if found is not None:
        level = float(measures.uniform[measures.names.index(found.name)])
        return (
            f"attends {number(float(measures.of(found.name)[head]), True)} to {found.says} "
            f"(uniform attention: {number(max(level, 0.0), True)})."
        )
    if "diagonal" in measures.names and np.isfinite(measures.of("diagonal")[head]):
        return _order_says(float(measures.of("diagonal")[head]))
    broad = float(measures.of("broad")[head])
    if not np.isfinite(broad):
        return "a text of one token attends 100 % to itself."
    if broad > 0.85:
        return f"attention is nearly uniform (entropy {number(broad, True)} of maximum)."
    return f"no simple pattern in this text (entropy {number(broad, True)} of maximum)."


def notable_says(best: Best) -> str:
    """Why this head is the most notable one: its score beside both of its baselines."""
    if best.measure.name == "diagonal":
        return (
            "the most notable for this text, follows the order of the source: alignment "
            f"{best.value:.2f} of 1 (uniform attention: {max(best.uniform, 0.0):.2f})."
        )
    return (
        f"the most notable for this text, attends {number(best.value, True)} to "
        f"{best.measure.says} (uniform attention: {number(best.uniform, True)}; if every "
        f"query attended alike: {number(best.columns, True)})."
    )


def _order_says(straight: float) -> str:
    if straight > 0.7:
        return f"follows the order of the source (alignment {straight:.2f} of 1)."
    if straight > 0.3:
        return f"roughly follows the order of the source (alignment {straight:.2f} of 1)."
    return f"does not follow the order of the source (alignment {straight:.2f} of 1)."


def map_says(shown: Map, row: int | None) -> str:
    """The chosen row in words, or the strongest link of the map."""
    if row is not None:
        sink = None if shown.sink is None else float(shown.sink[row])
        return row_sentence(shown.rows[row], shown.weights[row], shown, sink) + "."
    choices = np.isfinite(shown.weights).sum(axis=1) > 1
    filled = np.where(choices[:, None], np.nan_to_num(shown.weights), 0.0)
    if not filled.any():
        return ""
    i, j = np.unravel_index(int(filled.argmax()), filled.shape)
    return (
        f"Strongest link: “{visible(shown.rows[i])}” to “{visible(shown.columns[j])}”, "
        f"{number(float(filled[i, j]), shown.share)}."
    )


def links_of(shown: Map) -> dict[str, list[str] | np.ndarray]:
    """Every open link of the map as a table: query, key, weight."""
    i, j = np.nonzero(np.isfinite(shown.weights))
    return {
        "row": i + 1,
        "query": [shown.rows[at] for at in i],
        "column": j + 1,
        "key": [shown.columns[at] for at in j],
        "weight": shown.weights[i, j],
    }


def favourites(shown: Map, count: int = 3) -> dict[str, list[str]]:
    """A line for each row of the map: what it attends to most, best first, for reading aloud."""
    best = top_links(shown.weights, shown.columns, count)
    table = {"token": [visible(name, limit=32) for name in shown.rows]}
    for place in range(count):
        links = [found[place] if place < len(found) else None for found in best]
        head = ("attends most to", "then to", "and to")[min(place, 2)]
        table[head] = [
            f"{visible(link[0], limit=32)}, {number(link[1], shown.share)}" if link else "–"
            for link in links
        ]
    return table


def fits(shown: Map, spot: str) -> bool:
    """Whether a selection such as `q3 k5` names rows and columns of this map."""
    rows, columns = set(shown.row_starts.tolist()), set(shown.column_starts.tolist())
    return all(
        (name == "sink" and shown.sink is not None)
        or _number(name) in (rows if name[:1] == "q" else columns)
        for name in spot.split(" ")
    )


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
    """The first query of a selection, if it is one of `count` positions."""
    places = (_number(name) for name in (spot or "").split(" ") if name[:1] == "q")
    return next((place for place in places if 0 <= place < count), None)


def spot_says(shown: Map, spot: str | None) -> str:
    """What is selected in words: several rows by their mean, several columns by their sum."""
    rows, columns = rows_of(shown, spot), columns_of(shown, spot)
    if len(rows) > 1:
        names = _listed([shown.rows[row] for row in rows])
        mean = rows_together(shown, rows)
        said = attends_sentences([f"“{names}”"], mean[None], shown)[0]
        said = said.replace("” attends to ", "” attend to ", 1)
        return f"{said} · mean over {len(rows)} queries."
    if len(columns) > 1 and not rows:
        names = _listed([shown.columns[column] for column in columns])
        best = top_links(columns_together(shown, columns)[None], shown.rows, 3)[0]
        given = ", ".join(f"“{visible(of)}” {number(w, shown.share)}" for of, w in best)
        return f"“{names}” get most from {given or 'no token'} · sum over {len(columns)} keys."
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
