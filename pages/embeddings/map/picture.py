"""The map of a vector space: points, marks, labels, and the words beside them.

In: coordinates, names and classes of points. Out: plain dictionaries that `assets/components`
`cloud.js` (the many points, sent once) and `space.js` (what changes) draw. A point of the cloud has
the id prefix + number (`v12`). Colours are pairs (light, dark). The same map as files is drawn by
`space_files`. Knows nothing of models or pages.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from engine.space.projection import Projection, Quality
from engine.tokenizers.vocabulary import KINDS, Vocabulary
from pages.pictures import palette
from pages.pictures.svg import esc, visible

Pair = tuple[str, str]
COLOURS = (
    "Token type",
    "Token ID",
    "Token length",
    "Vector norm",
)
FORMER_COLOURS = {
    "Kind of piece": "Token type",
    "Order in the vocabulary": "Token ID",
    "Length of the piece": "Token length",
    "Length of the vector": "Vector norm",
}
BANDS = 6
NAME = 24


@dataclass(frozen=True, slots=True)
class Legend:
    """One class of points: its name and its colour in light and dark."""

    name: str
    colour: Pair


@dataclass(frozen=True, slots=True)
class Mark:
    """One point drawn above the cloud: a token of the text, a neighbour, the chosen one."""

    id: str
    place: tuple[float, float, float]
    text: str
    hover: str = ""


def pair(colour: str) -> Pair:
    """A palette constant's two values."""
    return palette.hexadecimal(colour), palette.hexadecimal(colour, dark=True)


def band(share: float, *, low: str = palette.BAR, high: str = palette.CHOSEN) -> Pair:
    """A colour between two palette constants: `share` 0 is `low`, 1 is `high`."""
    ends = zip(pair(low), pair(high), strict=True)
    first, second = (_between(a, b, share) for a, b in ends)
    return first, second


def _between(low: str, high: str, share: float) -> str:
    pairs = ((int(low[i : i + 2], 16), int(high[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


# ---------------------------------------------------------------------------- classes


def classes(
    whole: Vocabulary, lengths: Float[np.ndarray, "point"], colour: str
) -> tuple[UInt8[np.ndarray, "point"], list[Legend]]:
    """The class of every token of a vocabulary under one of `COLOURS`, and the legend."""
    if colour == COLOURS[0]:
        legend = [Legend(name, pair(palette.CATEGORIES[k])) for k, name in enumerate(KINDS)]
        return whole.kinds, legend
    if colour == COLOURS[1]:
        return banded(np.arange(len(whole)), "ID {low:,.0f}–{high:,.0f}")
    if colour == COLOURS[2]:
        sizes = np.minimum(whole.sizes, BANDS)
        names = ["1 character", *(f"{n}" for n in range(2, BANDS)), f"{BANDS} or more"]
        legend = [Legend(name, band(k / (BANDS - 1))) for k, name in enumerate(names)]
        return (np.maximum(sizes, 1) - 1).astype(np.uint8), legend
    return banded(lengths, "{low:.2f}–{high:.2f}")


def banded(values: np.ndarray, words: str) -> tuple[UInt8[np.ndarray, "point"], list[Legend]]:
    """Values in at most `BANDS` classes of equal size, each named by its ends."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BANDS + 1)))
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0]])
    count = len(edges) - 1
    found = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, count - 1)
    legend = [
        Legend(words.format(low=edges[k], high=edges[k + 1]), band(k / max(count - 1, 1)))
        for k in range(count)
    ]
    return found.astype(np.uint8), legend


# ---------------------------------------------------------------------------- for the browser


def cloud(
    places: Float[np.ndarray, "point axis"],
    names: Sequence[str],
    groups: UInt8[np.ndarray, "point"],
    legend: Sequence[Legend],
    *,
    ids: str = "v",
) -> dict[str, Any]:
    """The points of a map; `packed` travels: 6 bytes of place, 1 of class, a short name each.

    Packed are a head in JSON after its length (4 bytes), places as whole numbers of `scale`,
    classes, and the names, a line each. Made once: the page hands it on again at each run.
    """
    reach = float(np.abs(places).max(initial=0)) or 1.0
    scale = reach / 32767
    whole = np.round(places / scale).astype("<i2")
    short = [visible(name, limit=NAME) for name in names]
    told = [(entry.name, entry.colour) for entry in legend]
    proof = hashlib.blake2b(
        whole.tobytes() + groups.tobytes() + repr((short, told, ids)).encode(), digest_size=12
    )
    head: dict[str, Any] = {
        "digest": proof.hexdigest(),
        "scale": scale,
        "count": len(short),
        "legend": [{"name": name, "colour": colour} for name, colour in told],
        "ids": ids,
    }
    begun = json.dumps(head).encode()
    begun += b" " * (-len(begun) % 4)  # so that places can be read where they lie
    parts = (len(begun).to_bytes(4, "little"), begun, whole.tobytes(), groups.tobytes())
    return head | {"names": short, "packed": b"".join(parts) + "\n".join(short).encode()}


def marks(
    name: str,
    found: Sequence[Mark],
    *,
    colour: str = palette.CHOSEN,
    colours: Sequence[Pair] | None = None,
    size: float = 7,
    symbol: str = "circle",
) -> dict[str, Any]:
    """A group of marks as the map draws it."""
    return {
        "name": name,
        "ids": [mark.id for mark in found],
        "places": [[round(float(v), 5) for v in mark.place] for mark in found],
        "texts": [esc(mark.hover or mark.text).replace("\n", "<br>") for mark in found],
        "colour": pair(colour),
        "colours": colours,
        "size": size,
        "symbol": symbol,
    }


def pointed(found: Sequence[Mark], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rings around the marks that a lesson points at; `names` says what each of their ids means."""
    return [
        {
            "id": mark.id,
            "place": [round(float(v), 5) for v in mark.place],
            "name": names[mark.id],
        }
        for mark in {mark.id: mark for mark in found}.values()
        if mark.id in names
    ]


def labels(found: Sequence[Mark], kind: str) -> list[dict[str, Any]]:
    """Names that should stand on the map: `own`, `near` or `chosen`; the first go first."""
    return [
        {
            "id": mark.id,
            "place": [round(float(v), 5) for v in mark.place],
            "text": visible(mark.text, limit=NAME),
            "kind": kind,
        }
        for mark in found
    ]


def lit(
    name: str,
    points: Sequence[int],
    count: int,
    *,
    colour: str = palette.ACCENT,
    size: float = 5,
    symbol: str = "circle",
) -> dict[str, Any]:
    """Some of the `count` points of a cloud, pointed out: one bit a point travels."""
    chosen = np.zeros(count, dtype=bool)
    chosen[list(points)] = True
    packed = np.packbits(chosen, bitorder="little").tobytes()
    return {
        "name": name,
        "bits": base64.b64encode(packed).decode(),
        "colour": pair(colour),
        "size": size,
        "symbol": symbol,
    }


def betrayed(quality: Quality, most: int = 30) -> list[int]:
    """The points (of those looked at) that keep the fewest of their true neighbours on the map."""
    order = np.argsort(quality.kept, kind="stable")[:most]
    return [int(quality.rows[i]) for i in order if quality.kept[i] < quality.size]


def axis_names(projection: Projection, name: str = "PC") -> list[str]:
    """ "PC 1 · 21.9 %" for each axis."""
    return [
        f"{name} {k + 1} · {100 * share:.1f} %" for k, share in enumerate(projection.explained[:3])
    ]


def colours() -> dict[str, Pair]:
    """What the map itself is painted with."""
    return {
        "ink": pair(palette.INK),
        "muted": pair(palette.MUTED),
        "line": pair(palette.LINE),
        "paper": pair(palette.PAPER),
    }


# ---------------------------------------------------------------------------- words


def told(
    projection: Projection, points: int, width: int, quality: Quality | None, flat: bool
) -> str:
    """How much of the truth is on this map, in plain text."""
    axes = 2 if flat else 3
    share = 100 * float(projection.explained[:axes].sum())
    lines = [
        f"{points:,} vectors of {width:,} numbers on the first {'two' if flat else 'three'} "
        f"principal components, which explain {share:.0f} % of the variance."
    ]
    if quality is not None:
        kept = float(quality.kept.mean())
        lines.append(
            f"On average {kept:.1f} of {quality.size} nearest neighbors are preserved "
            f"(trustworthiness {quality.trustworthiness:.2f}, "
            f"continuity {quality.continuity:.2f})."
        )
    lines.append(f"Distances in {axes}-D are approximate; the list uses the original space.")
    return " ".join(lines)
