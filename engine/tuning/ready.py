"""Ready texts to train a small model on, generated: verses, names, requests."""

from __future__ import annotations

import random
from functools import cache
from itertools import islice

from engine.tuning import datasets

MINE = "my own text"
READY = ("verses", "names", "polite requests", MINE)
PARTS = (
    (
        "Ber",
        "Al",
        "Mar",
        "Ro",
        "Wil",
        "Hed",
        "Gis",
        "Ot",
        "Lud",
        "Ed",
        "Ade",
        "Sieg",
        "The",
        "Emme",
    ),
    ("", "de", "be", "ri", "lin", "mu", "ga", "wi", "no"),
    ("ta", "bert", "la", "win", "mund", "lind", "rich", "ne", "mar", "hild", "ward", "ric"),
)  # of names
SEED, NAMES, TEXTS = 0, 900, 120


@cache
def ready_text(name: str) -> str:
    """The text of that name; ValueError for one that is not ready."""
    if name == "names":
        rng = random.Random(SEED)
        return "\n".join("".join(map(rng.choice, PARTS)) for _ in range(NAMES))
    sets = {"verses": "verse", "polite requests": "polite"}
    if name not in sets:
        raise ValueError(f"no ready text is called {name!r}")
    return "\n".join(islice(datasets.texts(sets[name], SEED), TEXTS))
