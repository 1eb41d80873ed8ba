"""What a step points at, named by its meaning and found in the run at hand.

    found = resolve(Highlight("row", "it"), Seen(asked, "encoder", layer=3, head=6))
    found.queries                              # (8,): the token that "it" is in this text

A lesson names meanings, never places: `word:bank`, `row:it`, `column:monkey`, `cell:max`,
`head:previous-token`, `token:top`, `written:black`, `control:top_p`. What a picture calls them is
its page's. `NoQuestion` says why something is not to be found in a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.attention import heads
from engine.decoding.beams import Search
from engine.learn.answers import ANSWERS, Asked, NoQuestion
from engine.learn.lessons import Highlight, Means
from engine.learn.words import plain_word, words_of
from engine.values import Kind, Reading, Tokens

STRONGEST = "max"
_NUMBER = re.compile(r"[1-9][0-9]{0,2}\.[1-9][0-9]{0,2}")
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,30}")
HEADS = {
    "previous-token": "previous",
    "next-token": "next",
    "first-token": "first",
    "current-token": "same",
    "induction": "induction",
    "local-window": "local",
    "punctuation": "marks",
}
"""Kinds of heads by name, and the measure that finds the clearest one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The run that is on the screen: model and text, the attention and the head that are shown."""

    at: Asked
    kind: Kind
    layer: int = 1  # layer and head from 1
    head: int = 1


@dataclass(frozen=True, slots=True)
class Found:
    """Where it is: places of tokens from 0, a head from 1, ids of the vocabulary, a control."""

    tokens: tuple[int, ...] = ()
    queries: tuple[int, ...] = ()
    keys: tuple[int, ...] = ()
    cell: tuple[int, int] | None = None
    head: tuple[int, int] | None = None
    ids: tuple[int, ...] = ()
    written: tuple[int, ...] = ()
    control: str = ""


def problem(means: str, name: str) -> str:
    """What is wrong with a highlight of a file, "" where nothing is."""
    if means not in _FOUND:
        return f"`{means}` is none of {', '.join(_FOUND)}"
    if means == "head" and name not in HEADS and not _NUMBER.fullmatch(name):
        return f"a head is layer.head or one of {', '.join(HEADS)}"
    if means == "control" and not _KEY.fullmatch(name):
        return "a control is named by its key in a link"
    return ""


def resolve(highlight: Highlight, seen: Seen) -> Found:
    """Find it in the run at hand. Raises `NoQuestion`."""
    return _FOUND[highlight.means](highlight.name, seen)


def _word(name: str, seen: Seen) -> Found:
    at = seen.at
    return Found(tokens=_places(at.engine.tokens(at.reading), name))


def _row(name: str, seen: Seen) -> Found:
    return Found(queries=_places(_sides(seen)[1][0], name))


def _column(name: str, seen: Seen) -> Found:
    return Found(keys=_places(_sides(seen)[1][1], name))


def _cell(name: str, seen: Seen) -> Found:
    """The strongest cell of the head, or of one word's row; rows without a choice do not count."""
    reading, (queries, keys) = _sides(seen)
    engine, model = seen.at.engine, seen.at.model
    stack = engine.stack(model, seen.kind)
    if not (1 <= seen.layer <= stack.layers and 1 <= seen.head <= stack.heads):
        raise NoQuestion(f"This model has no head {seen.layer}.{seen.head}.")
    found = engine.attention(reading, seen.kind, seen.layer - 1)
    open_cells = heads.allowed(seen.kind, len(queries), len(keys), found)
    able = open_cells & (open_cells.sum(axis=1, keepdims=True) > 1)
    if name != STRONGEST:
        able &= np.isin(np.arange(len(queries)), _places(queries, name))[:, None]
    if not able.any():
        raise NoQuestion("No cell of this map has a choice.")
    weights = np.where(able, found.weights[seen.head - 1], -1.0)
    row, column = np.unravel_index(int(weights.argmax()), weights.shape)
    return Found(cell=(int(row), int(column)))


def _head(name: str, seen: Seen) -> Found:
    """A head by what it does, or by its number."""
    number = name
    if name in HEADS:
        number = str(ANSWERS["strongest_head"](seen.at, measure=HEADS[name]).value)
    layer, head = (int(part) for part in number.split("."))
    stack = seen.at.engine.stack(seen.at.model, seen.kind)
    if not (1 <= layer <= stack.layers and 1 <= head <= stack.heads):
        raise NoQuestion(f"This model has no head {number}.")
    return Found(head=(layer, head))


def _token(name: str, seen: Seen) -> Found:
    """The likeliest next token, or the one with which a word begins."""
    at = seen.at
    if at.family == "encoder-decoder":
        raise NoQuestion("This model writes no next token after its text.")
    if name == "top":
        if at.family == "encoder":
            raise NoQuestion("This model predicts masked tokens, not the next one.")
        last = len(at.engine.tokens(at.reading)) - 1
        return Found(ids=(int(at.engine.logits(at.reading, (last,)).logits[0].argmax()),))
    space = "" if at.text[-1:].isspace() else " "
    return Found(ids=tuple(at.engine.bare(at.model, space + name).ids.tolist()[:1]))


def _written(name: str, seen: Seen) -> Found:
    """A token of the translation."""
    at = seen.at
    if at.family != "encoder-decoder":
        raise NoQuestion("This model writes no translation.")
    trace = at.engine.translation_trace(at.reading, Search())
    wanted = plain_word(name)
    places = tuple(i for i, text in enumerate(trace.target) if plain_word(text) == wanted)
    if not places:
        raise NoQuestion(f"“{name}” is not in this translation.")
    return Found(written=places)


def _control(name: str, _: Seen) -> Found:
    return Found(control=name)


_FOUND: dict[Means, Callable[[str, Seen], Found]] = {
    "word": _word,
    "row": _row,
    "column": _column,
    "cell": _cell,
    "head": _head,
    "token": _token,
    "written": _written,
    "control": _control,
}


def _places(tokens: Tokens, name: str) -> tuple[int, ...]:
    """The tokens of a word, wherever it stands."""
    wanted = plain_word(name)
    found = [word for word in words_of(tokens) if plain_word(word.name) == wanted]
    if not found:
        raise NoQuestion(f"The word “{name}” is not in this text.")
    return tuple(place for word in found for place in word.tokens)


def _sides(seen: Seen) -> tuple[Reading, tuple[Tokens, Tokens]]:
    at = seen.at
    reading = at.reading
    if seen.kind != "encoder" and at.family == "encoder-decoder":
        reading = at.engine.translated(at.model, at.text)
    return reading, at.engine.sides(reading, seen.kind)
