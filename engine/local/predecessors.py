"""What predicted the next token before transformers did, beside one of them."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from engine.errors import NotOffered, TextTooLong
from engine.local.models import bundle, digest, of
from engine.local.prompts import Prompts
from engine.models import catalog
from engine.models.catalog import Entry
from engine.models.runtime import Bundle
from engine.predecessors import bundles, comparing
from engine.predecessors.bundles import Card
from engine.predecessors.comparing import (
    LONGEST,
    MADE_BY,
    MOST,
    WINDOWS,
    Continuations,
    HiddenStates,
    Standing,
)
from engine.predecessors.gru import Network
from engine.predecessors.influence import Influence, draw, influence
from engine.predecessors.ngrams import Table
from engine.predecessors.predictors import Predictor, Recurrence, Transformer, Window
from engine.store import cached
from engine.tokenizers.vocabulary import BEGINS
from engine.values import Reading, Tokens

WORDS = 1000  # from which replacements are drawn


class Predecessors(Prompts):
    """The part of `engine.api.Engine` about predecessors."""

    def standings(self, model: str) -> tuple[Standing, ...]:
        opened = self._decoder(model)
        found: list[Standing] = []
        beside: dict[str, float] = {}
        for kind in ("ngrams", "recurrent"):
            entry, card = self._predecessor(model, kind)
            if entry is None or card is None:
                found.append(self._missing(model, kind))
                continue
            beside |= card.beside
            found += self._windows(entry, card) if kind == "ngrams" else [_network(entry, card)]
        itself = Standing(
            "transformer",
            opened.card.title,
            "transformer",
            numbers=opened.card.parameters,
            nbytes=self.find(model).size,
            bits_per_byte=beside.get(opened.digest),
        )
        return (*found, itself)

    def continuations(self, model: str, text: str, count: int = 10) -> Continuations:
        if not 0 < count <= MOST:
            raise NotOffered(f"{count} best tokens: 1 to {MOST} are given.")
        key = ("continuations", of(Reading(model, text)), self._state(model), count)

        def make() -> Continuations:
            tokens = self._compared(model, text)
            return comparing.continuations(self._predictors(model), tokens, count)

        return cached(key, make)

    def influence(self, model: str, text: str, seed: int = 0) -> Influence:
        key = ("influence", of(Reading(model, text)), self._state(model), seed)

        def make() -> Influence:
            ids = self._compared(model, text).ids
            tokens = draw(ids, self._words(model), seed=seed)
            every = self._predictors(model)
            bits = [influence(predictor, ids, tokens) for predictor in every.values()]
            return Influence(tuple(every), tokens, np.stack(bits))

        return cached(key, make)

    def hidden_states(self, model: str, text: str) -> HiddenStates:
        self._decoder(model)
        entry, card = self._predecessor(model, "recurrent")
        if entry is None or card is None:
            raise NotOffered(self._missing(model, "recurrent").missing)
        key = ("recurrent states", of(Reading(model, text)), self._state(model))
        return cached(
            key, lambda: comparing.hidden_states(weights(entry, card), self._compared(model, text))
        )

    def _compared(self, model: str, text: str) -> Tokens:
        tokens = self.tokens(Reading(model, text))
        if len(tokens) > LONGEST:
            raise TextTooLong(
                f"The text has {len(tokens):,} tokens; at most {LONGEST} are compared. Shorten it."
            )
        return tokens

    def _decoder(self, model: str) -> Bundle:
        opened = bundle(model)
        if opened.card.family != "decoder":
            raise NotOffered(
                f"{opened.card.title} does not continue a text token by token: only a decoder is "
                "compared with n-grams and recurrent networks."
            )
        return opened

    def _predecessor(self, model: str, kind: str) -> tuple[Entry, Card] | tuple[None, None]:
        """The first of a kind that knows a model's tokens."""
        wanted = bundle(model).card.files["tokenizer.json"]
        for entry in catalog.entries():
            card = catalog.predecessor(entry)
            if card is not None and card.kind == kind and card.tokenizer == wanted:
                return entry, card
        return None, None

    def _missing(self, model: str, kind: str) -> Standing:
        title = {"ngrams": "n-grams", "recurrent": "Recurrent network"}[kind]
        here = bundle(model).card
        others = [card for card in map(catalog.predecessor, catalog.entries()) if card is not None]
        told = next((one for one in others if one.kind == kind), None)
        if told is None:
            why = f"{title}: not here. To make the file: {MADE_BY[kind]}"
        else:
            why = (
                f"{told.title} counts in the tokens of {told.tokens_of}; those of {here.title} are "
                "others, so the two cannot be compared token by token."
            )
        return Standing(kind, title, kind, missing=why)

    def _windows(self, entry: Entry, card: Card) -> list[Standing]:
        counted = table(entry, card)
        kept = np.cumsum([len(order.words) for order in counted.orders]).tolist()
        return [
            Standing(
                f"window-{window}",
                f"n-grams (window {window})",
                "ngrams",
                window,
                kept[window],
                entry.size,
                card.figures.get(f"window {window}"),
            )
            for window in WINDOWS
            if window <= counted.window
        ]

    def _predictors(self, model: str) -> dict[str, Predictor]:
        found: dict[str, Predictor] = {}
        entry, card = self._predecessor(model, "ngrams")
        if entry is not None and card is not None:
            counted = table(entry, card)
            windows = [window for window in WINDOWS if window <= counted.window]
            found |= {f"window-{window}": Window(counted, window) for window in windows}
        entry, card = self._predecessor(model, "recurrent")
        if entry is not None and card is not None:
            found["recurrent"] = Recurrence(weights(entry, card))
        return {**found, "transformer": Transformer(self._decoder(model))}

    def _state(self, model: str) -> Hashable:
        """Which predecessors a model is compared with: part of every key."""
        cards = (self._predecessor(model, kind)[1] for kind in ("ngrams", "recurrent"))
        return tuple(contents(card) if card else None for card in cards)

    def _words(self, model: str) -> np.ndarray:
        """Ids of the words that a tokenizer knows best: merged first, or of the highest score."""

        def make() -> np.ndarray:
            whole = self.vocabulary(model)
            ids = np.flatnonzero(whole.kinds == BEGINS)
            scores = np.nan_to_num(whole.scores[ids], nan=-np.inf)
            return np.sort(ids[np.lexsort((ids, -scores))][:WORDS])

        return cached(("words to replace with", digest(model)), make)


def _network(entry: Entry, card: Card) -> Standing:
    return Standing(
        "recurrent",
        card.title,
        "recurrent",
        None,
        card.parameters,
        entry.size,
        card.figures.get("recurrent"),
    )


def contents(card: Card) -> Hashable:
    """Which one it is, for keys: the digests of its files."""
    return tuple(sorted(card.files.items()))


def table(entry: Entry, card: Card) -> Table:
    """The counts of an n-gram table, read once."""
    assert entry.folder is not None
    return cached(("n-gram table", contents(card)), lambda f=entry.folder: bundles.table(f))


def weights(entry: Entry, card: Card) -> Network:
    """A recurrent network, read once."""
    assert entry.folder is not None
    return cached(("recurrent network", contents(card)), lambda f=entry.folder: bundles.network(f))
