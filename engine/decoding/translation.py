"""Translating: the encoder once, then the decoder step by step, and what the search weighed.

In: a bundle of two towers, a `Reading` without a target, a `Search`, ids to begin with. Out: a
`Translation` with its whole tree. The loop keeps ids, parents and scores only; attention and
everything else of the finished text comes from `tracing`, which reads it once more, with
`Translation.reading()`.

Positions: the decoder reads `start, w0, w1, ..` and at position t it says what `w[t]` is. So row t
of a cross-attention is where the model looked when it chose `written[t]`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.decoding.batch import Decoder, encode
from engine.decoding.beams import Beam, Found, Search
from engine.decoding.scoring import Scored, score
from engine.errors import NotOffered, TextTooLong
from engine.models.bundle import Generation
from engine.models.runtime import Bundle
from engine.settings import settings
from engine.tokenizers import tokens as cutting
from engine.trace import blockwise, running, tracing
from engine.values import Embedded, Frozen, Hidden, Reading, Tokens

LARGEST = 200 * 10**6  # bytes of cross-attention that one trace may hold


@dataclass(frozen=True, eq=False, slots=True)
class Translation(Frozen):
    """A finished search over one source.

    `prompt` is what the decoder was given: the start token, then ids forced by the model's card or
    by a person. `texts` are the hypotheses without special tokens. `seconds` is the time of the
    encoder and of all decoder steps. `language` is the one that was asked for, if any.
    """

    source_reading: Reading
    search: Search
    source: Tokens
    prompt: tuple[int, ...]
    found: Found
    texts: tuple[str, ...]
    seconds: float
    language: str | None = None

    def written(self, place: int = 0) -> tuple[int, ...]:
        """All target ids of the hypothesis at a place (0 is the best), forced ones included."""
        return self.prompt[1:] + self.found.hypotheses[place].ids

    def reading(self, place: int = 0) -> Reading:
        """What the decoder read to write that hypothesis: the key of its trace."""
        target = self.prompt[:1] + self.written(place)[:-1]
        return replace(self.source_reading, target=target)


@dataclass(frozen=True, eq=False, slots=True)
class Trace(Frozen):
    """One hypothesis of a translation, read once more: all that its pictures slice.

    `source` and `target` are the tokens as text, `labels` the text of every id that the search
    weighed or `scored` lists. `keys` and `values` are those that the first decoder layer looks at.
    `unknown` marks source tokens that are not in the vocabulary, `special` target tokens that are
    no text.
    """

    translation: Translation
    place: int
    source: tuple[str, ...]
    target: tuple[str, ...]
    unknown: Bool[np.ndarray, "source"]
    special: Bool[np.ndarray, "target"]
    labels: Mapping[int, str]
    scored: Scored
    cross: Float[np.ndarray, "layer head target source"]
    encoder: Hidden
    decoder: Hidden
    read: Embedded
    begun: Embedded
    keys: Float[np.ndarray, "head source dim"] | None
    values: Float[np.ndarray, "head source dim"] | None


def translate(
    bundle: Bundle,
    reading: Reading,
    search: Search,
    *,
    prefix: Sequence[int] = (),
    language: str | None = None,
) -> Translation:
    """Translate one text; `prefix` are target ids to begin with.

    Raises `EmptyText`, `TextTooLong`, `NotOffered`.
    """
    return translate_all(bundle, (reading,), search, prefix=prefix, language=language)[0]


def translate_all(
    bundle: Bundle,
    readings: Sequence[Reading],
    search: Search,
    *,
    prefix: Sequence[int] = (),
    language: str | None = None,
) -> tuple[Translation, ...]:
    """Translate several texts in one batch, each as if it were alone; short ones are filled up."""
    rules = _rules(bundle, language)
    prompt = prompt_ids(rules, prefix)
    search = _bounded(bundle, search, len(prompt))
    sources = [tracing.tokens(bundle, reading, "encoder") for reading in readings]
    beams = [Beam(prompt, search, rules) for _ in readings]
    with bundle.used():
        # Sessions open at first use: that is not part of the time a translation takes.
        for graph in ("encoder", "model"):
            bundle.session(graph)
    began = time.perf_counter()
    _run(bundle, sources, beams, prompt, off=readings[0].off)
    seconds = time.perf_counter() - began
    return tuple(
        replace(
            _translation(bundle, reading, search, source, prompt, beam.found(), seconds),
            language=language,
        )
        for reading, source, beam in zip(readings, sources, beams, strict=True)
    )


def prompt_ids(rules: Generation, prefix: Sequence[int]) -> tuple[int, ...]:
    """What the decoder is given first: the start token, then what is forced.

    Without a prefix a forced first id (a language code, say) is left to the search, which weighs it
    like any step; with one it has to come before it.
    """
    if rules.start is None:
        raise NotOffered("This model's card names no start token, so it cannot generate text.")
    needed = bool(prefix) and rules.forced_first not in (None, prefix[0])
    forced = (rules.forced_first,) if needed and rules.forced_first is not None else ()
    return (rules.start, *forced, *(int(i) for i in prefix))


def prefix_ids(bundle: Bundle, text: str) -> tuple[int, ...]:
    """Ids of a typed beginning or reference without special tokens; unknown words stay in it."""
    if not text.strip():
        return ()
    found = cutting.tokenize(bundle, text, side="decoder")
    running.check_ids(bundle.card, found)
    ids = zip(found.ids, found.special, strict=True)
    return tuple(int(i) for i, special in ids if not special)


def scored(bundle: Bundle, reading: Reading, ids: Sequence[int]) -> Scored:
    """How likely the model finds `ids` after each position of `reading.target`, in one run."""
    if reading.target is None or len(ids) != len(reading.target):
        raise ValueError(f"{len(ids)} ids for {len(reading.target or ())} positions")
    found = tracing.logits(bundle, reading, tuple(range(len(ids))))
    return score(found.logits, np.asarray(ids))


def traced(bundle: Bundle, translation: Translation, place: int = 0) -> Trace:
    """Read one hypothesis teacher-forced and fetch every part that is drawn of it."""
    reading, written = translation.reading(place), translation.written(place)
    source, likely = translation.source, scored(bundle, reading, written)
    _check_size(bundle, len(written), len(source))
    looked = tracing.layer(bundle, reading, "decoder", 0).cross
    cross = blockwise.overview(bundle, reading, "cross", cells=max(len(written), len(source)))
    return Trace(
        translation=translation,
        place=place,
        source=tuple(
            data.decode("utf-8", "replace") or piece
            for piece, data in zip(source.pieces, source.data, strict=True)
        ),
        target=tuple(cutting.piece_texts(bundle, written)),
        unknown=source.unknown.copy(),
        special=cutting.from_ids(bundle, written).special,
        labels=_labels(bundle, translation, likely),
        scored=likely,
        cross=cross.weights,
        encoder=tracing.hidden(bundle, reading, "encoder"),
        decoder=tracing.hidden(bundle, reading, "decoder"),
        read=tracing.embedded(bundle, reading, "encoder"),
        begun=tracing.embedded(bundle, reading, "decoder"),
        keys=None if looked is None else looked.key,
        values=None if looked is None else looked.value,
    )


def reference_reading(translation: Translation, ids: Sequence[int]) -> Reading:
    """The reading whose trace tells how the model would have come to write `ids`."""
    target = (translation.prompt[0], *ids)[:-1]
    return replace(translation.source_reading, target=target)


def _run(
    bundle: Bundle,
    sources: Sequence[Tokens],
    beams: Sequence[Beam],
    prompt: tuple[int, ...],
    off: tuple,
) -> None:
    """Feed the searches until all are done; those that are drop out of the batch."""
    ids, mask = _batch(bundle, sources)
    with Decoder(bundle, source=encode(bundle, ids, mask=mask, off=off), off=off) as decoder:
        logits = decoder.prefill(np.tile(np.array(prompt), (len(beams), 1)))
        running, starts = list(beams), list(range(len(beams)))
        while running:
            for beam, start in zip(running, starts, strict=True):
                beam.advance(logits[start : start + len(beam.rows)])
            places = zip(running, starts, strict=True)
            rows = [beam.rows + start for beam, start in places if not beam.done]
            running = [beam for beam in running if not beam.done]
            if running:
                starts = list(np.cumsum([0, *map(len, rows)])[:-1])
                added = np.concatenate([beam.ids for beam in running])
                logits = decoder.step(added, rows=np.concatenate(rows))


def _batch(bundle: Bundle, sources: Sequence[Tokens]) -> tuple[np.ndarray, np.ndarray]:
    """Ids of all sources in one array, filled up at the right, and which of them are real."""
    longest = max(map(len, sources))
    ids = np.full((len(sources), longest), bundle.card.generation.pad or 0, dtype=np.int64)
    mask = np.zeros(ids.shape, dtype=bool)
    for row, source in enumerate(sources):
        ids[row, : len(source)] = source.ids
        mask[row, : len(source)] = True
    return ids, mask


def _rules(bundle: Bundle, language: str | None) -> Generation:
    card = bundle.card
    if card.family != "encoder-decoder":
        raise NotOffered(f"{card.title} has one tower; translation needs an encoder and a decoder.")
    if language is None:
        return card.generation
    return replace(card.generation, forced_first=running.language_code(card, language))


def _bounded(bundle: Bundle, search: Search, prompt: int) -> Search:
    """The search with a limit that the model's positions allow; the last token is never read."""
    limit = min(bundle.card.limit or settings().max_tokens, settings().max_tokens)
    if prompt > limit:
        raise TextTooLong(
            f"The beginning is {prompt:,} tokens long; {bundle.card.title} has {limit:,} "
            "positions. Shorten it."
        )
    return replace(search, limit=min(search.limit, limit - prompt + 1))


def _check_size(bundle: Bundle, n_target: int, n_source: int) -> None:
    stack = bundle.card.tower
    size = 4 * stack.layers * stack.heads * n_target * n_source
    if size > LARGEST:
        raise TextTooLong(
            f"{n_source:,} source and {n_target:,} target tokens have {size / 1e6:,.0f} MB of "
            f"attention; at most {LARGEST / 1e6:,.0f} MB are drawn. Shorten the text."
        )


def _labels(bundle: Bundle, translation: Translation, likely: Scored) -> dict[int, str]:
    """Texts of all ids that pictures name; where tokens are forced the search weighed nothing."""
    tree = translation.found.tree
    parts = (tree.token, tree.option_ids, likely.ids, likely.best_ids)
    ids = np.unique(np.concatenate([part.ravel() for part in parts])).tolist()
    return dict(zip(ids, cutting.piece_texts(bundle, ids), strict=True))


def _translation(
    bundle: Bundle,
    reading: Reading,
    search: Search,
    source: Tokens,
    prompt: tuple[int, ...],
    found: Found,
    seconds: float,
) -> Translation:
    texts = [cutting.detokenize(bundle, (*prompt[1:], *h.ids)) for h in found.hypotheses]
    return Translation(reading, search, source, prompt, found, tuple(texts), seconds)
