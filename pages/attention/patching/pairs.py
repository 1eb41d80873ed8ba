"""Ready pairs of sentences for activation patching, of equal length in many tokenizers.

Whether a pair suits the model at hand is found out where it is offered: its tokens are counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.values import Family


@dataclass(frozen=True, slots=True)
class Pair:
    """A clean and a corrupted sentence; `{mask}` stands where an encoder predicts."""

    name: str
    clean: str
    corrupted: str
    family: Family = "decoder"


PAIRS = (
    Pair(
        "She or he",
        "The girl went to bed, for",
        "The man went to bed, for",
    ),
    Pair(
        "Who answered whom",
        "The king spoke to the queen. The queen answered the",
        "The king spoke to the wolf. The wolf answered the",
    ),
    Pair(
        "What was lost",
        "There was a girl and she lost",
        "There was a boy and he lost",
    ),
    Pair(
        "Who gets the drink (indirect object)",
        "When Mary and John went to the store, John gave a drink to",
        "When Mary and John went to the store, Mary gave a drink to",
    ),
    Pair(
        "A capital",
        "The capital of France is the city of",
        "The capital of Italy is the city of",
    ),
    Pair(
        "Opposites",
        "The opposite of hot is",
        "The opposite of big is",
    ),
    Pair(
        "Her or his",
        "The girl lost {mask} shoe.",
        "The boy lost {mask} shoe.",
        "encoder",
    ),
    Pair(
        "She or he, far away",
        "The queen was tired, so {mask} went to bed.",
        "The king was tired, so {mask} went to bed.",
        "encoder",
    ),
    Pair(
        "A capital",
        "The capital of France is {mask}.",
        "The capital of Italy is {mask}.",
        "encoder",
    ),
)
