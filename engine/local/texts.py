"""Texts as tokens: what a model reads, what a tokenizer does, step by step and in conversations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from engine import policy
from engine.decoding.translation import prefix_ids
from engine.errors import NotOffered
from engine.local.models import Models, bundle, digest, of
from engine.store import cached
from engine.tokenizers import causes, chat, external_tokenizers, roles
from engine.tokenizers import vocabulary as words
from engine.tokenizers.external_tokenizers import Facts
from engine.tokenizers.reader import Writing
from engine.tokenizers.roles import special_names
from engine.tokenizers.subwords import Walk
from engine.tokenizers.tokenization_steps import Cutter, Stages, cutter
from engine.tokenizers.tokens import piece_texts, read, tokenize
from engine.trace import tracing
from engine.values import Reading, Side, Tokens


class Texts(Models):
    """The part of `engine.api.Engine` about tokens."""

    def tokens(self, reading: Reading, side: Side = "encoder") -> Tokens:
        return cached(
            ("tokens", of(reading), side),
            lambda: tracing.tokens(bundle(reading.model), reading, side),
        )

    def tokenized(self, model: str, text: str, side: Side = "encoder") -> Tokens:
        return cached(
            ("tokenized", digest(model), side, text),
            lambda: tokenize(bundle(model), text, side=side),
        )

    def bare(self, model: str, text: str) -> Tokens:
        reader = bundle(model).reader("encoder")
        return cached(("bare", digest(model), text), lambda: read(reader, text, ends=False))

    def spelt(self, model: str, text: str) -> Tokens:
        reader = bundle(model).reader("encoder")
        return cached(("spelt", digest(model), text), lambda: read(reader, text, names=False))

    def special_names_in(self, model: str, text: str) -> list[str]:
        reader = bundle(model).reader("encoder")
        return [name for i, name in reader.added.items() if i in reader.special and name in text]

    def roles(self, model: str, side: Side = "encoder") -> dict[int, str]:
        opened = bundle(model)
        return roles.roles(opened.card, opened.reader(side))

    def piece(self, model: str, token_id: int, side: Side = "encoder") -> str:
        return bundle(model).reader(side).piece(token_id)

    def texts(self, model: str, ids: Sequence[int], side: Side = "encoder") -> tuple[str, ...]:
        return tuple(piece_texts(bundle(model), ids, side=side))

    def prefix_ids(self, model: str, text: str) -> tuple[int, ...]:
        return prefix_ids(bundle(model), text)

    def algorithm(self, model: str, side: Side = "encoder") -> str:
        return type(bundle(model).reader(side).tokenizer.model).__name__

    def piece_writing(self, model: str, side: Side = "encoder") -> Writing:
        return bundle(model).reader(side).writing

    def stages(self, model: str, text: str, side: Side = "encoder") -> Stages:
        policy.check_text(text)
        return _cutter(model, side).stages(text)

    def most_split(self, model: str, tokens: Tokens) -> causes.Split | None:
        reader, state = bundle(model).reader("encoder"), digest(model)
        return cached(
            ("most split", state, tokens.text, len(tokens)),
            lambda: causes.most_split_by(reader, tokens, lambda: _cutter(model, "encoder")),
        )

    def word_steps(self, model: str, word: str, side: Side = "encoder") -> Walk:
        policy.check_text(word)
        return _cutter(model, side).walk(word)

    def vocabulary(self, model: str, side: Side = "encoder") -> words.Vocabulary:
        size_of = self.card(model).vocabulary
        return cached(
            ("vocabulary", digest(model), side),
            lambda: words.vocabulary(bundle(model).reader(side), size_of),
        )

    def conversation(self, model: str, turns: tuple[chat.Turn, ...], answer: bool) -> str:
        card = self.card(model)
        if card.template is None:
            raise NotOffered(
                f"{card.title} has no chat template: it was not trained on conversations."
            )
        policy.check_text(*(turn.content for turn in turns))
        template, named = card.template, special_names(card, bundle(model).reader("encoder"))

        def make() -> str:
            return chat.render(template, turns, answer=answer, names=named)

        return cached(("conversation", digest(model), turns, answer), make)

    # Tokenizers from outside have names of their own beside those of models.

    def tokenizer_here(self, name: str) -> bool:
        return external_tokenizers.known(name)

    def tokenizer_facts(self, name: str) -> Facts:
        if not external_tokenizers.known(name):
            return Facts(self.algorithm(name), self.card(name).vocabulary)
        return cached(("facts", *_state(name)), lambda: external_tokenizers.facts(name))

    def tokenized_by(self, name: str, texts: Sequence[str]) -> list[Tokens]:
        if not external_tokenizers.known(name):
            return [self.tokenized(name, text) for text in texts]
        policy.check_text(*texts)
        made: list[Tokens] = []

        def one(place: int) -> Tokens:
            made.extend(external_tokenizers.cut(name, texts) if not made else ())
            return made[place]

        return [_external(name, text, lambda k=k: one(k)) for k, text in enumerate(texts)]


def _external(name: str, text: str, make: Callable[[], Tokens]) -> Tokens:
    return cached(("external", *_state(name), text), make)


def _state(name: str) -> tuple[str, str]:
    path = external_tokenizers.kept(name)
    found = path.stat()
    return name, _content(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=64)
def _content(path: Path, size: int, changed: int) -> str:
    """Digest of a file; its time says when to look again, and is part of no value's key."""
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def _cutter(model: str, side: Side) -> Cutter:
    key = ("rules of a tokenizer", digest(model), side)
    return cached(key, lambda: cutter(bundle(model).reader(side)))
