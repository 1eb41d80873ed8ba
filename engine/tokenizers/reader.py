"""One tokenizer, read from `tokenizer.json` with the `tokenizers` library alone.

In: a file. Out: a `Reader`: what is special, what is unknown, and the bytes each id stands for. It
knows nothing of models. Texts are encoded here by the tokenizers that ship with the app; all others
(an exported bundle's is a stranger's file too) encode theirs in a process, see `reader_pool`. What
is asked of an id or of a few characters is answered here for all. Four ways of writing pieces are
understood:

    bytes       GPT-2's: every byte is a letter, `Ġ` is the space
    spaces      SentencePiece's: `▁` is the space, `<0xE2>` a byte that no piece covers
    wordpiece   BERT's: `##ing` continues a word
    suffix      OpenAI-GPT's: `cat</w>` ends a word
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from tokenizers import Tokenizer

from engine.errors import BrokenBundle
from engine.tokenizers import encoded
from engine.tokenizers.encoded import Encoded

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SHIPPED = (ASSETS / "models", ASSETS / "moments")
Writing = Literal["bytes", "spaces", "wordpiece", "suffix", "plain"]
REMEMBERED = 20_000  # ids whose piece and bytes are kept, about 4 MB: all texts share them


def came_along(folder: Path) -> bool:
    """Whether a bundle came with the app, and so is no stranger's."""
    found = folder.resolve()
    return any(found.is_relative_to(one) for one in SHIPPED)


class Reader:
    """A tokenizer and what its file says of it; never changed once loaded, so threads share it."""

    def __init__(self, path: Path, *, here: bool = True) -> None:
        """Load `path`; truncation, padding and random merges are off, spans keep their spaces.

        `here` tells whether texts are read in this process, as those of `came_along` files are.
        """
        self.path, self.here = path, here
        try:
            plan = json.loads(path.read_text(encoding="utf-8"))
            writing, self.mark = _writing(plan)
            self.writing: Writing = writing
            rules = _settled(plan) if self.here else _names_alone(plan)
            self.tokenizer: Tokenizer = Tokenizer.from_str(json.dumps(rules))
        except Exception as error:
            # `tokenizers` raises bare Exception for whatever it cannot read.
            raise BrokenBundle(
                f"{path.name} of {path.parent.name} cannot be read ({str(error)[:120]}). "
                "Export the model again."
            ) from None
        model = plan["model"]
        self.fallback = bool(model.get("byte_fallback"))
        # Asked of the library: it gives another id where the file's leaves a gap.
        added = self.tokenizer.get_added_tokens_decoder()
        self.added: dict[int, str] = {i: token.content for i, token in added.items()}
        self.special = frozenset(i for i, token in added.items() if token.special)
        self.unknown = _unknown(model, self.tokenizer)
        self.suffix: str = model.get("end_of_word_suffix") or ""
        # The marks that are put before and behind a text. Read, not tried out: a file from outside
        # may make much of nothing.
        self.opening, self.closing = _marks(plan.get("post_processor"))
        self.ends = frozenset((*self.opening, *self.closing))
        self._deaf: Tokenizer | None = None
        self.normalise, self.drops, self.joins = _normalizing(self.tokenizer.normalizer)
        self._pieces: dict[int, str] = {}
        self._data: dict[int, bytes] = {}

    def encode(self, text: str, pair: str | None, *, ends: bool, names: bool) -> Encoded:
        """Encode a text or a pair here; `ends` and `names` as for `tokens.read`."""
        return encoded.encode(self.tokenizer if names else self.deaf(), text, pair, ends=ends)

    def deaf(self) -> Tokenizer:
        """The tokenizer that takes names of special tokens in a text for plain text."""
        # A setting of the object, so it needs one of its own: threads share the other.
        if self._deaf is None:
            copy: Tokenizer = Tokenizer.from_str(self.tokenizer.to_str())
            copy.encode_special_tokens = True
            self._deaf = copy
        return self._deaf

    def deletes(self, character: str) -> bool:
        """Whether the normalizer deletes a character wherever it stands."""
        return self.drops("a", character, "a") and self.drops("1", character, "1")

    def opens_with_space(self, text: str) -> bool:
        """Whether the algorithm sees a space first: one that was typed, or what becomes one."""
        inside = self.normalise(f"1{text[:1]}1")
        return bool(text) and len(inside) > 2 and inside[-2] in (" ", self.mark)

    def piece(self, token_id: int) -> str:
        """The token as stored in the vocabulary; an id beyond it is shown as `<id>`."""
        found = self._pieces.get(token_id)
        if found is None:
            found = self.tokenizer.id_to_token(token_id) or f"<{token_id}>"
            if len(self._pieces) < REMEMBERED:
                self._pieces[token_id] = found
        return found

    def data(self, token_id: int) -> bytes:
        """The UTF-8 bytes that a token stands for; none for a special or an unknown one."""
        found = self._data.get(token_id)
        if found is None:
            found = self._bytes(token_id)
            if len(self._data) < REMEMBERED:
                self._data[token_id] = found
        return found

    def _bytes(self, token_id: int) -> bytes:
        if token_id in self.special or token_id == self.unknown:
            return b""
        piece = self.tokenizer.id_to_token(token_id) or ""
        if token_id in self.added:
            return self.added[token_id].encode()
        if self.writing == "bytes":
            own = piece.removesuffix(self.suffix) if self.suffix else piece
            data = bytes(BYTES[letter] for letter in own if letter in BYTES)
            return data + b" " if own != piece else data
        if self.fallback and len(piece) == 6 and piece.startswith("<0x"):
            return bytes([int(piece[3:5], 16)])
        if self.writing == "spaces":
            return piece.replace(self.mark, " ").encode()
        if self.writing == "wordpiece":
            return piece.removeprefix(self.mark).encode()
        if self.writing == "suffix" and piece.endswith(self.suffix):
            return f"{piece.removesuffix(self.suffix)} ".encode()
        return piece.encode()


def _normalizing(
    normalizer: Any,
) -> tuple[Callable[[str], str], Callable[[str, str, str], bool], Callable[[str, str], bool]]:
    """What a normalizer makes of a text, whether it drops a part, whether it joins two.

    The last two are asked again and again and remember; they hold nothing of a reader, so that one
    is freed with the last that uses it.
    """
    if normalizer is None:
        return str, lambda before, middle, after: False, lambda before, after: False
    normalise: Callable[[str], str] = normalizer.normalize_str

    @lru_cache(maxsize=4096)
    def drops(before: str, middle: str, after: str) -> bool:
        return normalise(before + middle + after) == normalise(before + after)

    @lru_cache(maxsize=4096)
    def joins(before: str, after: str) -> bool:
        # Digits on both sides: nothing composes with them, and some normalizers put something on
        # at the ends or take it off.
        one, both = normalise(f"1{before}1"), normalise(f"1{before}{after}1")
        alone = normalise(f"1{after}1")[len(normalise("1")) :]
        return both != one[:-1] + alone

    return normalise, drops, joins


def _marks(rules: dict[str, Any] | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ids that a post-processor puts before and behind a single text."""
    for step in _components(rules):
        if step.get("type") in ("BertProcessing", "RobertaProcessing"):
            return (int(step["cls"][1]),), (int(step["sep"][1]),)
        if step.get("type") == "TemplateProcessing":
            ids = {name: one["ids"] for name, one in step["special_tokens"].items()}
            before: list[int] = []
            behind: list[int] = []
            side = before
            for part in step["single"]:
                if "Sequence" in part:
                    side = behind
                else:
                    side += ids[part["SpecialToken"]["id"]]
            return tuple(before), tuple(behind)
    return (), ()


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


def _names_alone(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan without what works on texts: even opening it would try the normalizer."""
    nothing = dict.fromkeys(("normalizer", "pre_tokenizer", "post_processor"))
    return {**_settled(plan), **nothing}


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
    if model.get("continuing_subword_prefix"):
        return "wordpiece", model["continuing_subword_prefix"]
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
