"""Text to tokens and back, with each token's span of characters and the bytes it stands for.

In: a bundle or a `Reader`, and a text or ids. Out: `Tokens`. It knows nothing of limits (`tracing`
checks them) nor of how a token is shown.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int

from engine import policy
from engine.errors import NotOffered
from engine.tokenizers import coverage, encoded, reader_pool
from engine.tokenizers.reader import Reader
from engine.values import Side, Tokens

if TYPE_CHECKING:
    from engine.models.runtime import Bundle

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """The text that is read: half characters (lone surrogates), which have no bytes, replaced.

    `clean("a\\ud800b")` is `"a\\ufffdb"`; spans stay valid, as one character replaces one.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def tokenize(
    bundle: Bundle, text: str, *, second: str | None = None, side: Side = "encoder"
) -> Tokens:
    """Cut a text (or a pair of texts) into tokens, with those that the tokenizer adds."""
    if second is not None and not bundle.card.pairs:
        raise NotOffered(f"{bundle.card.title} reads one text at a time, not a pair.")
    return read(bundle.reader(side), text, second=second)


def read(
    reader: Reader, text: str, *, second: str | None = None, ends: bool = True, names: bool = True
) -> Tokens:
    """Cut a text by a tokenizer alone.

    Without `ends` the tokenizer adds nothing. Without `names` the name of a special token that
    stands in the text (`<|endoftext|>`) is text like any other. Raises `TextTooLong`.
    """
    policy.check_text(text, second or "")
    text = clean(text)
    pair = None if second is None else clean(second)
    if not reader.here:
        # Spans ask the normalizer, so all of it is done where the tokenizer runs.
        asked = {"read": text, "second": pair, "ends": ends, "names": names}
        return encoded.unpacked(reader_pool.ask(reader.path, asked), reader.piece)
    found = reader.encode(text, pair, ends=ends, names=names)
    spans, segments = found.offsets, found.type_ids
    whole = text
    if pair is not None:
        # One text for the eye, one space between: the second's spans move behind it.
        whole = f"{text} {pair}"
        spans[found.sequence_ids == 1] += len(text) + 1
    covered = [whole[a:b] for a, b in spans.tolist()]
    special, unknown = kinds(reader, found.ids, covered)
    data = [_data(reader, i, text) for i, text in zip(found.ids, covered, strict=True)]
    spans = coverage.fitted(reader, whole, spans, data)
    for index in np.flatnonzero(special | unknown):
        # What the vocabulary does not write, or a mark that was typed, stands for what it covers.
        data[index] = whole[slice(*spans[index])].encode()
    return Tokens(
        text=whole,
        ids=np.array(found.ids, dtype=np.int64),
        pieces=tuple(reader.piece(i) for i in found.ids),
        spans=spans,
        special=special,
        unknown=unknown,
        segments=segments,
        data=tuple(data),
        left_out=coverage.left_out(reader, whole, found.ids, spans),
    )


def kinds(
    reader: Reader, ids: Sequence[int], covered: Sequence[str | None]
) -> tuple[Bool[np.ndarray, "token"], Bool[np.ndarray, "token"]]:
    """Which tokens are special and which unknown; `covered` is the text that each stands for.

    None where there is no text, as of ids that a model wrote. The unknown token of some
    tokenizers is their end mark as well: it is the mark where it was put at an end, where its own
    name stands in the text, and where nothing is known of the text.
    """
    unknown = np.array([i == reader.unknown for i in ids], dtype=bool)
    if reader.unknown in reader.ends:
        name = reader.piece(reader.unknown)
        unknown &= np.array([bool(text) and text.strip() != name for text in covered], dtype=bool)
    else:
        unknown &= np.array([text is None or bool(text) for text in covered], dtype=bool)
    special = np.array([i in reader.special for i in ids], dtype=bool) & ~unknown
    return special, unknown


def from_ids(bundle: Bundle, ids: Sequence[int], *, side: Side = "decoder") -> Tokens:
    """Tokens of ids that a model wrote; the text is put together from what each id stands for."""
    reader = bundle.reader(side)
    data = [reader.data(i) for i in ids]
    text, spans = _joined(reader, ids, data)
    special, unknown = kinds(reader, ids, [None] * len(ids))
    return Tokens(
        text=text,
        ids=np.array(ids, dtype=np.int64),
        pieces=tuple(reader.piece(i) for i in ids),
        spans=spans,
        special=special,
        unknown=unknown,
        segments=np.zeros(len(ids), dtype=np.int64),
        data=tuple(data),
        left_out=np.zeros(len(text), dtype=np.uint8),
    )


def detokenize(bundle: Bundle, ids: Sequence[int], *, side: Side = "decoder") -> str:
    """The text that ids stand for, special tokens left out, as the tokenizer itself writes it.

    An unknown word keeps its name (`<unk>`): it is part of the text, and nothing vanishes unsaid.
    """
    reader = bundle.reader(side)
    special, _ = kinds(reader, ids, [None] * len(ids))
    own = [int(i) for i, mark in zip(ids, special, strict=True) if not mark]
    return reader.tokenizer.decode(own, skip_special_tokens=False)


def piece_texts(bundle: Bundle, ids: Sequence[int], *, side: Side = "decoder") -> list[str]:
    """What each id alone looks like as text: `" cat"`; a cut character shows as `\\ufffd`.

    Special and unknown tokens keep their name, `<|endoftext|>`.
    """
    reader = bundle.reader(side)
    return [reader.data(i).decode("utf-8", "replace") or reader.piece(i) for i in ids]


def _data(reader: Reader, token_id: int, covered: str) -> bytes:
    """Bytes of a token of a text: an unknown or typed special one stands for what it covers."""
    if token_id in reader.special or token_id == reader.unknown:
        return covered.encode()
    data = reader.data(token_id)
    # The end of a word is no space: that one stands in the text, or does not.
    if reader.suffix and reader.piece(token_id).endswith(reader.suffix):
        return data[:-1]
    # SentencePiece puts a space before the first word that the text does not have.
    if reader.writing == "spaces" and data.startswith(b" "):
        return data if reader.opens_with_space(covered) else data[1:]
    return data


def _joined(
    reader: Reader, ids: Sequence[int], data: list[bytes]
) -> tuple[str, Int[np.ndarray, "token 2"]]:
    """Text of joined data, and each token's characters in it, (0, 0) for those without data."""
    spans = np.zeros((len(ids), 2), dtype=np.int64)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = ""
    for index, (token_id, part) in enumerate(zip(ids, data, strict=True)):
        if reader.writing == "spaces" and not text and part.startswith(b" "):
            part = data[index] = part[1:]
        if reader.writing == "wordpiece" and text and part and _starts_word(reader, token_id):
            text += " "
        places = []
        for byte in part:
            text += decoder.decode(bytes([byte]))
            # Inside a character nothing comes out yet: it will be the next one.
            places.append(len(text) if decoder.getstate()[0] else len(text) - 1)
        if places:
            spans[index] = places[0], places[-1] + 1
    return text + decoder.decode(b"", final=True), spans


def _starts_word(reader: Reader, token_id: int) -> bool:
    return not reader.piece(token_id).startswith(reader.mark)
