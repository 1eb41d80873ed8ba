"""Where the weights of a graph lie in files: read, and written anew, without the onnx package.

    tensors = read(graph)               # {"wte.weight": External("model.bin", Block(0, 3072), {})}
    moved(graph, {"wte.weight": ...})   # the same graph, that tensor taken from elsewhere

ONNX Runtime keeps beside a tensor what its operations made of it, "packed" for their products of
matrices, in the same file. Its places are the tensor's entries `prepacked_0`, `prepacked_1`, ...:
the operation's name with a hash of the bytes, then each block's start, length and checksum.

Knows nothing of sessions and of where files are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from engine.models import wire
from engine.models.slicing import GRAPH, INITIALIZER

EXTERNAL = 13  # of TensorProto: its StringStringEntryProtos
KEY, VALUE = 1, 2
PACKED = "prepacked_"
STEP = 4 * 10**6  # bytes read at a time


@dataclass(frozen=True, slots=True)
class Block:
    """So many bytes of a file from `start` on."""

    start: int
    length: int
    checksum: str = "0"


@dataclass(frozen=True, slots=True)
class External:
    """A tensor in a file, and what operations packed of it, by their names and hashes."""

    file: str
    own: Block
    packed: Mapping[str, tuple[Block, ...]]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All that it takes of the file."""
        return (self.own, *(block for blocks in self.packed.values() for block in blocks))


def read(graph: bytes) -> dict[str, External]:
    """The tensors of a model that lie in files, by name; inner graphs are not looked into."""
    found = {}
    for payload in _tensors(graph):
        entries = dict(_entries(payload))
        if "location" in entries:
            found[_name(payload)] = _external(entries)
    return found


def inner(graph: bytes, file: str) -> bool:
    """Whether a file is spoken of anywhere but in the model's own tensors."""
    size = sum(payload.count(file.encode()) for payload in _tensors(graph))
    return graph.count(file.encode()) > size


def moved(graph: bytes, places: Mapping[str, External]) -> bytes:
    """The model with some tensors elsewhere; of what is packed, what `places` have is kept."""
    parts = []
    for number, field, payload in wire.fields(graph):
        parts.append(field if number != GRAPH else wire.tagged(GRAPH, _moved(payload, places)))
    return b"".join(parts)


def same(one: BinaryIO, first: Block, other: BinaryIO, second: Block) -> bool:
    """Whether two blocks of files hold the same bytes."""
    if first.length != second.length:
        return False
    # Read, not mapped: what is compared once need not stay in this process's memory.
    return all(a == b for a, b in zip(pieces(one, first), pieces(other, second), strict=True))


def pieces(file: BinaryIO, block: Block) -> Iterator[bytes]:
    """A block's bytes, some MB at a time."""
    for at in range(0, block.length, STEP):
        file.seek(block.start + at)
        yield file.read(min(STEP, block.length - at))


def _moved(graph: bytes, places: Mapping[str, External]) -> bytes:
    parts = []
    for number, field, payload in wire.fields(graph):
        place = places.get(_name(payload)) if number == INITIALIZER else None
        parts.append(field if place is None else wire.tagged(INITIALIZER, _placed(payload, place)))
    return b"".join(parts)


def _placed(tensor: bytes, place: External) -> bytes:
    kept = [field for number, field, _ in wire.fields(tensor) if number != EXTERNAL]
    own = {"location": place.file, "offset": place.own.start, "length": place.own.length}
    entries = {key: str(value) for key, value in own.items()}
    for number, (key, blocks) in enumerate(place.packed.items()):
        told = (f"{one.start};{one.length};{one.checksum}" for one in blocks)
        entries[f"{PACKED}{number}"] = "|".join((key, *told))
    kept += [
        wire.tagged(EXTERNAL, wire.tagged(KEY, k.encode()) + wire.tagged(VALUE, v.encode()))
        for k, v in entries.items()
    ]
    return b"".join(kept)


def _external(entries: Mapping[str, str]) -> External:
    packed = {}
    for key, value in entries.items():
        if key.startswith(PACKED):
            name, *blocks = value.split("|")
            packed[name] = tuple(_block(one) for one in blocks)
    own = Block(int(entries.get("offset", 0)), int(entries["length"]))
    return External(entries["location"], own, packed)


def _block(told: str) -> Block:
    start, length, checksum = told.split(";")
    return Block(int(start), int(length), checksum)


def _tensors(graph: bytes) -> Iterator[bytes]:
    for number, _, payload in wire.fields(graph):
        if number == GRAPH:
            yield from (held for n, _, held in wire.fields(payload) if n == INITIALIZER)


def _entries(tensor: bytes) -> Iterator[tuple[str, str]]:
    for number, _, entry in wire.fields(tensor):
        if number == EXTERNAL:
            parts = {n: held.decode() for n, _, held in wire.fields(entry)}
            yield parts[KEY], parts[VALUE]


def _name(tensor: bytes) -> str:
    return next((held.decode() for n, _, held in wire.fields(tensor) if n == 8), "")
