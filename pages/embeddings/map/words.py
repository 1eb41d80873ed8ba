"""Words beside a map: what an area holds, what the map betrays.

In: a vocabulary, marks, a quality. Out: plain text with this map's own numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.space.projection import Quality
from engine.tokenizers.vocabulary import KINDS, Vocabulary
from pages.embeddings.map.picture import Mark
from pages.pictures.svg import visible

NAMED = 8


def area_told(whole: Vocabulary, own: Sequence[Mark], area: Sequence[str]) -> str:
    """What kinds of pieces an area holds, and the first of them."""
    ids = [int(one[1:]) for one in area if one[0] == "v"]
    counts = np.bincount(whole.kinds[ids], minlength=len(KINDS))
    kinds = [f"{KINDS[k]}: {counts[k]:,}" for k in np.argsort(-counts, kind="stable") if counts[k]]
    marks = {mark.id: mark.text for mark in own}
    names = [marks[one] if one in marks else whole.texts[int(one[1:])] for one in area[:NAMED]]
    first = ", ".join(visible(name, limit=16) for name in names)
    more = " …" if len(area) > NAMED else ""
    return ", ".join(kinds) + (". " if kinds else "") + first + more


def betrayed_told(names: Sequence[str], quality: Quality, rows: Sequence[int]) -> str:
    """How badly a map does by the points that it betrays most."""
    if not rows:
        return f"Every point examined keeps its {quality.size} nearest neighbors on this map."
    kept = dict(zip(quality.rows.tolist(), quality.kept.tolist(), strict=True))
    worst = ", ".join(f"“{visible(names[i], limit=16)}” {kept[i]}" for i in rows[:5])
    return (
        f"Highlighted: the {len(rows)} of {len(quality.rows):,} points examined that keep the "
        f"fewest of their {quality.size} nearest neighbors ({worst}). Their position on the map "
        "means little."
    )
