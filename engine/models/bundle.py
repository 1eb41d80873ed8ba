"""A bundle: the folder that holds one exported model, and the names in its graphs.

    card.json       what the model is (`Card`), digests and largest errors against PyTorch
    tokenizer.json  the fast tokenizer (target.json where the target side differs)
    model.onnx      decoder or encoder; for an encoder-decoder its decoder
    rows.onnx       where there is a decoder: the rows of a past in another order; no weights
    encoder.onnx    encoder-decoder only: also gives the cross keys and values of every layer
    lens.onnx       hidden [row, width] -> logits [row, vocabulary]: final norm and output matrix
    *.bin           weights, as external data of the graphs
    space.npz       coordinates of the vocabulary, optional

Names of graph inputs and outputs, `k` a 0-based layer:

    inputs   input_ids [batch, token], attention_mask [batch, past + token], segments [batch, token]
             first [n]: positions whose logits are wanted (indices into this call's tokens)
             past.k.key, past.k.value [batch, key_head, past, dim] (length 0 for a trace)
             head_mask [layer, head]: 1 keeps, 0 switches the head off
             keep [layer]: 1 gives the layer's quantities of attention, 0 gives them with no heads,
             which saves their memory
        encoder-decoder's decoder also: source_mask [batch, source], source.k.key, source.k.value
             [batch, key_head, source, dim], cross_head_mask [layer, head]
    outputs  present.k.key, present.k.value, and every quantity of `engine/trace/quantities.py`
             that the family gives, each with the axis `batch` in front: logits [batch, n,
             vocabulary], hidden.0 .. hidden.L, layer.k.weights, cross.k.weights, ...
             encoder.onnx: source.k.key, source.k.value instead of logits and present
             next_sentence [batch, 2] of a BERT whose checkpoint has that head: "is next" first
    rows.onnx: rows [batch] and present.* or source.* (as present.*) -> past.*, row i the row
             `rows[i]` of those given

`hidden.L` is what leaves the last block, before a final norm where the family has one: the lens
applies that norm.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from engine.errors import BrokenBundle
from engine.values import Family, FrozenDict, frozen

FORMAT = 1
# The numbers that a bundle computes with; "fp16-weights" keeps halves and computes in float32.
Precision = Literal["fp32", "fp16", "fp16-weights", "int8", "int4"]


@dataclass(frozen=True, slots=True)
class Stack:
    """The shape of one tower: its layers and its heads."""

    layers: int
    heads: int
    key_heads: int
    dim: int
    scale: float = 0.0


@dataclass(frozen=True, slots=True)
class Matrix:
    """Where a weight matrix lies, so that it is read without opening a session.

    `dtype` is a numpy name; int8 values are multiplied by float32 `scales`, one a row, which
    lie at `scales_offset` of the same file.
    """

    file: str
    offset: int
    shape: tuple[int, int]
    dtype: str
    scales_offset: int | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """Ids that generation starts, ends and is forced with; language codes and task prefixes."""

    start: int | None = None
    ends: tuple[int, ...] = ()
    pad: int | None = None
    forced_first: int | None = None
    forced_last: int | None = None
    banned: tuple[int, ...] = ()
    languages: dict[str, int] = field(default_factory=FrozenDict)
    prefixes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Lock what is shared by all sessions."""
        object.__setattr__(self, "languages", frozen(self.languages))


@dataclass(frozen=True, slots=True)
class Card:
    """What a bundle is; `card.json` in Python.

    `encoder` and `decoder` are the towers that exist. `positions` is the kind (learned, sinusoidal,
    rotary, alibi, relative) and `limit` the most tokens (None: no limit of its own). `given` lists
    the quantities of attention that the family gives (query, key, value, scores, weights, output).
    `errors` maps a quantity to its largest error against PyTorch (what they are with `precision`
    int8 and int4: `engine.export.weights.precision`). `vectors` maps "token" and "position" to
    matrices. `mask` is the id of the mask token. `rotary` holds the angle in radians by which each
    pair of a query is turned from one position to the next. `named` are the special tokens that a
    chat template knows, as `{"bos_token": "<s>"}`. `experts` is how many a block of a mixture
    chooses among; 0 for models without. `follows` says that there is a
    next-sentence head.
    """

    name: str
    title: str
    family: Family
    architecture: str
    encoder: Stack | None
    decoder: Stack | None
    width: int
    vocabulary: int
    positions: str
    limit: int | None
    precision: str
    parameters: int
    licence: str
    source: str
    revision: str
    exporter: str
    given: tuple[str, ...]
    files: dict[str, str]
    errors: dict[str, float]
    generation: Generation
    vectors: dict[str, Matrix]
    predicts: bool = True
    pairs: bool = False
    mask: int | None = None
    tokenizer: str = ""
    template: str | None = None
    rotary: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    named: dict[str, str] = field(default_factory=dict)
    experts: int = 0
    follows: bool = False
    format: int = FORMAT

    def __post_init__(self) -> None:
        """Lock what is shared by all sessions."""
        for name in ("files", "errors", "vectors"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def tower(self) -> Stack:
        """The tower that writes or predicts: the decoder where there is one, else the encoder."""
        stack = self.decoder or self.encoder
        assert stack is not None
        return stack


def read_card(folder: Path) -> Card:
    """Read `card.json`; raise `BrokenBundle` when it is missing, damaged or of another format."""
    path = folder / "card.json"
    try:
        return card_from(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise BrokenBundle(f"{folder.name} has no card.json. Export the model again.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BrokenBundle(
            f"card.json of {folder.name} cannot be read ({error}). Export the model again."
        ) from None


def card_from(data: dict[str, Any]) -> Card:
    """Build a card from parsed JSON: lists become tuples, nested objects their values."""
    if data.get("format") != FORMAT:
        raise ValueError(f"format {data.get('format')}, this version reads {FORMAT}")
    known = {f.name for f in fields(Card)}
    values = {key: value for key, value in data.items() if key in known}
    for tower in ("encoder", "decoder"):
        values[tower] = Stack(**values[tower]) if values.get(tower) else None
    generation = {k: _tuple(v) for k, v in values["generation"].items()}
    values["generation"] = Generation(**generation)
    values["vectors"] = {
        name: Matrix(**{k: _tuple(v) for k, v in matrix.items()})
        for name, matrix in values["vectors"].items()
    }
    return Card(**{key: _tuple(value) for key, value in values.items()})


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def identity(card: Card) -> str:
    """SHA-256 of all that makes a model what it computes: its files' digests, shapes and rules.

    Equal on every machine and at every time, so it is the model's part of a key, on disk too.
    """
    # How far the numbers were from PyTorch's says where it was exported, not what it is.
    rules = asdict(replace(card, errors={}))
    if not card.experts:
        del rules["experts"]  # cards were written before mixtures gave their routing
    if not card.follows:
        del rules["follows"]  # and before next-sentence heads were exported
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()


Stamp = tuple[tuple[str, int, int], ...]


def stamp(folder: Path, card: Card) -> Stamp:
    """(name, bytes, time of change) of every file, the card's too; equal stamps: nothing changed.

    Raises `BrokenBundle` naming a file that is missing, so it is also the cheap check of a bundle
    that is only listed. What is kept of a model is named by its `identity`, never by this.
    """
    return tuple(_stamp_of(folder, name) for name in ("card.json", *_listed(card, folder)))


def verify(folder: Path, card: Card) -> None:
    """Compare each file's SHA-256 with the card's; `BrokenBundle` names one that differs."""
    for name in _listed(card, folder):
        _stamp_of(folder, name)
        if digest(folder / name) != card.files[name]:
            raise BrokenBundle(
                f"{name} of {folder.name} is not the file that was exported. "
                "Export the model again or restore the file."
            )


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_matrix(folder: Path, matrix: Matrix) -> Float[np.ndarray, "row column"]:
    """A weight matrix in float32, read-only; float32 ones are mapped from the file, not loaded."""
    path = folder / matrix.file
    stored = _mapped(path, matrix.dtype, matrix.offset, matrix.shape)
    if matrix.scales_offset is not None:
        scales = _mapped(path, "float32", matrix.scales_offset, (matrix.shape[0], 1))
        stored = stored.astype(np.float32) * scales
    found = np.asarray(stored, dtype=np.float32)
    found.setflags(write=False)
    return found


def _mapped(path: Path, dtype: str, offset: int, shape: tuple[int, int]) -> np.ndarray:
    try:
        return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)
    except (OSError, ValueError, TypeError) as error:
        raise BrokenBundle(f"{path.name} of {path.parent.name} cannot be read ({error}).") from None


def _listed(card: Card, folder: Path) -> tuple[str, ...]:
    """The files that the card lists: plain names inside the folder, the needed ones among them."""
    needed = {"model.onnx", "tokenizer.json"}
    if card.decoder is not None:
        needed.add("rows.onnx")  # the first exporter wrote none
    if card.family == "encoder-decoder":
        needed.add("encoder.onnx")
    for name in sorted(needed - set(card.files)):
        raise BrokenBundle(
            f"card.json of {folder.name} does not list {name}. Export the model again."
        )
    for name in card.files:
        # A card comes from outside: a path in it must not lead out of the bundle's folder.
        if name != os.path.basename(name) or name in (".", "..") or "\\" in name:
            raise BrokenBundle(
                f"card.json of {folder.name} lists {name!r}, which is not a file name."
            )
    for name, matrix in card.vectors.items():
        if matrix.file not in card.files:
            raise BrokenBundle(
                f"card.json of {folder.name} keeps {name} in {matrix.file!r}, unlisted."
            )
    return tuple(card.files)


def _stamp_of(folder: Path, name: str) -> tuple[str, int, int]:
    try:
        found = os.stat(f"{folder}/{name}")  # twenty of them are made for every click
    except OSError:
        raise BrokenBundle(f"{name} of {folder.name} is missing. Export the model again.") from None
    return name, found.st_size, found.st_mtime_ns
