"""Which characters of a text its tokens hold, and who left out the others.

In: a `Reader`, a text, and the spans that the `tokenizers` library gave. Out: spans that hold all
that went into a token, and for each character by whom it was left out (see `LEFT_OUT`).

The library counts what Unicode composes at its first character only: the syllable made of three
Korean letters, a half-width letter and its mark, `e` and its accent. What was deleted it does not
say at all. Both are found here by asking the normalizer: a character that changes what stands
before it went into it, and one whose absence changes nothing was deleted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Int, UInt8
from tokenizers import PreTokenizedString

from engine.tokenizers.reader import Reader
from engine.values import LEFT_OUT

NORMALIZER, SPLIT, VOCABULARY = range(1, len(LEFT_OUT))
BEFORE = 8
"""Characters before a mark that it may have been composed with."""


def fitted(
    reader: Reader, text: str, spans: Int[np.ndarray, "token 2"], data: Sequence[bytes]
) -> Int[np.ndarray, "token 2"]:
    """Spans without gaps inside a character, empty where a token stands for nothing.

    A token stands for nothing where SentencePiece puts a space before the first word.
    """
    starts = {int(start) for start, end in spans if end > start}
    ends: dict[tuple[int, int], int] = {}
    for index, (start, end) in enumerate(spans.tolist()):
        if not data[index]:
            spans[index, 1] = start
            continue
        if end in starts or end == len(text):
            continue  # the next token begins here, as nearly always
        if (start, end) not in ends:
            ends[start, end] = _reach(reader, text, start, end, starts)
        spans[index, 1] = ends[start, end]
    return spans


def _reach(reader: Reader, text: str, start: int, end: int, starts: set[int]) -> int:
    """The end of a token with the characters behind it that went into it."""
    reached, at = end, end
    while 0 < at < len(text) and at not in starts and not text[at].isspace():
        before, here = text[max(start, at - BEFORE) : at], text[at]
        if unicodedata.category(here)[0] == "M" or reader.joins(before, here):
            reached = at + 1
        elif not reader.deletes(here):
            break
        at += 1
    return reached


def left_out(
    reader: Reader, text: str, ids: Sequence[int], spans: Int[np.ndarray, "token 2"]
) -> UInt8[np.ndarray, "character"]:
    """For each character by whom it was left out, 0 for those that a token holds."""
    found = np.zeros(len(text), dtype=np.uint8)
    deleted = {character for character in set(text) if reader.deletes(character)}
    if deleted:
        found[[character in deleted for character in text]] = NORMALIZER
        # Names of added tokens are looked for before anything is deleted.
        for token_id, (start, end) in zip(ids, spans.tolist(), strict=True):
            if token_id in reader.added and text[start:end].strip() == reader.added[token_id]:
                found[start:end] = 0
    missing = ~_covered(len(text), spans) & (found == 0)
    words: Bool[np.ndarray, "character"] | None = None
    for start, end in _runs(missing):
        run = text[start:end]
        if _collapsed(reader, text, start, end):
            found[start:end] = NORMALIZER
        elif run.isspace():
            found[start:end] = SPLIT
        else:
            words = _in_words(reader, text) if words is None else words
            found[start:end] = np.where(words[start:end], VOCABULARY, SPLIT)
    return found


def _covered(size: int, spans: Int[np.ndarray, "token 2"]) -> Bool[np.ndarray, "character"]:
    """Whether each character lies in a span."""
    steps = np.zeros(size + 1, dtype=np.int64)
    np.add.at(steps, spans[:, 0], 1)
    np.add.at(steps, spans[:, 1], -1)
    return np.cumsum(steps[:-1]) > 0


def _runs(marked: Bool[np.ndarray, "character"]) -> Iterator[tuple[int, int]]:
    """Stretches of marked characters, start and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _collapsed(reader: Reader, text: str, start: int, end: int) -> bool:
    """Whether the normalizer took a stretch away because of where it stands.

    Spaces at the ends of a text, and all but one of several in a row. Letters stand for what is
    around them, so that there are few questions to ask.
    """
    run = text[start:end]
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    return reader.drops(
        before if before.isspace() else "a" * bool(before),
        run if run.isspace() else run[:64],
        after if after.isspace() else "a" * bool(after),
    )


def _in_words(reader: Reader, text: str) -> Bool[np.ndarray, "character"]:
    """Whether each character is in a word that the algorithm was given."""
    whole = PreTokenizedString(text)
    if reader.tokenizer.normalizer is not None:
        whole.normalize(reader.tokenizer.normalizer.normalize)
    if reader.tokenizer.pre_tokenizer is not None:
        reader.tokenizer.pre_tokenizer.pre_tokenize(whole)
    spans = [span for _, span, _ in whole.get_splits("original", "char")]
    return _covered(len(text), np.array(spans, dtype=np.int64).reshape(-1, 2))
