"""What a step points at, drawn into the pictures of its page and around its controls.

A lesson names meanings (`row:it`), the engine finds them in the run at hand, and here they become
the ids that the pages' pictures have. What the text at hand does not have is not pointed at.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from engine.errors import EngineError
from engine.learn.asking import Asked
from engine.learn.highlights import Found, Seen, resolve
from engine.learn.lessons import Step
from engine.values import Kind
from pages.pictures.highlight import control_style, highlighted
from pages.shell.cache import engine
from pages.shell.state import state

# How pictures name the tokens of a text: each page has its own letters.
LETTERS = {"Tokenization": "t", "Embeddings": "t", "Attention": "qk", "Translation": "s"}
KINDS: dict[object, Kind] = {"encoder": "encoder", "decoder": "decoder", "cross": "cross"}
PLACE = ("layer", "head")
Marks = tuple[dict[str, str], dict[tuple[str, str], str]]


class Pointing:
    """A step's highlights: drawn into an SVG when called with one, or as ids."""

    def __init__(self, step: Step) -> None:
        """Find nothing yet: where they are is known once the page's controls are."""
        self._step = step
        self._kept: dict[Seen, Marks] = {}
        self.controls = [one.name for one in step.highlights if one.means == "control"]

    def __call__(self, svg: str) -> str:
        """The picture with the highlights that it has."""
        return highlighted(svg, *self._found())

    def ids(self) -> Mapping[str, str]:
        """What the page's pictures call them."""
        return self._found()[0]

    def _found(self) -> Marks:
        seen = _seen(self._step)
        if seen not in self._kept:
            self._kept[seen] = _marks(self._step, seen)
        return self._kept[seen]


def pointing(step: Step) -> Pointing | None:
    """What draws a step's highlights; None where it has none."""
    return Pointing(step) if step.highlights else None


def controls_pointed_at(step: Step, colour: str) -> str:
    """CSS for the controls that a step points at."""
    return control_style([one.name for one in step.highlights if one.means == "control"], colour)


def _seen(step: Step) -> Seen:
    """The run on the screen: the page's own values, which may no longer be the step's."""
    at = Asked(engine(), str(st.session_state["model"]), state().text)
    own: Kind = "decoder" if at.family == "decoder" else "encoder"
    kind = st.session_state.get("kind", step.state.get("kind"))
    layer, head = (_whole(st.session_state.get(key, step.state.get(key))) for key in PLACE)
    return Seen(at, KINDS.get(kind, own), layer, head)


def _whole(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 1


def _marks(step: Step, seen: Seen) -> Marks:
    ids: dict[str, str] = {}
    cells: dict[tuple[str, str], str] = {}
    for one in step.highlights:
        try:
            found = resolve(one, seen)
        except EngineError:
            continue
        ids |= dict.fromkeys(_ids(found, step.page), str(one))
        if found.cell is not None:
            row, column = found.cell
            cells[(f"q{row}", f"k{column}")] = str(one)
    return ids, cells


def _ids(found: Found, page: str) -> list[str]:
    """What pictures of a page call it."""
    named = [f"{letter}{i}" for letter in LETTERS.get(page, "") for i in found.tokens]
    named += [f"q{i}" for i in found.queries] + [f"k{i}" for i in found.keys]
    # The bars of the next token have ids by `n`, the map of the vocabulary by `v`.
    named += [f"{letter}{i}" for letter in "nv" for i in found.ids]
    named += [f"t{i}" for i in found.written]
    if found.head is not None:
        named.append(f"h{found.head[0]}.{found.head[1]}")
    return named
