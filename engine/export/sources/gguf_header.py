"""The header of a GGUF file, read strictly before anything else reads the file.

    header = read(Path("model.gguf"))
    header.metadata["general.architecture"], header.quantization, header.elements

A file that somebody gives may lie about every number in it. Here each count, length and offset is
held against the bytes that are there before it is used; what does not fit is `ExportFailed` with
one sentence. Read sequentially, in small pieces: no allocation follows a number of the file's.
The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3).
"""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from engine.errors import ExportFailed

MAGIC = b"GGUF"
VERSIONS = (2, 3)
KEYS, TENSORS = 10_000, 100_000  # most of them
KEY, TEXT = 1_000, 4_000_000  # bytes of a name; of a value, as a chat template
ITEMS = 1_000_000  # of an array: vocabularies have up to some 300,000, merges 500,000
LISTED = 100  # numbers of an array that are given one by one
LARGEST = 256_000_000  # bytes before the tensors
DIMENSIONS = 4
ARCHITECTURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")  # as llama.cpp's are, to be shown
ALIGNMENT = 32  # of the tensors, where the file says nothing

# Types of values: format and bytes of the fixed ones; the others are texts and arrays.
FIXED = {
    0: ("<B", 1), 1: ("<b", 1), 2: ("<H", 2), 3: ("<h", 2), 4: ("<I", 4), 5: ("<i", 4),
    6: ("<f", 4), 7: ("<?", 1), 10: ("<Q", 8), 11: ("<q", 8), 12: ("<d", 8),
}  # fmt: skip
STRING, ARRAY = 8, 9

# Tensor types that can be turned into floats: name, numbers a block, bytes a block.
TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: shape with the fastest dimension first, as the file has it; place in bytes."""

    name: str
    shape: tuple[int, ...]
    kind: str
    start: int
    size: int

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of itself, all of it within the file.

    `metadata` has numbers and texts; an array of numbers is a tuple where it is short, else only
    its length, as of an array of texts.
    """

    version: int
    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]

    @property
    def architecture(self) -> str:
        """The name of the model's shape in llama.cpp."""
        return str(self.metadata["general.architecture"])

    @property
    def vocabulary(self) -> int | None:
        """How many tokens the file's tokenizer has; None where it has none."""
        found = self.metadata.get("tokenizer.ggml.tokens")
        return len(found) if isinstance(found, tuple) else found if isinstance(found, int) else None

    @property
    def elements(self) -> int:
        """How many numbers the weights hold."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def quantization(self) -> str:
        """The type that most of the numbers are stored in: `Q4_1`, `F16`."""
        counts: Counter[str] = Counter()
        for tensor in self.tensors:
            counts[tensor.kind] += tensor.elements
        return counts.most_common(1)[0][0] if counts else ""

    def fact(self, name: str) -> Any:
        """A fact of the architecture: `fact("block_count")` is `llama.block_count`."""
        return self.metadata.get(f"{self.architecture}.{name}")


class _Wrong(ValueError):
    """What is wrong with a file, as the end of a sentence."""


def read(path: Path) -> Header:
    """The header of a file; raise `ExportFailed` where any of it cannot be true."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            return _Reader(file, size).header()
    except OSError as error:
        raise ExportFailed(f"{path.name} cannot be read ({error.strerror}).") from None
    except _Wrong as error:
        raise ExportFailed(
            f"{path.name} is no GGUF file that can be read here: {error}. Download it again."
        ) from None


class _Reader:
    """A file read from its beginning; every step checks that the bytes are there."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size, self.place = file, size, 0

    def header(self) -> Header:
        """Magic, version, counts; then the values; then where the tensors are."""
        if self.bytes(4, "its beginning") != MAGIC:
            raise _Wrong("it does not begin with GGUF")
        version = self.number("<I")
        if version not in VERSIONS:
            # In the other byte order version 3 reads as 50,331,648.
            raise _Wrong(f"it is of version {version:,}, not 2 or 3")
        tensors, keys = self.number("<Q"), self.number("<Q")
        self.count(tensors, 24, TENSORS, "tensors")
        self.count(keys, 13, KEYS, "values")
        metadata = self.values(keys)
        table = [self.tensor() for _ in range(tensors)]
        return Header(version, metadata, self.placed(table, self.alignment(metadata)))

    def bytes(self, count: int, what: str) -> bytes:
        """The next bytes."""
        self.reach(count, what)
        found = self.file.read(count)
        if len(found) != count:
            raise _Wrong("it became shorter while it was read")
        self.place += count
        return found

    def skip(self, count: int, what: str) -> None:
        """Pass over bytes that must be there."""
        self.reach(count, what)
        self.place = self.file.seek(count, 1)

    def reach(self, count: int, what: str) -> None:
        """Check that so many bytes follow, within what a header may have."""
        end = self.place + count
        if end > self.size:
            raise _Wrong(f"{what} would end at byte {end:,} of {self.size:,}")
        if end > LARGEST:
            raise _Wrong(
                f"{what} ends at byte {end:,}; at most {LARGEST:,} come before the tensors"
            )

    def number(self, form: str) -> Any:
        """The next number."""
        return struct.unpack(form, self.bytes(struct.calcsize(form), "a number"))[0]

    def count(self, count: int, least: int, most: int, what: str) -> None:
        """Check a count of things that take at least so many bytes each."""
        if count > most or count * least > self.size - self.place:
            raise _Wrong(f"it says that it has {count:,} {what} in {self.size:,} bytes")

    def text(self, most: int, what: str) -> str:
        """The next text."""
        length = self.number("<Q")
        if length > most:
            raise _Wrong(f"{what} would have {length:,} bytes")
        try:
            return self.bytes(length, what).decode()
        except UnicodeDecodeError:
            raise _Wrong(f"{what} is not UTF-8") from None

    def values(self, count: int) -> dict[str, Any]:
        """The metadata; each name once, the architecture among them."""
        found: dict[str, Any] = {}
        for _ in range(count):
            key = self.text(KEY, "a name")
            if key in found:
                raise _Wrong(f"it has {key[:60]!r} twice")
            found[key] = self.value(self.number("<I"), key)
        if not isinstance(found.get("general.architecture"), str):
            raise _Wrong("it does not say of which architecture it is")
        if not ARCHITECTURE.fullmatch(found["general.architecture"]):
            raise _Wrong(f"its architecture is called {found['general.architecture'][:40]!r}")
        return found

    def value(self, kind: int, key: str) -> Any:
        """A value of one type."""
        if kind in FIXED:
            return self.number(FIXED[kind][0])
        if kind == STRING:
            return self.text(TEXT, key[:60])
        if kind == ARRAY:
            return self.array(key)
        raise _Wrong(f"{key[:60]!r} is of type {kind:,}, which there is not")

    def array(self, key: str) -> tuple[Any, ...] | int:
        """A short array of numbers; else its length."""
        kind, count = self.number("<I"), self.number("<Q")
        if kind == STRING:
            self.count(count, 8, ITEMS, f"texts in {key[:60]!r}")
            for _ in range(count):
                self.skip(self.number("<Q"), "a text")
            return count
        if kind not in FIXED:
            raise _Wrong(f"{key[:60]!r} is an array of type {kind:,}, which cannot be read")
        form, width = FIXED[kind]
        self.count(count, width, ITEMS, f"numbers in {key[:60]!r}")
        if count > LISTED:
            self.skip(count * width, key[:60])
            return count
        return tuple(self.number(form) for _ in range(count))

    def tensor(self) -> Tensor:
        """An entry of the table; its place still relative to where the tensors begin."""
        name = self.text(KEY, "a tensor's name")
        count = self.number("<I")
        if not 1 <= count <= DIMENSIONS:
            raise _Wrong(f"tensor {name[:60]!r} has {count:,} dimensions")
        shape = tuple(self.number("<Q") for _ in range(count))
        kind, start = self.number("<I"), self.number("<Q")
        if kind not in TYPES:
            raise _Wrong(f"tensor {name[:60]!r} is of type {kind:,}, which cannot be turned into "
                         "floats here")  # fmt: skip
        title, block, width = TYPES[kind]
        if not all(shape) or shape[0] % block:
            raise _Wrong(f"tensor {name[:60]!r} of shape {shape} has no whole blocks of {block}")
        return Tensor(name, shape, title, start, math.prod(shape) // block * width)

    def alignment(self, metadata: dict[str, Any]) -> int:
        """On what multiple of bytes each tensor begins."""
        found = metadata.get("general.alignment", ALIGNMENT)
        if not isinstance(found, int) or not 8 <= found <= 65_536 or found & (found - 1):
            raise _Wrong(f"its alignment is {str(found)[:40]}")
        return found

    def placed(self, table: list[Tensor], alignment: int) -> tuple[Tensor, ...]:
        """The tensors at their places in the file: inside it, none over another, names once."""
        begin = -(-self.place // alignment) * alignment
        found = [Tensor(t.name, t.shape, t.kind, begin + t.start, t.size) for t in table]
        end = begin
        for tensor in sorted(found, key=lambda tensor: tensor.start):
            if tensor.start % alignment or tensor.start < end:
                raise _Wrong(f"tensor {tensor.name[:60]!r} begins at byte {tensor.start:,}, where "
                             "none can")  # fmt: skip
            end = tensor.start + tensor.size
            if end > self.size:
                raise _Wrong(f"tensor {tensor.name[:60]!r} would end at byte {end:,} of "
                             f"{self.size:,}")  # fmt: skip
        if len({tensor.name for tensor in found}) < len(found):
            raise _Wrong("it has two tensors of one name")
        if not found:
            raise _Wrong("it has no tensors")
        return tuple(found)
