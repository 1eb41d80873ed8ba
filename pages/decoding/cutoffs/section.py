"""Sampling drawn: the same filters and temperatures at a sharp and at a flat place of the text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from engine.distributions import cutoffs
from engine.errors import NotOffered
from engine.values import Reading
from pages.decoding import recipes
from pages.decoding.controls import FLAT, HEAT, MIN_P, SHARP, TOP_K, TOP_P
from pages.decoding.cutoffs import picture as view
from pages.decoding.cutoffs import words
from pages.pictures.svg import visible
from pages.pictures.widths import either
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.controls import Control
from pages.shell.frame import Choice, plain, sentences
from pages.shell.share import share_menu
from pages.shell.state import state
from pages.shell.tables import read_aloud

FAMILY = (0.5, 1.0, 1.5, 2.0)  # temperatures drawn beside the chosen one
KEPT = 60  # characters of the text before a place


def decoding_cutoffs(choice: Choice) -> None:
    """Find the two places by the entropies of this text, check what a link says, draw."""
    two = choice.card.family == "encoder-decoder"
    reading = (
        engine().translated(choice.model, choice.text)
        if two
        else Reading(choice.model, choice.text)
    )
    bits = engine().next_token_entropies(reading)
    if not len(bits):
        raise NotOffered("There is no token after which one is predicted: type a few words.")
    sharp, flat = cutoffs.sharp_and_flat(bits)
    for control, default in ((SHARP, sharp), (FLAT, flat)):
        _follow(control, default + 1)
        because = f"the text has {len(bits)} tokens that are read here"
        control.check(range(1, len(bits) + 1), default=default + 1, because=because)
    for control in (TOP_P, TOP_K, MIN_P, HEAT):
        control.check()
    _drawn(reading)


@st.fragment
def _drawn(reading: Reading) -> None:
    """Pictures and sliders, run alone when one of these is moved: no model runs for it."""
    with sentences():
        places = {"sharp": int(SHARP.value) - 1, "flat": int(FLAT.value) - 1}
        logits = {name: engine().logits(reading, (at,)).logits[0] for name, at in places.items()}
        settings = (
            ("top_p", float(TOP_P.value)),
            ("top_k", int(TOP_K.value)),
            ("min_p", float(MIN_P.value)),
        )
        _totals(reading, places, logits, settings)
        _heats(reading, places, logits)


def _totals(
    reading: Reading, places: dict[str, int], logits: dict[str, Any], settings: tuple[Any, ...]
) -> None:
    found = {name: cutoffs.ranked(row, settings) for name, row in logits.items()}
    says = words.cuts_said(found["sharp"], found["flat"])
    st.markdown("**Running total: the same filters at two places**")
    with st.container(key="cutoffs-said"):  # covered with the pictures by a guess
        st.markdown(plain(says))
    for place, (name, one) in zip(st.columns(2), found.items(), strict=True):
        texts = engine().texts(reading.model, one.best.tolist(), "decoder")
        names = [visible(text, limit=24) for text in texts]
        title = f"Running total at the {name} place"
        draw = partial(view.running_total, one, names, title=title)
        with place:
            st.caption(plain(f"{name.capitalize()}: {_after(reading, places[name])}"))
            picture(_both(draw), key=f"cutoffs-{name}", alt=f"{title}. {says}")
            with st.container(key=f"cutoffs-{name}-likeliest"):
                st.caption(plain(words.likeliest(one, texts)))
            share_menu(
                f"running-total-{name}",
                python=partial(recipes.running_total, reading, places[name], settings, name),
                svg=draw,
                shown=False,
                data=lambda name=name, one=one: words.totals({name: one}),
                title=title,
            )
    with st.container(horizontal=True):
        for control in (TOP_P, TOP_K, MIN_P):
            control.draw()
    with st.container(horizontal=True):
        SHARP.draw()
        FLAT.draw()
    read_aloud("running-total", lambda: words.totals(found))


def _heats(reading: Reading, places: dict[str, int], logits: dict[str, Any]) -> None:
    chosen = round(float(HEAT.value), 2)
    family = tuple(sorted({*FAMILY, chosen}))
    found = {name: cutoffs.heated(row, family) for name, row in logits.items()}
    says = words.heat_said(found["sharp"], found["flat"], chosen)
    st.markdown("**Temperature: a family of curves**")
    st.markdown(plain(says))
    for place, (name, one) in zip(st.columns(2), found.items(), strict=True):
        title = f"Temperatures at the {name} place"
        draw = partial(view.temperatures, one, chosen, title=title)
        with place:
            picture(_both(draw), key=f"cutoffs-heat-{name}", alt=f"{title}. {says}")
            share_menu(
                f"temperatures-{name}",
                python=partial(recipes.temperatures, reading, places[name], family, name),
                svg=draw,
                shown=False,
                data=lambda name=name, one=one: words.heats({name: one}),
                title=title,
            )
    HEAT.draw()
    read_aloud("temperatures", lambda: words.heats(found))


def _both(draw: Callable[..., str]) -> str:
    """A drawing in two widths, of which the place shows the one that fits."""
    return either(draw(), draw(width=view.NARROW))


def _after(reading: Reading, place: int) -> str:
    """The end of the text that stands before the predicted token."""
    tokens = engine().tokens(reading, "decoder")
    ids = tokens.ids[: place + 1][~tokens.special[: place + 1]].tolist()
    if not ids:
        return "after the start mark"
    before = "".join(engine().texts(reading.model, ids, "decoder"))
    text = visible(before[-KEPT:], limit=KEPT).replace("·", " ").strip()
    return f"after “{'… ' if len(before) > KEPT else ''}{text}”"


def _follow(control: Control, default: int) -> None:
    """A place that nobody chose is that of the text at hand, not of the one before."""
    before = state().controls.get(control.key, (None, None))[1]
    if before not in (None, default) and st.session_state.get(control.key, before) == before:
        st.session_state[control.key] = default
