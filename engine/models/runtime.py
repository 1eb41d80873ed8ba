"""Opened bundles: ONNX Runtime sessions shared by all users, on the device that really answers.

In: a bundle's folder. Out: a `Bundle`, whose `run` takes arrays by the graph's input names and
gives those outputs that were asked for. It knows nothing of texts; `tokens` and `tracing` do.

A `Bundle` is a handle that stays valid: its sessions open at first use, are closed when more
models are open than the settings allow (the one unused longest first, never one in use), and open
again when needed. Tokenizers are smaller and kept of `READERS` times as many models. At most
`ATLAS_RUNS` runs happen at once, the others wait in the order in which they came.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float

from engine import policy
from engine.errors import BrokenBundle, DeviceUnavailable, NotOffered
from engine.hosting import figures
from engine.models import device as devices
from engine.models import in_place, slicing
from engine.models.bundle import Card, Stamp, identity, read_card, read_matrix, stamp, verify
from engine.models.device import Device
from engine.models.in_place import Edited
from engine.models.packed import opening as packing
from engine.models.sessions import Session
from engine.models.slots import slots
from engine.models.verified import remember, verified_before
from engine.settings import settings
from engine.tokenizers.reader import Reader, came_along
from engine.values import Side

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Graph = Literal["model", "encoder", "rows", "lens"]
MB, SINGLE = 10**6, 4  # bytes; of a float32
IN_PLACE = "in place"  # the name of the session that writes so
READERS = 4  # models whose tokenizers are kept, for each model that may be open


@dataclass(slots=True)
class _Use:
    """How many runs and decoders need the sessions now, and whether they are to be closed after."""

    count: int = 0
    closing: bool = False


class Bundle:
    """One model, opened: card, tokenizers, sessions. Shared by threads."""

    def __init__(self, folder: Path) -> None:
        """Read the card and check every file; tokenizers and sessions open later.

        `digest` says which model this is, here and anywhere; `stamp` whether its files changed.
        """
        self.folder = folder
        self.card: Card = read_card(folder)
        self.digest: str = identity(self.card)
        self.stamp: Stamp = stamp(folder, self.card)
        record = settings().models / ".verified.json"
        if not verified_before(record, folder, self.stamp):
            verify(folder, self.card)
            remember(record, folder, self.stamp)
        self._halves = self.card.precision == "fp16-weights"
        weights = sum(size for name, size, _ in self.stamp if name.endswith(".bin"))
        whole = self.card.precision in packing.PRECISIONS
        self._packed = packing.Model(self.digest, weights if whole else 0, halves=self._halves)
        self._lock = threading.RLock()
        self._use = _Use()
        self._sessions: dict[str, Session] = {}
        self._readers: dict[str, Reader] = {}
        self._vectors: dict[str, np.ndarray] = {}
        self._wholes: dict[str, slicing.Whole | None] = {}
        self._edited: dict[str, Edited | None] = {}

    @property
    def device(self) -> Device:
        """Where the model runs; the default device until a session is open."""
        session = self._sessions.get("model")
        return session.device if session else devices.default()

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the text that is read (for the target's, `reader("decoder")`)."""
        return self.reader("encoder").tokenizer

    def reader(self, side: Side) -> Reader:
        """The tokenizer of a side with what is known of it; `target.json` for a decoder's."""
        two = side == "decoder" and self.card.family == "encoder-decoder"
        name = "target.json" if two and "target.json" in self.card.files else "tokenizer.json"
        with self._lock:
            found = self._readers.get(name)
            if found is not None:
                return found
            found = self._readers[name] = Reader(self.folder / name, here=came_along(self.folder))
        _make_room(self)
        return found

    def session(self, graph: Graph = "model") -> Session:
        """The shared session of a graph, opened at first use."""
        found = self._sessions.get(graph)
        return found or self._open(graph)

    def pack(self) -> None:
        """Keep its weights packed now, where they are at all, so that it opens quickly at once."""
        if self._packed.worth:
            for graph in ("model", "encoder"):
                if f"{graph}.onnx" in self.card.files:
                    self.session(graph)
            self.close()

    def whole(self, graph: Graph) -> slicing.Whole | None:
        """A graph in parts, without its weights; None where it cannot be cut."""
        with self._lock:
            if graph not in self._wholes:
                self._check_unchanged()
                self._wholes[graph] = slicing.read((self.folder / f"{graph}.onnx").read_bytes())
            return self._wholes[graph]

    def part(
        self,
        graph: Graph,
        given: Iterable[str],
        wanted: Iterable[str],
        types: Mapping[str, str] | None = None,
    ) -> devices.Part | None:
        """What computes `wanted` from `given` values, to be opened for one run (`opened`).

        None where the graph cannot be cut. What else it needs are inputs of the whole graph.
        `types`: see `slicing.Whole.cut`; without them, numbers are what the model computes in.
        """
        whole = self.whole(graph)
        if whole is None:
            return None
        given = tuple(given)
        computed = "float16" if self.card.precision == "fp16" else "float32"
        data, inputs = whole.cut(given, wanted, types or dict.fromkeys(given, computed))
        return devices.Part(data, self.folder, inputs)

    def in_place(self) -> tuple[Session, Edited] | None:
        """The session that writes with keys and values in their place, and its graph.

        None where the model has no such graph (`engine.models.in_place`) or ONNX Runtime refuses
        it, and where the model computes in halves, runs on a GPU, or is larger than the settings
        allow where its weights are in memory twice then, not kept packed.
        """
        stack = self.card.decoder
        if stack is None or self.card.precision == "fp16" or self.device.provider != "cpu":
            return None
        most = settings().in_place_mb * MB
        twice = self.card.parameters * SINGLE > most
        if not most or (twice and not self._packed.worth):
            return None
        whole = self.whole("model")
        with self._lock:
            if IN_PLACE not in self._edited:
                sizes = {"layers": stack.layers, "heads": stack.heads, "key_heads": stack.key_heads}
                self._edited[IN_PLACE] = whole and in_place.edited(whole, **sizes)
            edited = self._edited[IN_PLACE]
            if edited is None:
                return None
            if IN_PLACE not in self._sessions:
                part = devices.Part(edited.data, self.folder, edited.inputs, lasting=True)
                fresh = packing.session(self._packed, "write", part, self.device)
                if fresh is None and twice:
                    return None
                try:
                    self._sessions[IN_PLACE] = fresh or self.open_part(part)
                except devices.GraphError:
                    self._edited[IN_PLACE] = None
                    return None
            found = self._sessions[IN_PLACE]
        _make_room(self)
        return found, edited

    def open_part(self, part: devices.Part) -> Session:
        """A session of a part of a graph, which is the caller's to keep and to let go."""
        return Session(part, self.device, halves=self._halves)

    def run(
        self, graph: Graph, feeds: Mapping[str, np.ndarray], wanted: Iterable[str]
    ) -> dict[str, np.ndarray]:
        """Run a graph once, in its turn, and return the outputs named in `wanted`."""
        with self.opened(graph) as session:
            return session.run(feeds, list(wanted))

    @contextmanager
    def opened(self, graph: Graph, part: devices.Part | None = None) -> Iterator[Session]:
        """The session of a graph for one run, in its turn; of a part of it if one is given.

        A part is opened once its turn has come and is gone with the `with` block, so that no more
        of them are in memory than runs may take place.
        """
        with self.used():
            if part is not None:
                with self.turn():
                    yield self.open_part(part)
                return
            session = self.session(graph)
            with self.turn(session):
                yield session

    @contextmanager
    def turn(self, session: Session | None = None) -> Iterator[None]:
        """The place of one run; all models share the same few places.

        A GPU that fails becomes a sentence, and the next use opens on the CPU. Raises `Busy` for
        a visitor who had as many runs as a minute gives.
        """
        policy.check_run()
        asked = time.perf_counter()
        try:
            with slots()(), devices.watched(session.device if session else self.device):
                figures.WAIT_SECONDS.observe(time.perf_counter() - asked)
                with figures.RUN_SECONDS.time():
                    yield
            figures.RUNS.inc()
        except DeviceUnavailable:
            self.close()
            raise

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keep the sessions open for the `with` block."""
        self.hold()
        try:
            yield
        finally:
            self.release()

    def hold(self) -> None:
        """Count one more user of the sessions; each `hold` needs its `release`."""
        with self._lock:
            self._use.count += 1

    def release(self) -> None:
        """Count one user less; the last one closes the sessions if that was asked meanwhile."""
        with self._lock:
            self._use.count -= 1
            if self._use.closing and not self._use.count:
                self.close()

    def close(self) -> None:
        """Free all memory after the runs under way; the next use opens again what it needs."""
        with self._lock:
            self._use.closing = bool(self._use.count)
            if not self._use.count:
                held = (self._sessions, self._vectors, self._wholes, self._edited, self._readers)
                for one in held:
                    one.clear()

    @property
    def busy(self) -> bool:
        """Whether a run or a decoder needs the sessions now."""
        return self._use.count > 0

    @property
    def is_open(self) -> bool:
        """Whether any session is in memory."""
        return bool(self._sessions)

    @property
    def is_loaded(self) -> bool:
        """Whether any of its weights are in memory: sessions, graphs or matrices."""
        return bool(self._sessions or self._wholes or self._vectors)

    @property
    def is_held(self) -> bool:
        """Whether anything of it is in memory, be it a tokenizer alone."""
        return self.is_loaded or bool(self._readers)

    def vectors(self, name: str) -> Float[np.ndarray, "row width"]:
        """The "token" or "position" matrix in float32, read-only, from the weights' file."""
        matrix = self.card.vectors.get(name)
        if matrix is None:
            raise NotOffered(_without(self.card, name))
        with self._lock:
            found = self._vectors.get(name)
            if found is not None:
                return found
            found = self._vectors[name] = read_matrix(self.folder, matrix)
        _make_room(self)
        return found

    def _open(self, graph: Graph) -> Session:
        with self._lock:
            if graph not in self._sessions:
                if f"{graph}.onnx" not in self.card.files:
                    raise NotOffered(f"{self.card.title} has no {graph} graph.")
                self._check_unchanged()
                self._sessions[graph] = self._opened(graph)
            found = self._sessions[graph]
        _make_room(self)
        return found

    def _check_unchanged(self) -> None:
        if stamp(self.folder, self.card) != self.stamp:
            raise BrokenBundle(
                f"A file of {self.folder.name} was changed while it was in use. Try again."
            )

    def _opened(self, graph: Graph) -> Session:
        try:
            path, device = self.folder / f"{graph}.onnx", devices.default()
            found = packing.session(self._packed, graph, path, device) if graph != "rows" else None
            return found or Session(path, device, halves=self._halves)
        except devices.GraphError as error:
            raise BrokenBundle(
                f"{graph}.onnx of {self.folder.name} cannot be opened ({error}). "
                "Export the model again."
            ) from None


_bundles: OrderedDict[Path, Bundle] = OrderedDict()
_guard = threading.Lock()
_opening: dict[Path, threading.Lock] = {}


def open_bundle(folder: Path) -> Bundle:
    """The shared bundle of a folder; files are compared with the card again when they changed.

    Raises `BrokenBundle`, naming the file.
    """
    folder = folder.resolve()
    with _guard:
        gate = _opening.setdefault(folder, threading.Lock())
    with gate:
        found = _bundles.get(folder)
        if found is None or stamp(folder, found.card) != found.stamp:
            if found is not None:
                found.close()
            found = Bundle(folder)
        with _guard:
            _bundles[folder] = found
            _bundles.move_to_end(folder)
    return found


def opened() -> tuple[Bundle, ...]:
    """Bundles with sessions in memory, the one used last at the end."""
    with _guard:
        return tuple(bundle for bundle in _bundles.values() if bundle.is_open)


def forget(folder: Path) -> None:
    """Close a folder's bundle and drop it, before its files are deleted."""
    with _guard:
        found = _bundles.pop(folder.resolve(), None)
    if found is not None:
        found.close()


def _make_room(newest: Bundle) -> None:
    """Close bundles unused longest until no more are in memory than the settings allow."""
    with _guard:
        if newest.folder in _bundles:
            _bundles.move_to_end(newest.folder)
        every = tuple(_bundles.values())
    most = settings().open_models
    for here, bound in (
        ([bundle for bundle in every if bundle.is_loaded], most),
        ([bundle for bundle in every if bundle.is_held], most * READERS),
    ):
        spare = [bundle for bundle in here if bundle is not newest and not bundle.busy]
        for bundle in spare[: max(0, len(here) - bound)]:
            bundle.close()


def _without(card: Card, name: str) -> str:
    """Why a model has no matrix of that name, as a sentence."""
    ways = {
        "rotary": "it rotates queries and keys by their position",
        "alibi": "it lowers the scores of distant tokens",
        "relative": "it adds a learned bias of distances to the scores",
    }
    if name == "position" and card.positions in ways:
        return f"{card.title} adds no position vectors: {ways[card.positions]}."
    return f"{card.title} has no matrix of {name} vectors."
