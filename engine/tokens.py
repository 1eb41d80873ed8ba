"""Text to tokens and back, read from `tokenizer.json` with the `tokenizers` library alone.

In: a bundle and a text or ids. Out: `Tokens`, with each token's span of characters and the bytes
it stands for. It knows nothing of limits (`tracing` checks them) nor of how a token is shown.

Four ways of writing pieces are understood:

    bytes       GPT-2's: every byte is a letter, `Ġ` is the space
    spaces      SentencePiece's: `▁` is the space, `<0xE2>` a byte that no piece covers
    wordpiece   BERT's: `##ing` continues a word
    suffix      OpenAI-GPT's: `cat</w>` ends a word
"""

from __future__ import annotations

import codecs
import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Int
from tokenizers import Tokenizer

from engine.errors import BrokenBundle, NotOffered
from engine.values import Side, Tokens

if TYPE_CHECKING:
    from engine.runtime import Bundle

Writing = Literal["bytes", "spaces", "wordpiece", "suffix", "plain"]
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Reader:
    """A tokenizer and what its file says of it; never changed once loaded, so threads share it."""

    def __init__(self, path: Path) -> None:
        """Load `path`; truncation, padding and random merges are off, spans keep their spaces."""
        try:
            plan = json.loads(path.read_text(encoding="utf-8"))
            self.writing, self.mark = _writing(plan)
            self.tokenizer: Tokenizer = Tokenizer.from_str(json.dumps(_settled(plan)))
        except Exception as error:
            # `tokenizers` raises bare Exception for whatever it cannot read.
            raise BrokenBundle(
                f"{path.name} of {path.parent.name} cannot be read ({str(error)[:120]}). "
                "Export the model again."
            ) from None
        model = plan["model"]
        self.fallback = bool(model.get("byte_fallback"))
        added = plan.get("added_tokens") or ()
        self.added: dict[int, str] = {token["id"]: token["content"] for token in added}
        self.special = frozenset(token["id"] for token in added if token["special"])
        self.unknown = _unknown(model, self.tokenizer)
        self._deaf: Tokenizer | None = None

    def deaf(self) -> Tokenizer:
        """The tokenizer that takes names of special tokens in a text for plain text."""
        # A setting of the object, so it needs one of its own: threads share the other.
        if self._deaf is None:
            copy: Tokenizer = Tokenizer.from_str(self.tokenizer.to_str())
            copy.encode_special_tokens = True
            self._deaf = copy
        return self._deaf

    def piece(self, token_id: int) -> str:
        """The token as stored in the vocabulary; an id beyond it is shown as `<id>`."""
        return self.tokenizer.id_to_token(token_id) or f"<{token_id}>"

    def data(self, token_id: int) -> bytes:
        """The UTF-8 bytes that a token stands for; none for a special or an unknown one."""
        if token_id in self.special or token_id == self.unknown:
            return b""
        piece = self.tokenizer.id_to_token(token_id) or ""
        if token_id in self.added:
            return self.added[token_id].encode()
        if self.writing == "bytes":
            return bytes(BYTES[letter] for letter in piece if letter in BYTES)
        if self.fallback and len(piece) == 6 and piece.startswith("<0x"):
            return bytes([int(piece[3:5], 16)])
        if self.writing == "spaces":
            return piece.replace(self.mark, " ").encode()
        if self.writing == "wordpiece":
            return piece.removeprefix(self.mark).encode()
        if self.writing == "suffix" and piece.endswith(self.mark):
            return f"{piece.removesuffix(self.mark)} ".encode()
        return piece.encode()


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
    stands in the text (`<|endoftext|>`) is text like any other.
    """
    text = clean(text)
    pair = None if second is None else clean(second)
    tokenizer = reader.tokenizer if names else reader.deaf()
    found = tokenizer.encode(text, pair, add_special_tokens=ends)
    spans = np.array(found.offsets, dtype=np.int64).reshape(-1, 2)
    segments = np.array(found.type_ids, dtype=np.int64)
    whole = text
    if pair is not None:
        # One text for the eye, one space between: the second's spans move behind it.
        whole = f"{text} {pair}"
        spans[np.array(found.sequence_ids) == 1] += len(text) + 1
    data = tuple(_data(reader, i, whole[a:b]) for i, (a, b) in zip(found.ids, spans, strict=True))
    return Tokens(
        text=whole,
        ids=np.array(found.ids, dtype=np.int64),
        pieces=tuple(reader.piece(i) for i in found.ids),
        spans=_fitted(whole, spans, data),
        special=np.array([i in reader.special for i in found.ids], dtype=bool),
        segments=segments,
        data=data,
    )


def from_ids(bundle: Bundle, ids: Sequence[int], *, side: Side = "decoder") -> Tokens:
    """Tokens of ids that a model wrote; the text is put together from what each id stands for."""
    reader = bundle.reader(side)
    data = [reader.data(i) for i in ids]
    text, spans = _joined(reader, ids, data)
    return Tokens(
        text=text,
        ids=np.array(ids, dtype=np.int64),
        pieces=tuple(reader.piece(i) for i in ids),
        spans=spans,
        special=np.array([i in reader.special for i in ids], dtype=bool),
        segments=np.zeros(len(ids), dtype=np.int64),
        data=tuple(data),
    )


def detokenize(bundle: Bundle, ids: Sequence[int], *, side: Side = "decoder") -> str:
    """The text that ids stand for, special tokens left out, as the tokenizer itself writes it."""
    return bundle.reader(side).tokenizer.decode(list(ids), skip_special_tokens=True)


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
    # SentencePiece puts a space before the first word that the text does not have.
    if reader.writing == "spaces" and data.startswith(b" ") and not covered[:1].isspace():
        return data[1:]
    return data


def _fitted(
    text: str, spans: Int[np.ndarray, "token 2"], data: tuple[bytes, ...]
) -> Int[np.ndarray, "token 2"]:
    """Spans without gaps inside a letter, and empty where a token stands for nothing.

    Normalisation joins `e` and its accent but counts the `e` alone; SentencePiece puts a space
    before the first word that the text does not have.
    """
    starts = {int(start) for start, end in spans if end > start}
    for index, (start, end) in enumerate(spans):
        if not data[index]:
            spans[index, 1] = start
            continue
        while end < len(text) and end not in starts and unicodedata.category(text[end])[0] == "M":
            end += 1
        spans[index, 1] = end
    return spans


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


def _settled(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan with nothing cut off, nothing added to fill, nothing random, no span trimmed."""
    plan = {**plan, "truncation": None, "padding": None}
    if "dropout" in plan["model"]:
        plan["model"] = {**plan["model"], "dropout": None}
    for part in ("pre_tokenizer", "post_processor", "decoder"):
        for component in _components(plan.get(part)):
            if "trim_offsets" in component:
                component["trim_offsets"] = False
    return plan


def _components(part: Any) -> list[dict[str, Any]]:
    """A processing step and the steps inside it."""
    if not isinstance(part, dict):
        return []
    inner = [v for value in part.values() if isinstance(value, list) for v in value]
    return [part, *(c for step in inner for c in _components(step) if "type" in step)]


def _writing(plan: dict[str, Any]) -> tuple[Writing, str]:
    """How this tokenizer writes pieces, and the mark it uses."""
    model = plan["model"]
    parts = [
        c
        for name in ("normalizer", "pre_tokenizer", "decoder")
        for c in _components(plan.get(name))
    ]
    types = {part["type"] for part in parts if "type" in part}
    if "ByteLevel" in types:
        return "bytes", "Ġ"
    if "Metaspace" in types or any("▁" in json.dumps(p, ensure_ascii=False) for p in parts):
        return "spaces", "▁"
    if model.get("type") == "WordPiece":
        return "wordpiece", model.get("continuing_subword_prefix") or "##"
    if model.get("end_of_word_suffix"):
        return "suffix", model["end_of_word_suffix"]
    return "plain", ""


def _unknown(model: dict[str, Any], tokenizer: Tokenizer) -> int | None:
    if model.get("unk_id") is not None:
        return model["unk_id"]
    token = model.get("unk_token")
    return tokenizer.token_to_id(token) if token else None


def _byte_letters() -> dict[str, int]:
    """GPT-2's alphabet, letter -> byte: printable ones are themselves, others from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable}
    return letters | {chr(256 + place): byte for place, byte in enumerate(others)}


BYTES = _byte_letters()
