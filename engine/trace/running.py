"""One run over a whole text: what a side of a model reads, what it is fed, what comes out.

In: a bundle, a `Reading` and names of outputs. Out: its tokens; arrays by name, as ONNX Runtime
gave them (an encoder-decoder's decoder needs what its encoder made of the source, which is kept:
`sources`). What they mean: `outputs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from engine.errors import EmptyText, NotOffered, TextTooLong
from engine.hosting import figures
from engine.models import altered
from engine.models.bundle import Card
from engine.models.device import Part
from engine.models.feeds import empty_past, head_masks, source_masks, text_feeds
from engine.models.runtime import Bundle
from engine.models.sessions import Session
from engine.settings import settings
from engine.tokenizers import tokens as cutting
from engine.trace import changes, sides, sources
from engine.values import Reading, Side, Tokens

LARGE = 256  # tokens of a text whose run should not leave its memory taken


def tokens(bundle: Bundle, reading: Reading, side: Side = "encoder") -> Tokens:
    """The tokens that a side of the model reads; for a decoder behind an encoder, the target's.

    A model of one tower reads the target's ids too, where there are any: a text with what it wrote.

    Raises `EmptyText` and `TextTooLong`.
    """
    if sides.two(bundle.card) and side == "decoder":
        if not reading.target:
            raise EmptyText("There is no translated text to look at yet.")
        found = cutting.from_ids(bundle, reading.target, side="decoder")
    elif reading.target and not sides.two(bundle.card):
        found = cutting.from_ids(bundle, reading.target, side="decoder")
    else:
        if not reading.text.strip() and not (reading.second or "").strip():
            raise EmptyText("The text is empty. Type a word or choose a sample.")
        found = cutting.tokenize(bundle, reading.text, second=reading.second)
        if reading.language is not None:
            found = _spoken(bundle, found, reading.language)
    _check_length(bundle.card, len(found))
    check_ids(bundle.card, found)
    return changes.ordered(found, changes.of(reading.change, bundle.card, side))


def check_ids(card: Card, found: Tokens) -> None:
    """Refuse tokens that the tokenizer knows and the model has no vector for."""
    for place in np.flatnonzero((found.ids < 0) | (found.ids >= card.vocabulary)):
        raise NotOffered(
            f"{card.title} has no vector for the token {found.pieces[place][:40]!r} (id "
            f"{found.ids[place]:,}): its tokenizer knows more tokens than the {card.vocabulary:,} "
            "of the model. Leave it out of the text."
        )


def language_code(card: Card, language: str) -> int:
    """The id that stands for a language."""
    codes = card.generation.languages
    if language not in codes:
        known = ", ".join(sorted(codes)) or "none"
        raise NotOffered(f"{card.title} does not know {language[:40]!r}. Languages: {known}.")
    return codes[language]


def _spoken(bundle: Bundle, found: Tokens, language: str) -> Tokens:
    """The tokens with the mark of another language, where the tokenizer sets one."""
    code = language_code(bundle.card, language)
    marks = found.special & np.isin(found.ids, list(bundle.card.generation.languages.values()))
    ids = np.where(marks, code, found.ids)
    return replace(
        found, ids=ids, pieces=tuple(bundle.reader("encoder").piece(int(i)) for i in ids)
    )


def run(
    bundle: Bundle,
    reading: Reading,
    side: Side,
    cut: Tokens,
    wanted: Iterable[str],
    *,
    first: tuple[int, ...] = (0,),
    keep: Iterable[int] = (),
    part: Part | None = None,
    given: Mapping[str, np.ndarray | None] | None = None,
) -> dict[str, np.ndarray]:
    """One run of a side's graph over a whole text, its past empty.

    `part` is a part of that graph, `given` are the hidden states that it begins with.
    """
    card, graph = bundle.card, sides.graph(bundle.card, side)
    source: dict[str, np.ndarray] = {}
    figures.TOKENS_READ.inc(len(cut))
    with bundle.used():
        if sides.crosses(card, side):
            # Before the turn of this run, as it is a run of its own.
            inputs = part.inputs if part else bundle.session(graph).inputs
            source = _source(bundle, reading, [n for n in inputs if n.startswith("source.")])
        change = changes.of(reading.change, card, side)
        if change is not None and changes.names(bundle, side, change):
            if part is not None:
                raise NotOffered("A changed model reads a text as a whole, not block by block.")
            found = _changed(bundle, reading, side, cut, list(wanted), first, keep, source)
            return found | source
        wanted = list(wanted)
        more = [] if part else sources.wanted(bundle, reading, side, cut)
        with bundle.opened(graph, part) as session:
            feeds = _feeds(session, card, reading, side, cut, first, keep) | source
            for name, states in (given or {}).items():
                feeds[name] = np.ascontiguousarray(states, dtype=session.dtype(name))[None]
            if source:
                feeds |= _sources_real(session, source)
            every = [*wanted, *(name for name in more if name not in wanted)]
            found = session.run(feeds, every, large=len(cut) > LARGE)
        if more:
            sources.keep(bundle, reading, cut, found)
        return {name: found[name] for name in wanted} | source


def _feeds(
    session: Session,
    card: Card,
    reading: Reading,
    side: Side,
    cut: Tokens,
    first: tuple[int, ...],
    keep: Iterable[int],
) -> dict[str, np.ndarray]:
    """What a graph is fed for a whole text of one tower."""
    feeds = text_feeds(session, cut.ids[None], segments=cut.segments[None], first=first, keep=keep)
    feeds |= empty_past(session, 1)
    return feeds | head_masks(session, own=sides.kind(card, side), off=reading.off)


def _sources_real(session: Session, source: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    shape = next(iter(source.values())).shape
    mask: Bool[np.ndarray, "one source"] = np.ones((1, shape[2]), dtype=bool)
    return source_masks(session, mask)


def _changed(
    bundle: Bundle,
    reading: Reading,
    side: Side,
    cut: Tokens,
    wanted: list[str],
    first: tuple[int, ...],
    keep: Iterable[int],
    source: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """The same run of a graph in which other positions, or no mask, stand for its own."""
    card, graph = bundle.card, sides.graph(bundle.card, side)
    change = changes.of(reading.change, card, side)
    assert change is not None
    changes.check_length(card, len(cut))
    names = changes.names(bundle, side, change)
    # Of the intact graph, by the part of it that computes them: their shape, and what is shuffled.
    with bundle.opened(graph, bundle.part(graph, [], names)) as session:
        as_made = session.run(_feeds(session, card, reading, side, cut, first, ()), names)
    types = {name: str(value.dtype) for name, value in as_made.items()}
    with altered.session(bundle, graph, types) as session:
        feeds = _feeds(session, card, reading, side, cut, first, keep)
        feeds |= {n: v for n, v in source.items() if n in session.inputs}
        fed = changes.given(change, as_made, changes.offered(bundle, side).masks)
        if source:
            feeds |= _sources_real(session, source)
        found = session.run(feeds | fed, [name for name in wanted if name not in fed])
    return found | {name: fed[name] for name in wanted if name in fed}


def _source(bundle: Bundle, reading: Reading, cross: list[str]) -> dict[str, np.ndarray]:
    """Cross keys and values of every decoder layer, from the encoder's run over the source."""
    cut = tokens(bundle, reading, "encoder")
    if changes.of(reading.change, bundle.card, "encoder") is not None:
        return run(bundle, reading, "encoder", cut, cross)

    def make() -> dict[str, np.ndarray]:
        session = bundle.session("encoder")
        feeds = text_feeds(session, cut.ids[None])
        feeds |= head_masks(session, own="encoder", off=reading.off)
        return bundle.run("encoder", feeds, sources.offered(session.outputs))

    found = sources.of(bundle, reading, cut, make)
    return {name: found[name] for name in cross}


def _check_length(card: Card, count: int) -> None:
    limit = min(card.limit or settings().max_tokens, settings().max_tokens)
    if count <= limit:
        return
    reads = f"{card.title} reads" if limit == card.limit else "ATLAS_MAX_TOKENS allows"
    raise TextTooLong(
        f"The text is {count:,} tokens long; {reads} at most {limit:,}. "
        f"Shorten it by about {count - limit:,} tokens."
    )
