"""Two precisions of a model that are here: what rounding its numbers changes, on one text."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import streamlit as st

from engine.decoding.continuation import Line, Task
from engine.decoding.divergence import Divergence, divergence
from engine.decoding.sampling import Sampling
from engine.models.catalog import Entry
from engine.values import Reading
from pages.home import recipes
from pages.home.precision import picture as view
from pages.shell.address import plain
from pages.shell.cache import drawn, engine
from pages.shell.components import picture
from pages.shell.frame import Choice
from pages.shell.share import share_menu
from pages.shell.state import state

READ = 32  # tokens of the text that are compared
WRITTEN = 16  # tokens that both write
PATIENCE = 30.0  # seconds for each
GREEDY = (Line(Sampling(temperature=0)),)


def precision(choice: Choice) -> None:
    """Draw the comparison, when it is opened, where a model is here in two precisions."""
    pairs = _pairs()
    if not pairs:
        return
    place = st.expander("Compare precisions", icon=":material/memory:", key="precision",
                        on_change="rerun")  # fmt: skip
    if not place.open:
        return
    with place:
        pair = pairs[0]
        if len(pairs) > 1:
            names = [" and ".join(one.name for one in two) for two in pairs]
            pair = pairs[names.index(str(st.selectbox("Models", names, key="precision-pair")))]
        _compare(choice.text, *pair)


def _pairs() -> list[tuple[Entry, Entry]]:
    """Decoders of one origin in two precisions, the exact one first."""
    ready = [one for one in engine().models() if one.ready and one.family == "decoder"]
    ready.sort(key=lambda one: engine().card(one.name).precision != "fp32")
    return [
        (one, other)
        for one, other in combinations(ready, 2)
        if _origin(one) == _origin(other)
        and engine().card(one.name).precision != engine().card(other.name).precision
    ]


def _origin(entry: Entry) -> tuple[str, str, str]:
    card = engine().card(entry.name)
    # A model of nowhere is of its own name's kin only.
    return card.source or entry.name, card.revision, card.architecture


def _compare(text: str, one: Entry, other: Entry) -> None:
    count = min(READ, len(engine().tokens(Reading(one.name, text))))
    found = drawn(one.name, ("precision", other.name, text), partial(_found, text, one, other))
    ids = tuple(engine().tokens(Reading(one.name, text)).ids.tolist())
    tokens = engine().texts(one.name, ids[:count])
    best = (_texts(one, found, 0), _texts(other, found, 1))
    names = (one.name, other.name)
    svg = view.rows(tokens, found, best, names)
    with st.spinner(f"Writing {WRITTEN} tokens with each", show_time=True):
        sides = (_side(one, ids), _side(other, ids))
    left, right = st.columns([5, 2], gap="medium")
    with left:
        picture(svg, key="precision-rows", alt=f"{names[0]} and {names[1]}, token by token")
    with right:
        st.markdown(plain(view.words(tokens, found, sides), 900))
        for side in sides:
            st.caption(f"{plain(side.name)}: … {plain(side.written)}")
        if len(ids) > count:
            st.caption(f"The first {count} of {len(ids):,} tokens are compared.")
        readings = Reading(one.name, text), Reading(other.name, text)
        share_menu(
            "precisions",
            python=partial(recipes.precisions, *readings, count),
            svg=svg,
            data=partial(view.table, tokens, found, best),
            title="Two precisions of a model",
        )


def _found(text: str, one: Entry, other: Entry) -> Divergence:
    rows = tuple(range(min(READ, len(engine().tokens(Reading(one.name, text))))))
    logits = (engine().logits(Reading(e.name, text), rows).logits for e in (one, other))
    return divergence(*logits)


def _texts(entry: Entry, found: Divergence, side: int) -> tuple[str, ...]:
    return engine().texts(entry.name, tuple(found.best[side].tolist()))


def _side(entry: Entry, ids: tuple[int, ...]) -> view.Side:
    """What a model writes after the text; one at a time, so that the times can be compared."""
    limit = min(WRITTEN, engine().room_left(entry.name, len(ids)))
    task = Task(entry.name, ids, limit=limit)
    text = engine().write(task, GREEDY, viewer=state().viewer, patience=PATIENCE)[0]
    # The first token took the reading of the text.
    times = text.seconds[1:] or text.seconds or (0.0,)
    return view.Side(
        name=entry.name,
        size=entry.size,
        written=text.text,
        ids=tuple(text.ids),
        milliseconds=1000 * sum(times) / len(times),
    )
