"""What is read and in which way: kind of attention and view, and every link value checked."""

from __future__ import annotations

import streamlit as st

from engine.attention.heads import MEASURES
from engine.attention.maps import Scene
from engine.models.bundle import Card
from engine.values import Kind, Reading
from pages.attention.choices import HIDE, PAIRS, PER, SCALES, THIN, TOGETHER
from pages.shell.address import checked_many, tell, typed
from pages.shell.cache import engine
from pages.shell.frame import Choice, checked, select
from pages.shell.state import state

VIEWS = ("Map", "Lines", "Text", "Inside", "What if", "Layers", "Compare")
MOST_WRITTEN = 24
KINDS: dict[str, tuple[Kind, ...]] = {
    "encoder": ("encoder",),
    "decoder": ("decoder",),
    "encoder-decoder": ("encoder", "decoder", "cross"),
}
_KIND_HELP = (
    "encoder: source words look at source words. decoder: written words look at earlier written "
    "words. cross: written words look at the source."
)

_SEGMENTS = (
    ("together", "Heads", tuple(TOGETHER)),
    ("hide", "Hide", tuple(HIDE)),
    ("scale", "Scale", tuple(SCALES)),
    ("per", "Darkest", tuple(PER)),
    ("pair", "Between", PAIRS),
    ("stage", "Stage", ("All", "1", "2", "3", "4")),
)


def attention_setup(choice: Choice) -> tuple[Scene, str]:
    """Draw kind and view; return what is read (layer and head still open) and the view."""
    kinds = KINDS[choice.card.family]
    because = f"{choice.card.title} has none of it"
    kind: Kind = checked("kind", kinds, default=kinds[0], name="Kind", because=because)
    view = str(checked("view", VIEWS, default=VIEWS[0], name="View"))
    with st.container(horizontal=True, gap="large"):
        if len(kinds) > 1:
            st.segmented_control(
                "Attention",
                kinds,
                key="kind",
                required=True,
                bind="query-params",
                help=_KIND_HELP,
            )
        st.segmented_control("View", VIEWS, key="view", required=True, bind="query-params")
        written = _written(choice) if choice.card.family == "decoder" else 0
    second = _second(choice) if choice.card.pairs and kind == "encoder" else None
    reading = _reading(choice, kind, second, written)
    _check(choice.card, kind, reading)
    return Scene(reading, kind), view


def _second(choice: Choice) -> str | None:
    """The second sentence of a pair, for models that were trained on pairs."""
    typed("second")
    second = st.text_input(
        "Second sentence of a pair (optional)",
        key="second",
        bind="query-params",
        max_chars=2000,
        help=f"{choice.card.title} can read two sentences at once and tell them apart.",
    )
    return second.strip() or None


def _written(choice: Choice) -> int:
    """How many tokens the model writes on, so that one sees where it looked for each."""
    checked("write", range(MOST_WRITTEN + 1), name="Let it write on")
    return int(
        st.number_input(
            "Let it write on (tokens)",
            0,
            MOST_WRITTEN,
            key="write",
            bind="query-params",
            width=190,
            help="The model continues the text, always with its likeliest token; then a slider "
            "adds them one by one: each is a new row of the map.",
        )
    )


def _reading(choice: Choice, kind: Kind, second: str | None, written: int) -> Reading:
    """The text; for a decoder behind an encoder with its own greedy translation as the target."""
    if written:
        return engine().continued(choice.model, choice.text, written)
    if choice.card.family == "encoder-decoder" and kind != "encoder":
        return engine().translated(choice.model, choice.text)
    return Reading(choice.model, choice.text, second=second)


def _check(card: Card, kind: Kind, reading: Reading) -> None:
    """Every control that a fragment draws is checked here, as links are read once."""
    stack = engine().stack(reading.model, kind)
    names = [f"{i + 1}.{j + 1}" for i in range(stack.layers) for j in range(stack.heads)]
    titles = tuple(measure.title for measure in MEASURES if kind in measure.kinds)
    _number("layer", stack.layers, f"{card.title} has {stack.layers} layers")
    _number("head", stack.heads, f"{card.title} has {stack.heads} heads a layer")
    checked("order", ("Layer and head", *titles), name="Order")
    checked("least", range(101), name="At least")
    for key, name, options in _SEGMENTS:
        checked(key, options, default=options[0], name=name)
    checked("drop", range(91), name="Leave out")
    checked("thin", range(91), default=THIN, name="Leave out")
    checked("upto", range(len(engine().sides(reading, kind)[0]) + 1), name="Up to token")
    for key, name in (("words", "Whole words"), ("value", "Value-weighted")):
        checked(key, (False, True), name=name, shown=lambda on: str(on).lower())
    checked(
        "with",
        ("Another sentence", *engine().others_with(reading.model, kind)),
        name="Compare with",
    )
    for key in ("off", "several"):
        gone = [name for name in st.session_state.get(key) or () if name not in names]
        kept = checked_many(key, names, name="Head")
        if gone:
            tell(key, f"Head {gone[0]}: {card.title} has no such head; it is left out.", kept,
                 carried=True)  # fmt: skip
    _of_this_text(reading, kind)


def _number(key: str, last: int, because: str) -> None:
    """Check a layer or head; say so when the one chosen before is not in this model."""
    name, before = key.capitalize(), st.session_state.get(key)
    value = checked(key, range(1, last + 1), name=name, because=because)
    if isinstance(before, int) and before > last:
        tell(key, f"{name} {before}: {because}; showing {name} {value}.", value, carried=True)


def _of_this_text(reading: Reading, kind: Kind) -> None:
    """Say so when the word that was locked went with an older text."""
    spot = str(state().values.get("spot") or "")
    sizes = {
        letter: len(side) for letter, side in zip("qk", engine().sides(reading, kind), strict=True)
    }
    names = [(name[:1], name[1:]) for name in spot.split()]
    linked = (
        st.query_params.get("spot", spot) != spot
    )  # a link's own lock is checked where it is read
    if not linked and any(
        not at.isdecimal() or int(at) >= sizes.get(letter, 0) for letter, at in names
    ):
        gone = "The word that was locked stood in an older text; nothing is locked now."
        tell("spot", gone, None, carried=True)
        select("spot", None)
