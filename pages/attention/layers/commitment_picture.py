"""The commitment strip: the text tinted by the layer at which each place settled on its answer.

In: a `Commitment`, the names of the tokens and of what is predicted. Out: a strip, the same as a
table, and a sentence. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.blocks.commitment import Commitment
from pages.attention.layers.strip import Cell, Strip
from pages.pictures import palette
from pages.pictures.scale import number
from pages.pictures.svg import visible


def commitment(
    found: Commitment, names: Sequence[str], said: Sequence[str], *, chosen: int | None
) -> Strip:
    """`names` are those of all tokens, `said` what is first in the end at each place."""
    cells = tuple(
        Cell(
            place=place,
            name=names[place],
            tint=_tint(settled, found.layers),
            below=(_layer(settled), f"→{word}"),
            tip=f"{visible(word)} ({number(share, True)})\n{_since(settled)}",
        )
        for place, settled, share, word in zip(
            _places(found), found.settled.tolist(), found.probabilities.tolist(), said, strict=True
        )
    )
    steps = sorted({0, found.layers // 2, found.layers})
    legend = [(_tint(step, found.layers), _named(step)) for step in steps]
    return Strip(cells, colour=palette.CHOSEN, chosen=chosen, legend=legend)


def table(found: Commitment, names: Sequence[str], said: Sequence[str]) -> dict[str, list[object]]:
    """A line a place."""
    return {
        "position": [place + 1 for place in _places(found)],
        "token": [names[place] for place in _places(found)],
        "predicted": list(said),
        "probability": found.probabilities.tolist(),
        "settled after layer": found.settled.tolist(),
    }


def says(
    found: Commitment, names: Sequence[str], said: Sequence[str], place: int, *, at: bool
) -> str:
    """The earliest and the latest answer, and that of one place; `at`: a place predicts itself."""
    row = _places(found).index(place)
    mean = float(found.settled.mean())
    late = int((found.settled == found.layers).sum())
    where = "At" if at else "After"
    since = int(found.settled[row])
    here = f"{where} “{visible(names[place], limit=24)}”, “{visible(said[row], limit=24)}” " + (
        f"became first after layer {since} and stayed so." if since else "is first throughout."
    )
    return (
        f"{here} On average the final prediction settles after layer {mean:.1f} of "
        f"{found.layers}; at {late} of {len(found.places)} places only the last layer decides."
    )


def _places(found: Commitment) -> list[int]:
    return [int(place) for place in found.places]


def _tint(settled: int, layers: int) -> float:
    return (settled + 0.3) / (layers + 0.3)


def _layer(settled: int) -> str:
    return f"L{settled}" if settled else "input"


def _named(settled: int) -> str:
    return f"layer {settled}" if settled else "input"


def _since(settled: int) -> str:
    return f"first from layer {settled} on" if settled else "first before layer 1 and ever since"
