"""What is read and in which way: kind of attention, text, and every link value checked."""

from __future__ import annotations

import streamlit as st

from engine.attention.heads import MEASURES
from engine.attention.maps import Scene
from engine.values import Kind, Reading
from pages.attention import first_head
from pages.attention.compare import OTHER_SENTENCE
from pages.attention.controls import (
    GENERATED_CONTROL,
    HEAD_CONTROL,
    KIND_CONTROL,
    KINDS,
    LAYER_CONTROL,
    LINES_THRESHOLD,
    OFF_CONTROL,
    ORDER_CONTROL,
    POSITION,
    SECOND_CONTROL,
    SEVERAL_CONTROL,
    THRESHOLD_CONTROL,
    TOGETHER,
    TOGETHER_CONTROL,
    UPTO_CONTROL,
)
from pages.attention.whatif.controls import CHANGE_CONTROL, changes_of
from pages.shell.address import fresh_of_old, tell
from pages.shell.cache import engine
from pages.shell.client.aloud import say_aloud
from pages.shell.controls import REGISTRY, Control, built
from pages.shell.frame import Choice, select
from pages.shell.state import state

EARLY = (KIND_CONTROL, SECOND_CONTROL, GENERATED_CONTROL)
"""Controls that decide what is read; they are drawn outside of the fragment."""


def choose_kind(choice: Choice) -> Kind:
    """Which attention is shown; the control is drawn where there are several kinds."""
    kinds = KINDS[choice.card.family]
    kind: Kind = KIND_CONTROL.check(kinds, because=f"{choice.card.title} has none of it")
    if len(kinds) > 1:
        KIND_CONTROL.draw()
    return kind


def choose_reading(choice: Choice, kind: Kind) -> Reading:
    """The text with what is added to it, by controls folded under "Extend the text"."""
    pairs = choice.card.pairs and kind == "encoder"
    generates = choice.card.family == "decoder"
    second, count = None, 0
    if pairs:
        SECOND_CONTROL.check()
    if generates:
        GENERATED_CONTROL.check()
    if pairs or generates:
        extends = [
            *([SECOND_CONTROL] if pairs else []),
            *([GENERATED_CONTROL] if generates else []),
        ]
        with st.popover(
            "Extend the text",
            icon=":material/playlist_add:",
            key="extend-text",
            on_change="rerun",
        ) as place:
            if built(place, *extends):
                if pairs:
                    second = str(SECOND_CONTROL.draw() or "").strip() or None
                if generates:
                    count = int(GENERATED_CONTROL.draw())
    longer = engine().continued(choice.model, choice.text, count) if count else None
    new = (longer.target or ())[-count:] if longer else ()
    say_aloud("".join(engine().texts(choice.model, new)), key="aloud-extended")
    if longer:
        return longer
    if choice.card.family == "encoder-decoder" and kind != "encoder":
        return engine().translated(choice.model, choice.text)
    return Reading(choice.model, choice.text, second=second)


def check_controls(choice: Choice, scene: Scene, *, lined: bool) -> None:
    """Every control that a fragment draws is checked here, as links are read once."""
    reading, kind, title = scene.reading, scene.kind, choice.card.title
    stack = engine().stack(reading.model, kind)
    names = [f"{i + 1}.{j + 1}" for i in range(stack.layers) for j in range(stack.heads)]
    first_head.choose(scene)
    _number(LAYER_CONTROL, stack.layers, f"{title} has {stack.layers} layers")
    _number(HEAD_CONTROL, stack.heads, f"{title} has {stack.heads} heads per layer")
    measures = [measure.title for measure in MEASURES if kind in measure.kinds]
    legal = {
        CHANGE_CONTROL: changes_of(kind),
        ORDER_CONTROL: (POSITION, *measures),
        TOGETHER_CONTROL: tuple(TOGETHER)[: 3 if kind == "cross" else None],
        UPTO_CONTROL: range(len(engine().sides(reading, kind)[0]) + 1),
        REGISTRY["attention.with"]: (
            OTHER_SENTENCE,
            *engine().others_with(reading.model, kind),
        ),
    }
    done = (*EARLY, LAYER_CONTROL, HEAD_CONTROL, THRESHOLD_CONTROL, OFF_CONTROL, SEVERAL_CONTROL)
    for name, control in REGISTRY.items():
        if name.startswith("attention.") and control not in done:
            control.check(legal.get(control))
    _threshold(lined=lined)
    for control in (OFF_CONTROL, SEVERAL_CONTROL):
        gone = [name for name in st.session_state.get(control.key) or () if name not in names]
        kept = control.check(names)
        if gone:
            tell(control.key, f"Head {gone[0]}: {title} has no such head; it is left out.", kept,
                 carried=True)  # fmt: skip
    _of_this_text(reading, kind)


def _number(control: Control, last: int, because: str) -> None:
    """Check a layer or head; say so when the one chosen before is not in this model."""
    key, before = control.key, st.session_state.get(control.key)
    value = control.check(range(1, last + 1), because=because)
    if isinstance(before, int) and before > last:
        name = control.label
        tell(key, f"{name} {before}: {because}; showing {name} {value}.", value, carried=True)


def _threshold(*, lined: bool) -> None:
    """Lines begin with fewer links than maps; links of old had a threshold of each."""
    mine, other = ("thin", "drop") if lined else ("drop", "thin")
    fresh_of_old("threshold", (mine,), {})
    if other in st.query_params:
        del st.query_params[other]
    default = LINES_THRESHOLD if lined else 0
    before = state().controls.get("threshold", (None, None))[1]
    if before not in (None, default) and st.session_state.get("threshold", before) == before:
        st.session_state["threshold"] = default  # nobody changed it: the view's own
    THRESHOLD_CONTROL.check(default=default)


def _of_this_text(reading: Reading, kind: Kind) -> None:
    """Say so when the word that was locked went with an older text."""
    spot = str(state().values.get("spot") or "")
    sizes = {
        letter: len(side) for letter, side in zip("qk", engine().sides(reading, kind), strict=True)
    }
    names = [(name[:1], name[1:]) for name in spot.split()]
    # A link's own lock is checked where it is read.
    linked = st.query_params.get("spot", spot) != spot
    if not linked and any(
        not at.isdecimal() or int(at) >= sizes.get(letter, 0) for letter, at in names
    ):
        gone = "The pinned word belonged to an older text; nothing is pinned now."
        tell("spot", gone, None, carried=True)
        select("spot", None)
