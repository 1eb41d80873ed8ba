"""The two corpora and their split into training and held-out text.

The split hashes the text itself, so it is the same on every machine and for every fraction of
the corpora, and nobody can train on what is measured: whole documents of the prose; for the
sentence pairs the English side, and training then also drops every pair whose French sentence
stands in a held-out pair. Knows nothing of tokens or models.
"""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

PROSE = "english-prose.txt.xz"
PAIRS = "fra-eng.tsv.xz"
DOCUMENT_MARK = "<|doc|>"
HELD_OUT_DOCUMENTS = 0.02
HELD_OUT_PAIRS = 0.03

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Split(Generic[Item]):
    """Training and held-out items of one corpus, in the corpus's order."""

    train: list[Item]
    held_out: list[Item]


@dataclass(frozen=True, slots=True)
class Pair:
    """A French sentence and its English translation."""

    french: str
    english: str


def prose(folder: Path, *, fraction: float = 1.0) -> Split[str]:
    """The documents of the prose; `fraction` of them, chosen by hash."""
    text = lzma.decompress((folder / PROSE).read_bytes()).decode("utf-8")
    documents = [part.strip() for part in text.split(f"\n{DOCUMENT_MARK}\n")]
    kept = [document for document in documents if document and share(document, "use") < fraction]
    return split_documents(kept)


def split_documents(documents: Iterable[str]) -> Split[str]:
    """Hold out whole documents, by the hash of their text."""
    split: Split[str] = Split([], [])
    for document in documents:
        held = share(document, "document") < HELD_OUT_DOCUMENTS
        (split.held_out if held else split.train).append(document)
    return split


def pairs(folder: Path, *, fraction: float = 1.0, never: Iterable[str] = ()) -> Split[Pair]:
    """The sentence pairs; `never` lists sentences of either language kept out of both parts."""
    lines = lzma.decompress((folder / PAIRS).read_bytes()).decode("utf-8").splitlines()
    sides = (line.split("\t") for line in lines)
    every = (Pair(french=side[1], english=side[0]) for side in sides if len(side) == 2)
    return split_pairs((p for p in every if share(p.english, "use") < fraction), never=never)


def split_pairs(every: Iterable[Pair], *, never: Iterable[str] = ()) -> Split[Pair]:
    """Hold out by the hash of the English side; drop training pairs that share a French side."""
    banned = {plain(sentence) for sentence in never}
    usable = [p for p in every if plain(p.french) not in banned and plain(p.english) not in banned]
    held_out = [p for p in usable if held_out_english(p.english)]
    seen = {plain(p.french) for p in held_out}
    train = [p for p in usable if not held_out_english(p.english) and plain(p.french) not in seen]
    return Split(train, held_out)


def held_out_english(sentence: str) -> bool:
    """Whether an English sentence is measured on, whatever its case and punctuation."""
    return share(plain(sentence), "pair") < HELD_OUT_PAIRS


def plain(sentence: str) -> str:
    """A sentence without case and punctuation: `"Ça va, Tom ?"` becomes `"ça va tom"`."""
    kept = "".join(c if c.isalnum() else " " for c in sentence.casefold())
    return " ".join(kept.split())


def share(text: str, purpose: str) -> float:
    """A number in [0, 1) that depends on the text alone; another `purpose`, another number."""
    digest = hashlib.sha256(f"{purpose}\0{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
