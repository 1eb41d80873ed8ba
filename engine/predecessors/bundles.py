"""The files of a predecessor: a folder as a bundle's, but of a kind of its own.

    card.json     what it is (`Card`): kind, size, digests, figures, whose tokens it counts in
    weights.bin   a recurrent network's matrices: int8, one float32 scale a row; float32 biases
    tables.npz    the arrays of an n-gram table (`ngrams.pack`)

It has no tokenizer: its tokens are those of a transformer that is here, named by the digest of that
one's tokenizer.json, so that both can be compared token by token. It has no layers and no heads, so
the catalog lists it and says so, and no page opens it as a model. In: folders. Out: cards, and the
numbers they speak of, read once and shared.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from engine.errors import BrokenBundle
from engine.models.bundle import Matrix, digest, read_matrix
from engine.predecessors import ngrams
from engine.predecessors.gru import Network
from engine.predecessors.ngrams import Table
from engine.values import frozen

FORMAT = 1
CARD, TABLES = "card.json", "tables.npz"
LARGEST = 64 * 2**20  # bytes of a table's arrays, unpacked: ours have 6 MB
Sort = Literal["recurrent", "ngrams"]


@dataclass(frozen=True, slots=True)
class Card:
    """What a predecessor is; its `card.json` in Python.

    `tokenizer` is the SHA-256 of the tokenizer.json whose ids it knows, `tokens_of` the model that
    has it. `errors` are the largest differences from PyTorch, `figures` what was measured on
    held-out text, and `beside` the same of transformers, by the SHA-256 of their cards' files.
    """

    kind: Sort
    name: str
    title: str
    licence: str
    source: str
    tokens_of: str
    tokenizer: str
    vocabulary: int
    parameters: int
    files: dict[str, str]
    matrices: dict[str, Matrix] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    format: int = FORMAT

    def __post_init__(self) -> None:
        """Lock what is shared by all sessions; ValueError where a part makes no sense."""
        if self.kind not in get_args(Sort) or self.format != FORMAT:
            raise ValueError(f"kind {self.kind!r}, format {self.format!r}")
        for name in ("files", "matrices", "errors", "figures", "beside"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def said(self) -> str:
        """What it is, and why no page opens it as a model."""
        what = {
            "recurrent": "is a recurrent network: it has one hidden state in place of layers of "
            "attention.",
            "ngrams": "is a table of counted n-grams: it has neither vectors nor attention.",
        }[self.kind]
        return f"{self.title} {what} It is compared with {self.tokens_of}, not opened as a model."


def is_predecessor(folder: Path) -> bool:
    """Whether a folder's card is one of these."""
    try:
        return "kind" in json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def read_card(folder: Path) -> Card:
    """Read the card; `BrokenBundle` where it is missing, damaged or of another format."""
    try:
        data = json.loads((folder / CARD).read_text(encoding="utf-8"))
        data["matrices"] = {
            name: Matrix(**{**one, "shape": tuple(one["shape"])})
            for name, one in data.get("matrices", {}).items()
        }
        data["notes"] = tuple(data.get("notes", ()))
        card = Card(**data)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BrokenBundle(f"card.json of {folder.name} cannot be read ({error}).") from None
    for name in card.files:
        # As for other bundles: a path in a card must not lead out of the folder.
        if name != Path(name).name or name in (".", "..") or "\\" in name:
            raise BrokenBundle(
                f"card.json of {folder.name} lists {name!r}, which is not a file name."
            )
    return card


def size(folder: Path, card: Card) -> int:
    """Bytes on disk; `BrokenBundle` names a file that is missing."""
    try:
        return sum((folder / name).stat().st_size for name in (CARD, *card.files))
    except OSError as error:
        raise BrokenBundle(
            f"{Path(str(error.filename)).name} of {folder.name} is missing."
        ) from None


def network(folder: Path) -> Network:
    """The weights of a recurrent network, checked against the card's digests."""
    card = _verified(folder, "recurrent")
    try:
        return assembled(folder, card.matrices)
    except (TypeError, ValueError) as error:
        raise BrokenBundle(f"weights.bin of {folder.name} cannot be read ({error}).") from None


def assembled(folder: Path, matrices: Mapping[str, Matrix]) -> Network:
    """A network of matrices that lie in a folder; TypeError and ValueError where they make none."""
    found = {name: read_matrix(folder, one) for name, one in matrices.items()}
    flat = {name: one[0] if name.endswith("_bias") else one for name, one in found.items()}
    return Network(**flat)


def table(folder: Path) -> Table:
    """The counts of an n-gram table, checked against the card's digests."""
    _verified(folder, "ngrams")
    try:
        with zipfile.ZipFile(folder / TABLES) as packed:
            if sum(one.file_size for one in packed.infolist()) > LARGEST:
                raise ValueError("it is larger than any table that is made here")
        with np.load(folder / TABLES, allow_pickle=False) as arrays:
            return ngrams.unpack(arrays)
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise BrokenBundle(f"{TABLES} of {folder.name} cannot be read ({error}).") from None


def write_table(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays as an .npz file that `numpy.load` reads, packed tighter than numpy's own."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as packed:
        for name, values in arrays.items():
            # A fixed date: equal tables are equal files.
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_LZMA
            with packed.open(entry, "w") as file:
                np.lib.format.write_array(file, np.asarray(values), allow_pickle=False)


def _verified(folder: Path, kind: Sort) -> Card:
    card = read_card(folder)
    if card.kind != kind:
        raise BrokenBundle(f"{folder.name} is of kind {card.kind}, not {kind}.")
    for name, wanted in card.files.items():
        try:
            found = digest(folder / name)
        except OSError:
            raise BrokenBundle(f"{name} of {folder.name} is missing.") from None
        if found != wanted:
            raise BrokenBundle(f"{name} of {folder.name} is not the file that was made.")
    return card
