"""The frame of every page: page config, menu, model and text, errors as sentences, link values.

In: what the page can show (families) and the address of the page. Out: a `Choice`. A page is

    choice = frame("Attention", families=("decoder", "encoder", "encoder-decoder"))
    with sentences():
        layer = checked("layer", range(1, choice.card.tower.layers + 1), default=1)
        st.slider("Layer", 1, choice.card.tower.layers, key="layer", bind="query-params")
        attention_map(choice)

`sentences()` shows an `EngineError` as one sentence, keeps what was typed and leaves the page
usable; it must also stand inside every fragment, as those run alone. `checked` must be called
before the widget of that key is drawn and outside of fragments. What a component locks is kept
with `selection` and `select`. The frame knows no page's pictures.

Session keys of the frame: `model` and `text` (widgets), `atlas` (everything else).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.errors import EngineError
from engine.models import catalog
from engine.models.bundle import Card
from engine.settings import settings
from engine.values import Family
from pages.shell import address, share
from pages.shell.address import checked, checked_many, plain, select, selection
from pages.shell.cache import engine
from pages.shell.client.memory import keep_in_browser
from pages.shell.client.textbox import textbox
from pages.shell.components import styles
from pages.shell.host.queue import enter, stay
from pages.shell.lesson import course, dotted, panel
from pages.shell.lesson.classroom import following
from pages.shell.lesson.own import author
from pages.shell.links import embed, opening
from pages.shell.menu import PAGES, Page, Sample, sample_menu, samples
from pages.shell.state import State, state

__all__ = [
    "Choice",
    "PAGES",
    "Page",
    "Sample",
    "checked",
    "checked_many",
    "frame",
    "plain",
    "samples",
    "select",
    "selection",
    "sentences",
    "set_text",
]

NAME = "Transformer Atlas"
ROOT = Path(__file__).parents[2]
PLACEHOLDER = "Type a text, or choose a sample."
NO_MODEL = (
    "No model is here that this page can show. Export one with python -m engine.export NAME, "
    "or take a full copy of the project."
)
ALL: tuple[Family, ...] = ("decoder", "encoder", "encoder-decoder")

# Long-lived objects of the imports above never need to be looked at again by the collector.
gc.collect()
gc.freeze()


@dataclass(frozen=True)
class Choice:
    """What the person chose at the top of a page; `text` may be empty."""

    model: str
    card: Card
    text: str


def frame(
    title: str,
    *,
    families: tuple[Family, ...] = ALL,
    wants_text: bool = True,
    wants_model: bool = True,
    default_sample: str | None = None,
    default_text: str | None = None,
    text_label: str = "Text",
    live: bool = False,
    intro: str = "",
) -> Choice:
    """Draw the top of a page and return what was chosen; call it first in every page's script.

    `title` is the page's name in `PAGES`. `families` are those the page can show. Without
    `wants_text` no text box is drawn (a page with one of its own calls `set_text`), yet the
    choice holds the text; without `wants_model` the page is about no model, and samples and all
    that is said of a model are left out. `default_sample` is the name of the sample shown until
    somebody types; at first it is the page's first. `default_text` stands there instead, where
    the page has texts of its own. `live` follows while somebody types.
    `intro` is a sentence under the title. Stops the script where no model can be shown.
    """
    _configure(title)
    enter()
    following.follow(title)
    course.go()
    here = state()
    here.turn_to(title)
    tools, about = _head(title, intro)
    top, line = st.container(key="atlas-top"), st.container(key="atlas-line")
    here.notes_place = st.container(gap="xsmall")
    keep_in_browser(_given_back)
    address.show_notes()
    opening.open_link(title)
    now = None
    with _refusals():
        now = course.arrive(title)
    following.hold(now, title)
    if now is None and not embed.is_embedded():
        with here.notes_place:
            following.line(None)
    first = _default_text(title, default_sample) if default_text is None else default_text
    address.adopt_text(first, settings().max_chars)
    opening.keep_reference()
    with top:
        names = _names(families)
        if wants_model:
            model = _model_and_text(names, text_label if wants_text else None, live=live)
        else:
            _check_model(names, here)
            model = str(st.session_state["model"])
    if now is not None and not embed.is_embedded():
        panel.panel(now)
    elif not embed.is_embedded():
        author.reserve()
    if tools is not None:
        with tools:
            if wants_model:
                sample_menu(title, model)
            share.copy_link()
    with line, _refusals():
        card = engine().card(model)
        if not wants_model:
            return Choice(model, card, here.text)
        with about:
            _device_line(model, card)
        _open(model, card)
        return Choice(model, card, here.text)
    st.stop()


@contextmanager
def sentences() -> Iterator[None]:
    """Show an `EngineError` raised inside as one sentence and end the `with` block there.

    What was typed stays, and what follows the block is drawn. At the end of a page's outermost
    block the copied link is completed, so that it holds every value checked inside.
    """
    here = state()
    here.depth += 1
    try:
        with _refusals():
            stay()
            yield
    finally:
        here.depth -= 1
    if not here.depth:
        share.complete_link()
        panel.complete()
        author.complete()
        dotted.dotted()
        following.keep_up()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        st.error(plain(str(error)), icon=":material/info:")


def set_text(text: str) -> None:
    """Make this the text of all pages; call it in a callback (of a sample, of a component)."""
    address.set_text(text[: settings().max_chars])


def _given_back(text: str, model: str) -> None:
    """The text and the model that a browser kept over a restart of the server."""
    set_text(text)
    state().model = model


def _configure(title: str) -> None:
    name = NAME if title == "Home" else f"{title} · {NAME}"
    st.set_page_config(page_title=name, page_icon=str(ROOT / "assets" / "icon.svg"), layout="wide")
    st.html(f"<style>{styles('page.css')}</style>")


def _head(title: str, intro: str) -> tuple[DeltaGenerator | None, DeltaGenerator]:
    """Menu, title and a sentence; returns two places beside the title.

    They are for the tools (None where the page is embedded) and for what the model is.
    """
    name = NAME if title == "Home" else title
    if embed.is_embedded():
        embed.head(name)
        return None, st.container(key="atlas-about")
    _menu(title)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.title(name, width="content", anchor=False)
        about = st.container(key="atlas-about")
        tools = st.container(horizontal=True, width="content", gap="xsmall")
    if intro:
        st.markdown(intro)
    return tools, about


def _menu(title: str) -> None:
    with st.container(horizontal=True, key="atlas-menu", gap="xsmall"):
        for page in _pages():
            name = NAME if page.title == "Home" else page.title
            st.page_link(page.file, label=name, icon=f":material/{page.icon}:")


@once
def _pages() -> tuple[Page, ...]:
    """The pages that this copy of the app has."""
    return tuple(page for page in PAGES if (ROOT / page.file).exists())


def _default_text(title: str, name: str | None) -> str:
    fitting = [one for one in samples() if title in one.pages]
    named = [one for one in samples() if one.name == name]
    return (named or fitting or list(samples()))[0].text


def _model_and_text(names: list[str], text_label: str | None, *, live: bool) -> str:
    left, right = st.columns([1.3, 5], gap="small")
    with left:
        model = _model(names)
    if text_label is not None and live:
        with right:
            textbox(
                state().text,
                key="live-text",
                label=text_label,
                limit=settings().max_chars,
                on_text=set_text,
                placeholder=PLACEHOLDER,
            )
    elif text_label is not None:
        right.text_area(
            text_label,
            value=state().text,
            key="text",
            height=84,
            on_change=address.text_typed,
            args=(settings().max_chars,),
            placeholder=PLACEHOLDER,
        )
    return model


def _names(families: Sequence[Family]) -> list[str]:
    """Models that the page can show; the page's first family gives the first. Stops at none."""
    entries = engine().models()
    ready = [entry for entry in entries if entry.ready and entry.family in families]
    names = [entry.name for family in families for entry in ready if entry.family == family]
    names += _asked_for(families, names)
    if not names:
        broken = next((entry.problem for entry in entries if entry.problem), None)
        st.error(plain(broken or NO_MODEL), icon=":material/info:")
        st.stop()
    return names


def _asked_for(families: Sequence[Family], names: list[str]) -> list[str]:
    """A moment of a training that a link names, or that was looked at: it is in no list."""
    here = state()
    asked = [st.query_params.get("model"), *here.asked.get("model", ()), here.model]
    found: list[str] = []
    for name in dict.fromkeys(one for one in asked if one and one not in names):
        entry = catalog.moment(name)
        if entry is not None and entry.ready and entry.family in families:
            found.append(name)
    return found


def _model(names: list[str]) -> str:
    _check_model(names, state())
    return str(
        st.selectbox(
            "Model",
            names,
            key="model",
            bind="query-params",
            on_change=_remember_model,
            help="Installed models that this page can show.",
        )
    )


def _check_model(names: list[str], here: State) -> None:
    """Put the model right before its widget exists: a page shows some families only.

    The model last chosen by the person is kept in mind and comes back on pages that can show it.
    """
    here.models = tuple(names)
    asked = address.fresh("model")
    if asked:
        here.model = asked[-1]
        if here.model not in names:
            address.tell("model", _why_not(here.model, names[0]), names[0])
    wanted = here.model if here.model in names else names[0]
    if st.session_state.get("model") != wanted:
        st.session_state["model"] = wanted


def _why_not(name: str, shown: str) -> str:
    try:
        entry = engine().find(name)
    except EngineError as error:
        return f"{error} Showing {shown}."
    return f"{entry.name} cannot be shown on this page. Showing {shown}."


def _remember_model() -> None:
    state().model = st.session_state["model"]


def _open(model: str, card: Card) -> None:
    """Take the model into memory, saying so: large ones need seconds, in which nothing is drawn."""
    if not engine().is_open(model):
        size = card.parameters / 1e6
        with st.spinner(
            f"Opening {plain(card.title)}: {size:,.1f} million parameters", show_time=True
        ):
            engine().open(model)


def _device_line(model: str, card: Card) -> None:
    towers = [
        f"{name} of {stack.layers} layers with {stack.heads} heads each"
        for name, stack in (("encoder", card.encoder), ("decoder", card.decoder))
        if stack is not None
    ]
    what = f"{card.title}: {' and '.join(towers)}, {card.parameters / 1e6:,.1f} million parameters."
    where = engine().device(model).reason
    st.caption(f":material/account_tree: {plain(what)} :material/memory: {plain(where)}")
