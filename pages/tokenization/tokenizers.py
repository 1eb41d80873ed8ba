"""Every tokenizer that a text can be cut by, and the ways of cutting.

In: names. Out: tokens and facts, cached. A borrowed tokenizer was fetched from the Hub or given as
a file by this session (or by a link that names it while its file is here); see
`engine.tokenizers.external_tokenizers`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from engine.errors import NotOffered
from engine.models import catalog
from engine.settings import settings
from engine.store import cached
from engine.tokenizers import chat, external_tokenizers
from engine.tokenizers.tokens import read
from engine.values import Tokens
from pages.shell import cache

OWN = "borrowed"
"""The session's key of the names that were added."""


def names(asked: Sequence[str] = ()) -> list[str]:
    """Models' tokenizers, then those added here and those of `asked` whose file is here."""
    models = [entry.name for entry in catalog.entries() if entry.ready]
    added = [name for name in (*added_here(), *asked) if external_tokenizers.known(name)]
    return list(dict.fromkeys([*models, *added]))


def added_here() -> list[str]:
    """The tokenizers that this session added."""
    return list(st.session_state.get(OWN, ()))


def add(name: str) -> None:
    """Offer a borrowed tokenizer in this session."""
    st.session_state[OWN] = [*(n for n in added_here() if n != name), name][-8:]


def may_add() -> bool:
    """Whether the person who runs the app lets people add tokenizers."""
    return settings().add_models != "no"


def facts(name: str) -> external_tokenizers.Facts:
    """The algorithm and the size of the vocabulary."""
    if not external_tokenizers.known(name):
        return external_tokenizers.Facts(cache.algorithm(name), cache.card(name).vocabulary)
    return cached(("facts", *_state(name)), lambda: external_tokenizers.facts(name))


def cut(name: str, text: str) -> Tokens:
    """A text cut by the tokenizer of that name."""
    if not external_tokenizers.known(name):
        return cache.cut(name, text)
    return _one(name, text, lambda: external_tokenizers.cut(name, [text])[0])


def cut_all(name: str, texts: Sequence[str]) -> list[Tokens]:
    """Several texts at once: a borrowed tokenizer answers in one go."""
    if not external_tokenizers.known(name):
        return [cache.cut(name, text) for text in texts]
    made: list[Tokens] = []

    def one(place: int) -> Tokens:
        made.extend(external_tokenizers.cut(name, texts) if not made else ())
        return made[place]

    return [_one(name, text, lambda k=k: one(k)) for k, text in enumerate(texts)]


def _one(name: str, text: str, make: Callable[[], Tokens]) -> Tokens:
    return cached(("borrowed", *_state(name), text), make)


def _state(name: str) -> tuple[str, int]:
    return name, external_tokenizers.kept(name).stat().st_mtime_ns


def conversation(model: str, turns: tuple[chat.Turn, ...], answer: bool) -> str:
    """Turns as the text that a chat model reads."""
    card = cache.card(model)
    if card.template is None:
        raise NotOffered(f"{card.title} has no chat template: it was not trained on conversations.")
    template, reader = card.template, cache.bundle(model).reader("encoder")
    first, ends = card.generation.start, card.generation.ends

    def make() -> str:
        return chat.render(
            template,
            turns,
            answer=answer,
            start="" if first is None else reader.piece(first),
            end=reader.piece(ends[0]) if ends else "",
        )

    return cached(("conversation", cache.stamp(model), turns, answer), make)


def bare(model: str, text: str) -> Tokens:
    """A text cut without anything added at its ends: a conversation brings its own."""
    reader = cache.bundle(model).reader("encoder")
    return cached(("bare", cache.stamp(model), text), lambda: read(reader, text, ends=False))


def names_in(model: str, text: str) -> list[str]:
    """Names of special tokens that stand in a text: `<|endoftext|>`."""
    reader = cache.bundle(model).reader("encoder")
    return [name for i, name in reader.added.items() if i in reader.special and name in text]


def spelt(model: str, text: str) -> Tokens:
    """A text cut with names of special tokens in it taken for plain text."""
    reader = cache.bundle(model).reader("encoder")
    return cached(("spelt", cache.stamp(model), text), lambda: read(reader, text, names=False))
