"""A whole vocabulary: what each id writes, what kind of piece it is, and search in it.

In: a bundle's `Reader`. Out: a `Vocabulary`, one entry an id, those included that a model has
vectors for but its tokenizer never gives. Knows nothing of vectors or pictures.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt8

from engine.tokenizers.reader import Reader
from engine.values import Frozen

KINDS = ("begins a word", "inside a word", "number", "punctuation", "special", "bytes")
BEGINS, INSIDE, NUMBER, PUNCTUATION, SPECIAL, BYTES = range(len(KINDS))
Order = Literal["id", "length", "score"]


@dataclass(frozen=True, eq=False, slots=True)
class Vocabulary(Frozen):
    """Every token of a vocabulary, by id.

    `texts` is what it writes (a cut character shows as bytes, `<E2 82>`), `stored` how the file
    has it, `sizes` its length in characters, `scores` its log-probability (Unigram), minus the
    rank of the merge that makes it (BPE), NaN where there is none. `kinds` are places in `KINDS`.
    """

    texts: tuple[str, ...]
    stored: tuple[str, ...]
    kinds: UInt8[np.ndarray, "vocabulary"]
    sizes: Int[np.ndarray, "vocabulary"]
    scores: Float[np.ndarray, "vocabulary"]

    def __len__(self) -> int:
        """Number of ids."""
        return len(self.texts)


def vocabulary(reader: Reader, size: int) -> Vocabulary:
    """Read the first `size` ids."""
    stored = tuple(reader.piece(i) for i in range(size))
    data = [_data(reader, i) for i in range(size)]
    texts = tuple(_text(piece, part) for piece, part in zip(stored, data, strict=True))
    return Vocabulary(
        texts=texts,
        stored=stored,
        kinds=np.array([_kind(reader, i, texts[i], data[i]) for i in range(size)], dtype=np.uint8),
        sizes=np.array([len(text) for text in texts], dtype=np.int32),
        scores=_scores(reader, size),
    )


def find(
    whole: Vocabulary, query: str, *, order: Order = "id", falling: bool = False
) -> Int[np.ndarray, "found"]:
    """Ids that fit a query: a number (that id), bytes (`E2 82`), or part of a text, any case.

    An empty query fits all. Sorted by id, length or score; equal ones by id.
    """
    ids = np.array(_fitting(whole, query), dtype=np.int64)
    if order == "id":
        return ids[::-1] if falling else ids
    keys = (whole.sizes if order == "length" else whole.scores)[ids].astype(np.float64)
    keys = np.where(np.isnan(keys), -np.inf, keys)
    return ids[np.lexsort((ids, -keys if falling else keys))]


def _fitting(whole: Vocabulary, query: str) -> list[int]:
    if not query:
        return list(range(len(whole)))
    plain = query.strip()
    if plain.isascii() and plain.isdigit() and int(plain) < len(whole):
        number = int(plain)
        rest = [i for i, text in enumerate(whole.texts) if plain in text and i != number]
        return [number, *rest]
    raw = _as_bytes(plain)
    low = query.casefold()
    return [
        i
        for i, text in enumerate(whole.texts)
        if low in text.casefold()
        or low in whole.stored[i].casefold()
        or (raw and raw in written(text))
    ]


def _as_bytes(query: str) -> bytes:
    """`E2 82` or `0xE2` as bytes; nothing when the query is none."""
    parts = query.lower().replace("0x", " ").split()
    if not parts or any(len(p) != 2 or not set(p) <= set("0123456789abcdef") for p in parts):
        return b""
    return bytes(int(part, 16) for part in parts)


def written(text: str) -> bytes:
    """The bytes behind a text of a `Vocabulary`: `written("<E2 82>")` is those two."""
    if text.startswith("<") and text.endswith(">"):
        raw = _as_bytes(text[1:-1])
        if raw:
            return raw
    return text.encode()


def _data(reader: Reader, token_id: int) -> bytes:
    """The bytes of a token; the end of a word is no space."""
    data = reader.data(token_id)
    ends = reader.suffix and reader.piece(token_id).endswith(reader.suffix)
    return data.removesuffix(b" ") if ends else data


def _text(piece: str, data: bytes) -> str:
    if not data:
        return piece
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return f"<{data.hex(' ').upper()}>"


def _kind(reader: Reader, token_id: int, text: str, data: bytes) -> int:
    plain = text.strip()
    if token_id in reader.special or not data:
        return SPECIAL
    if text.startswith("<") and _as_bytes(text[1:-1]) == data:
        return BYTES
    if plain and all(unicodedata.category(c)[0] == "N" for c in plain):
        return NUMBER
    if not any(unicodedata.category(c)[0] in "LMN" for c in plain):
        return PUNCTUATION
    if reader.writing == "wordpiece":
        return INSIDE if reader.piece(token_id).startswith(reader.mark) else BEGINS
    return BEGINS if text[:1].isspace() else INSIDE


def _scores(reader: Reader, size: int) -> np.ndarray:
    """Unigram's scores, or minus the rank of the merge that makes a token of BPE."""
    scores = np.full(size, np.nan, dtype=np.float32)
    model = json.loads(reader.tokenizer.to_str())["model"]
    if model["type"] == "Unigram":
        values = [score for _, score in model["vocab"]][:size]
        scores[: len(values)] = values
    elif model["type"] == "BPE":
        prefix = len(model.get("continuing_subword_prefix") or "")
        for rank, pair in enumerate(model["merges"]):
            left, right = pair.split(" ", 1) if isinstance(pair, str) else pair
            place = model["vocab"].get(left + right[prefix:], size)
            if place < size and np.isnan(scores[place]):
                scores[place] = -rank
    return scores


def exact(whole: Vocabulary, text: str) -> int | None:
    """The id of a word as a person types it: the piece that begins a word first, else any.

    A number that is no piece is taken as an id.
    """
    plain = text.strip()
    if not plain:
        return None
    begins = [i for i, one in enumerate(whole.texts) if one.strip() == plain]
    order = sorted(begins, key=lambda i: (whole.kinds[i] != BEGINS, i))
    if order:
        return order[0]
    if plain.isascii() and plain.isdigit() and len(plain) < 9 and int(plain) < len(whole):
        return int(plain)
    return None
