"""A session whose weights are packed on disk already: opened in a third of the time, one copy.

    found = session(Model(digest, nbytes), "model", path, device)   # None: open it as it is

ONNX Runtime packs the weights of products anew at every opening, into memory of each session's own.
Here the first opening of a graph keeps them in a file (`entries`), which later ones map: their
memory is the file's, so that all graphs of a model, and all processes, share one copy. Graphs made
later use what the earlier ones wrote (`external`). Results are equal to the bit: the numbers are
the same, and packed weights of another processor are packed anew by ONNX Runtime itself.

Anything that goes wrong (a full disk, a broken file) costs time, never an answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.models import device as devices
from engine.models.device import Device, GraphError, Packed, Part
from engine.models.packed import entries, external
from engine.models.packed.external import Block, External
from engine.models.sessions import Session

LEAST = 64 * 10**6  # bytes of weights: smaller models open in a moment, and their copies are small
PRECISIONS = ("fp32", "fp16-weights")  # weights of few bits are small, and packed otherwise
MOST = 3  # times its weights that an entry may take: as they are, turned, and packed
PAGE, LINE = 1 << 16, 64  # bytes: what is larger begins at a multiple of one, else of the other
MARK = 4096  # bytes of a block by which its like is looked for

OWN = ("model", "encoder")  # graphs with weights of their own: others use what these have

_making = threading.Lock()


@dataclass(frozen=True, slots=True)
class Model:
    """A bundle's identity, the bytes of its weights, and whether they stay float16 in memory."""

    digest: str
    nbytes: int
    halves: bool = False

    @property
    def worth(self) -> bool:
        """Whether its weights are kept packed: where that gains something, and fits."""
        return 0 < LEAST <= self.nbytes and MOST * self.nbytes <= entries.limit()


def session(model: Model, name: str, graph: Path | Part, device: Device) -> Session | None:
    """The session of a graph of a model, called `name` in its entry; None where none is kept."""
    if device.provider != "cpu" or not model.worth:
        return None
    for _ in range(2):
        try:
            record = _ready(model, name, graph)
        except (OSError, GraphError):
            return None
        if not record.graph:
            return None
        entry = entries.place(model.digest)
        entries.note_use(entry)
        try:
            lasting = isinstance(graph, Part) and graph.lasting
            return Session(Packed(entry / record.graph, lasting), device, halves=model.halves)
        except GraphError:
            entries.discard(entry, name)  # broken: made anew, once
    return None


def _ready(model: Model, name: str, graph: Path | Part) -> entries.Record:
    entry, source = entries.place(model.digest), _digest(graph)
    found = entries.found(entry, name, source)
    if found is not None:
        return found
    # One at a time: weights that are packed for the first time are in memory until they are kept.
    with _making:
        found = entries.found(entry, name, source)
        return found or _made(model, entry, name, source, graph)


def _made(model: Model, entry: Path, name: str, source: str, graph: Path | Part) -> entries.Record:
    """Pack a graph's weights and keep them; an empty record where there is nothing to keep."""
    entries.make_room(entry, max(0, MOST * model.nbytes - entries.size(entry)))
    entry.mkdir(parents=True, exist_ok=True)
    fresh = f"{name}-{uuid.uuid4().hex[:12]}"
    optimized, weights = entry / f"{fresh}.onnx", entry / f"{fresh}.bin"
    donors = entries.graphs(entry)
    packed = name in OWN or not donors
    try:
        devices.pack(graph, optimized, weights.name, packed=packed, halves=model.halves)
        files = _shared(entry, donors, optimized, weights)
        if not files:
            optimized.unlink(missing_ok=True)
        kept = optimized.name if files else ""
        entries.record(entry, name, source, kept, [kept, *files] if files else [])
    except (OSError, GraphError):
        for path in (optimized, weights):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        raise
    entries.make_room(entry)
    record = entries.found(entry, name, source)
    if record is None:
        raise OSError(f"{fresh} was changed while it was made")
    return record


def _shared(entry: Path, donors: list[str], optimized: Path, weights: Path) -> set[str]:
    """Let a new graph take from earlier graphs' files what is there; the files that it needs."""
    graph = optimized.read_bytes()
    tensors = external.read(graph)
    if not donors or external.inner(graph, weights.name):
        return {one.file for one in tensors.values()}
    places = dict(_places(entry, donors, tensors, weights))
    own = {name: one for name, one in tensors.items() if name not in places}
    rest = weights.with_suffix(".rest")
    places |= _copied(weights, rest, own)
    weights.unlink(missing_ok=True)
    if own:
        rest.replace(weights)
    optimized.write_bytes(external.moved(graph, places))
    return {one.file for one in places.values()}


def _places(
    entry: Path, donors: list[str], tensors: dict[str, External], weights: Path
) -> Iterator[tuple[str, External]]:
    """Where tensors of a new graph lie in files that are there already, packed blocks and all."""
    there: dict[tuple[int, bytes], list[External]] = {}
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}

        def file(name: str) -> BinaryIO:
            if name not in files:
                files[name] = stack.enter_context((entry / name).open("rb"))
            return files[name]

        for donor in donors:
            for one in external.read((entry / donor).read_bytes()).values():
                there.setdefault(_mark(file(one.file), one.own), []).append(one)
        for name, tensor in tensors.items():
            mine = file(weights.name)
            for one in there.get(_mark(mine, tensor.own), ()):
                # A hash of what is packed stands in its key.
                enough = tensor.packed.keys() <= one.packed.keys()
                if enough and external.same(mine, tensor.own, file(one.file), one.own):
                    yield name, one
                    break


def _mark(file: BinaryIO, block: Block) -> tuple[int, bytes]:
    """What blocks of the same bytes have in common, and few others."""
    file.seek(block.start)
    return block.length, file.read(min(block.length, MARK))


def _copied(weights: Path, rest: Path, own: dict[str, External]) -> dict[str, External]:
    """Copy what only a new graph has into a file of its own, and say where it will lie."""
    found = {}
    if not own:
        return found
    with weights.open("rb") as data, rest.open("wb") as file:

        def put(block: Block) -> Block:
            edge = PAGE if block.length >= PAGE else LINE
            file.seek(-(-file.tell() // edge) * edge)
            start = file.tell()
            file.writelines(external.pieces(data, block))
            return Block(start, block.length, block.checksum)

        for key, one in own.items():
            packed = {name: tuple(map(put, blocks)) for name, blocks in one.packed.items()}
            found[key] = External(weights.name, put(one.own), packed)
    return found


def _digest(graph: Path | Part) -> str:
    data = graph.data if isinstance(graph, Part) else graph.read_bytes()
    return hashlib.sha256(data).hexdigest()
