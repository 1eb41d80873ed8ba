"""What comes out when a model reads ids that were not made for it, from its own numbers.

In: a `Foreign`, titles, sizes. Out: sentences of at most 60 words, a table. Knows no page.
"""

from __future__ import annotations

import math
from typing import Any

from engine.whatif.foreign import Foreign
from pages.pictures.svg import visible

SHOWN = 60  # characters of what was read


def said(found: Foreign, reader: str, maker: str, vocabulary: int) -> str:
    """What the ids are to the reader, and how surprising beside its own."""
    text = "".join(found.taken_for)
    text = visible(text[:SHOWN], limit=SHOWN).replace("·", " ").strip()
    dots = " …" if len("".join(found.taken_for)) > SHOWN else ""
    parts = [f"To {reader} the {len(found.outside)} ids of {maker} are: “{text}{dots}”."]
    gone = int(found.outside.sum())
    if gone:
        parts.append(
            f"{gone} {'is' if gone == 1 else 'are'} outside its {vocabulary:,} tokens and left out."
        )
    if math.isfinite(found.mean) and math.isfinite(found.own_mean):
        guess = math.log2(vocabulary)
        worse = "worse than" if found.mean > guess else "not yet as bad as"
        parts.append(
            f"Surprise: {found.mean:.1f} bits a token, with its own ids {found.own_mean:.1f}; "
            f"{worse} guessing among all tokens ({guess:.1f})."
        )
    elif found.own_written is not None:
        parts.append(
            "It predicts its translation, not what it reads: there is no surprise to tell."
        )
    return " ".join(parts)


def written(found: Foreign) -> tuple[tuple[str, str], ...]:
    """What the model wrote after its own ids and after the others, with what each is."""
    if found.own_written is None or found.written is None:
        return ()
    return (
        ("After its own ids it writes", found.own_written),
        ("After these ids it writes", found.written),
    )


def left_out(found: Foreign) -> str:
    """How many tokens were not read; "" where all were."""
    if not found.left_out:
        return ""
    return f"The first {len(found.outside)} of {len(found.made)} tokens are read."


def table(found: Foreign) -> dict[str, list[Any]]:
    """A line for each token; without bits where the model predicts none of what it reads."""
    count = len(found.outside)
    columns: dict[str, list[Any]] = {
        "piece": list(found.made.pieces[:count]),
        "id": found.made.ids[:count].tolist(),
        "read as": list(found.taken_for),
        "outside": found.outside.tolist(),
    }
    if math.isfinite(found.mean):
        columns["bits"] = found.bits.tolist()
    return columns
