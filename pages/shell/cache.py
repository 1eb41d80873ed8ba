"""The one doorway to the engine: what a page asks twice is computed once, for all sessions.

In: scalars and `Reading`s (never arrays: Streamlit and we would have to hash them). Out: frozen
engine values, shared and read-only. All live in one cache bounded by bytes (`ATLAS_TRACE_MB`);
the value unused longest goes first. Two sessions that ask for the same value at the same time
share one computation. An `EngineError` passes through and is not kept.

A page's owner adds small functions here: `return cached(("name", *arguments), lambda: ...)`,
with `_of(reading)` or `stamp(model)` among the arguments where a model is involved.
Knows nothing of widgets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from engine.attention import heads, maps
from engine.decoding import batch, generation, translation
from engine.decoding.beams import Search
from engine.decoding.continuation import Line
from engine.decoding.sampling import Sampling
from engine.decoding.scoring import Scored
from engine.errors import NotOffered
from engine.models import catalog, runtime
from engine.models.bundle import Card, Stack
from engine.store import cached, store
from engine.tokenizers.tokenization_steps import Cutter
from engine.tokenizers.tokens import piece_texts, tokenize
from engine.trace import blockwise, tracing
from engine.values import (
    Attention,
    Embedded,
    Hidden,
    Kind,
    Layer,
    Logits,
    Overview,
    Reading,
    Side,
    Tokens,
)

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
FRESH = 0.05  # seconds
_seen = threading.local()


def bundle(model: str) -> runtime.Bundle:
    """The opened bundle of a model; `runtime` decides how many stay open.

    Raises `UnknownModel`, `ModelNotExported`, `BrokenBundle`.
    """
    # A run of a page asks some fifty times, and each look at the folders is 20 calls of the system:
    # a quarter of the time of a click. A thread believes what it saw a moment ago.
    seen: dict[str, tuple[float, runtime.Bundle]] = _seen.__dict__
    when, found = seen.get(model, (-1.0, None))
    now = time.monotonic()
    if found is None or now - when > FRESH:
        folder = catalog.find(model).folder
        assert folder is not None, "find() gives exported models only"
        found = runtime.open_bundle(folder)
        seen[model] = (now, found)
    return found


def card(model: str) -> Card:
    """What a model is."""
    return bundle(model).card


def tokens(reading: Reading, side: Side = "encoder") -> Tokens:
    """A reading cut into tokens; `side` matters to encoder-decoders only."""
    return cached(
        ("tokens", _of(reading), side),
        lambda: tracing.tokens(bundle(reading.model), reading, side),
    )


def embedded(reading: Reading, side: Side = "encoder") -> Embedded:
    """Token vectors, position vectors and their sum, which enters layer 1."""
    return cached(
        ("embedded", _of(reading), side),
        lambda: tracing.embedded(bundle(reading.model), reading, side),
    )


def layer(reading: Reading, side: Side, index: int) -> Layer:
    """Attention of one block (0-based) and what leaves it; of a short text all blocks at once."""
    opened = bundle(reading.model)
    count = len(tokens(reading, side))
    if tracing.together(opened.card, count, side) and index >= 0:
        key = ("layers", _of(reading), side)
        every = cached(key, lambda: tracing.layers(opened, reading, side))
        if index < len(every):
            return every[index]
    below = entering(reading, side, index)

    def make() -> Layer:
        if index and below is None:
            return tracing.layer(opened, reading, side, index)
        return tracing.block(opened, reading, side, index, below)

    return cached(("layer", _of(reading), side, index), make)


def entering(reading: Reading, side: Side, index: int) -> np.ndarray | None:
    """What enters a block (0-based), where a walk over a long text has left it."""
    return store().peek(("entering", _of(reading), side, index))


def passed(reading: Reading, kind: Kind, block: blockwise.Passed) -> None:
    """Keep what a walk found of a block."""
    side: Side = "encoder" if kind == "encoder" else "decoder"
    cached(("entering", _of(reading), side, block.index + 1), lambda: block.hidden)
    cached(("measures", _of(reading), kind, block.index), lambda: block.measures)


def is_long(reading: Reading, kind: Kind) -> bool:
    """Whether a text is read block by block, as all layers at once would be too much."""
    side: Side = "encoder" if kind == "encoder" else "decoder"
    return not tracing.together(card(reading.model), len(tokens(reading, side)), side)


def hidden(reading: Reading, side: Side = "encoder") -> Hidden:
    """The residual stream of a side, from what enters layer 1 to what leaves the last."""
    return cached(
        ("hidden", _of(reading), side),
        lambda: tracing.hidden(bundle(reading.model), reading, side),
    )


def logits(reading: Reading, positions: tuple[int, ...]) -> Logits:
    """What the model predicts at some positions (0-based)."""
    return cached(
        ("logits", _of(reading), positions),
        lambda: tracing.logits(bundle(reading.model), reading, positions),
    )


def overview(reading: Reading, kind: Kind, cells: int = blockwise.CELLS) -> Overview:
    """Every head of a kind at a glance, in at most `cells` x `cells` blocks of tokens.

    Where all layers of a short text are kept the model is not asked again.
    """

    def make() -> Overview:
        side: Side = "encoder" if kind == "encoder" else "decoder"
        every: tuple[Layer, ...] | None = store().peek(("layers", _of(reading), side))
        if every is None:
            return blockwise.overview(bundle(reading.model), reading, kind, cells)
        queries, keys = sides(reading, kind)
        weights = (tracing.of_kind(one, kind).weights for one in every)
        return blockwise.gathered(
            weights, kind, blockwise.block_size(len(queries), len(keys), cells)
        )

    return cached(_overview(reading, kind, cells), make)


def overview_here(reading: Reading, kind: Kind) -> bool:
    """Whether the overview is kept already."""
    return store().peek(_overview(reading, kind, blockwise.CELLS)) is not None


def walked(reading: Reading, kind: Kind, pictures: tuple[np.ndarray, ...]) -> None:
    """Keep the overview that a walk has made."""
    queries, keys = sides(reading, kind)
    block = blockwise.block_size(len(queries), len(keys), blockwise.CELLS)
    key = _overview(reading, kind, blockwise.CELLS)
    cached(key, lambda: Overview(kind, block, np.stack(pictures)))


def stack(model: str, kind: Kind) -> Stack:
    """The tower whose heads have this kind of attention."""
    found = card(model)
    return (found.encoder if kind == "encoder" else found.decoder) or found.tower


def _overview(reading: Reading, kind: Kind, cells: int) -> Hashable:
    return ("overview", _of(reading), kind, cells)


def gives_attention(model: str, kind: Kind) -> bool:
    """Whether a model's attention weights of a kind were exported."""
    return tracing.gives_attention(bundle(model), kind)


def sides(reading: Reading, kind: Kind) -> tuple[Tokens, Tokens]:
    """The tokens that look and the tokens that are looked at."""
    queries = tokens(reading, "encoder" if kind == "encoder" else "decoder")
    return queries, tokens(reading, "encoder") if kind == "cross" else queries


def attention(reading: Reading, kind: Kind, index: int) -> Attention:
    """All heads of one layer (0-based) of one kind."""
    found = layer(reading, "encoder" if kind == "encoder" else "decoder", index)
    if kind != "cross":
        return found.attention
    if found.cross is None:
        raise NotOffered("This model has one tower, so no attention from one to the other.")
    return found.cross


def attention_map(scene: maps.Scene) -> maps.Map:
    """The map of the scene's head after its treatment."""
    reading, kind = scene.reading, scene.kind
    queries, keys = sides(reading, kind)
    return maps.prepared(
        attention(reading, kind, scene.layer),
        scene.head,
        kind=kind,
        queries=queries,
        keys=keys,
        treatment=scene.treatment,
        below=lambda: np.stack(
            [attention(reading, kind, below).weights for below in range(scene.layer + 1)]
        ),
        several=lambda: np.stack(
            [attention(reading, kind, at).weights[head] for at, head in scene.treatment.several]
        ),
    )


def measures(reading: Reading, kind: Kind, index: int) -> dict[str, np.ndarray]:
    """What the heads of one layer do, by measure, and what an even head would score."""

    def make() -> dict[str, np.ndarray]:
        queries, keys = sides(reading, kind)
        found = attention(reading, kind, index)
        return heads.measured(found, kind=kind, queries=queries, keys=keys)

    return cached(("measures", _of(reading), kind, index), make)


def rivals(model: str, kind: Kind) -> tuple[str, ...]:
    """Other models here that have this kind of attention."""
    return tuple(
        entry.name
        for entry in catalog.entries()
        if entry.folder is not None
        and entry.name != model
        and (entry.family == "encoder-decoder" or entry.family == kind)
    )


def drawn(reading: Reading, kind: Kind, what: Hashable, make: Callable[[], T]) -> T:
    """The thumbnails of the heads of a layer, or all of them: slower to draw than to keep."""
    return cached(("drawn", _of(reading), kind, what), make)


def translated(model: str, text: str) -> Reading:
    """A text with its greedy translation as the target: what a decoder of two towers reads."""
    reading = Reading(model, text)
    return cached(
        ("translated", _of(reading)),
        lambda: translation.translate(bundle(model), reading, Search()).reading(),
    )


def continued(model: str, text: str, count: int) -> Reading:
    """A text with `count` tokens that the model wrote on, always the likeliest one."""

    def make() -> Reading:
        reading, opened = Reading(model, text), bundle(model)
        ids = tokens(reading).ids.tolist()
        line = Line(Sampling(temperature=0.0))
        steps = generation.generate(opened, ids, [line], seed=0, limit=count)
        new = [one.id for step in steps for one in step.written]
        return replace(reading, target=(*ids, *new))

    return cached(("continued", _of(Reading(model, text)), count), make)


def translation_trace(
    reading: Reading,
    search: Search,
    *,
    prefix: tuple[int, ...] = (),
    language: str | None = None,
    place: int = 0,
) -> translation.Trace:
    """A translation with its tree, and the hypothesis at `place` read once more."""
    key = (_of(reading), search, prefix, language)
    opened = bundle(reading.model)
    found = cached(
        ("translation", *key),
        lambda: translation.translate(opened, reading, search, prefix=prefix, language=language),
    )
    return cached(
        ("translation_trace", *key, place), lambda: translation.traced(opened, found, place)
    )


def target_scores(reading: Reading, ids: tuple[int, ...]) -> Scored:
    """How likely the model finds `ids` after each position of `reading.target`."""
    return cached(
        ("target_scores", _of(reading), ids),
        lambda: translation.scored(bundle(reading.model), reading, ids),
    )


def lens(reading: Reading, side: Side, position: int) -> np.ndarray:
    """Logits [layers + 1, vocabulary] of one position, as if each layer were the last."""
    return cached(
        ("lens", _of(reading), side, position),
        lambda: tracing.lens(bundle(reading.model), hidden(reading, side).states[:, position]),
    )


def cut(model: str, text: str, side: Side = "encoder") -> Tokens:
    """A text cut into tokens, however long: what the tokenizer does, not what the model reads."""
    return cached(
        ("cut", stamp(model), side, text), lambda: tokenize(bundle(model), text, side=side)
    )


def cutter(model: str, side: Side = "encoder") -> Cutter:
    """The rules of a model's tokenizer, for cutting step by step."""
    # Kept by the stamp alone: a tokenizer's rules are some MB of Python objects.
    return _cutter(model, side, stamp(model))


def algorithm(model: str, side: Side = "encoder") -> str:
    """The name of the algorithm that cuts for a model: BPE, WordPiece, Unigram or another."""
    return type(bundle(model).reader(side).tokenizer.model).__name__


@lru_cache(maxsize=8)
def _cutter(model: str, side: Side, stamp: Hashable) -> Cutter:
    return Cutter(bundle(model).reader(side).tokenizer)


def texts(model: str, ids: tuple[int, ...], side: Side = "encoder") -> tuple[str, ...]:
    """What each id alone looks like as text; special tokens keep their name."""
    return tuple(piece_texts(bundle(model), ids, side=side))


def following(model: str, ids: tuple[int, ...], source: tuple[int, ...] = ()) -> np.ndarray:
    """Logits [vocabulary] of the token after `ids`, which need not be what a text is cut into.

    `source` are the ids that an encoder reads, for the decoder behind it.
    """

    def make() -> np.ndarray:
        opened = bundle(model)
        read = batch.encode(opened, np.array([source])) if source else None
        return generation.following(opened, ids, source=read)

    return cached(("following", stamp(model), ids, source), make)


def stamp(model: str) -> Hashable:
    """The state of a model's files: part of every key that a model is involved in."""
    # A model that was exported again has another stamp, so that nothing stale is found.
    return bundle(model).stamp


def _of(reading: Reading) -> Hashable:
    """A reading and the state of its model's files: the part of a key that says what was read."""
    return (reading, stamp(reading.model))
