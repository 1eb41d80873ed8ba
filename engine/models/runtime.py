"""Opened bundles: ONNX Runtime sessions shared by all users, on the device that really answers.

In: a bundle's folder. Out: a `Bundle`, whose `run` takes arrays by the graph's input names and
gives those outputs that were asked for. It knows nothing of texts; `tokens` and `tracing` do.

A `Bundle` is a handle that stays valid: its sessions open at first use, are closed when more
models are open than the settings allow (the one unused longest first, never one in use), and open
again when needed. At most `ATLAS_RUNS` runs happen at once, the others wait in the order in
which they came.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float

from engine.errors import BrokenBundle, DeviceUnavailable, NotOffered
from engine.models import device as devices
from engine.models import slicing
from engine.models.bundle import Card, Stamp, read_card, read_matrix, stamp, verify
from engine.models.device import Device
from engine.models.verified import remember, verified_before
from engine.settings import cores, settings
from engine.tokenizers.reader import Reader, came_along
from engine.values import Side

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Graph = Literal["model", "encoder", "rows", "lens"]
DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


class Slots:
    """At most `count` holders at once; the rest get their turn in the order in which they came."""

    def __init__(self, count: int) -> None:
        """Make `count` places."""
        self._lock = threading.Lock()
        self._free = count
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Wait for a place, hold it for the `with` block, hand it to who waits longest."""
        self._take()
        try:
            yield
        finally:
            self._give()

    def _take(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Event()
            self._waiting.append(turn)
        try:
            turn.wait()
        except BaseException:
            self._leave(turn)
            raise

    def _give(self) -> None:
        # The place goes straight to the next in line: a newcomer cannot slip in between.
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _leave(self, turn: threading.Event) -> None:
        with self._lock:
            if not turn.is_set():
                self._waiting.remove(turn)
                return
        self._give()

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)


class Session:
    """One graph, opened: its inputs with their types, and its outputs' names."""

    def __init__(self, graph: Path | devices.Part, device: Device) -> None:
        """Open `graph` on `device`; `self.device` is where it really runs."""
        self.ort, self.device = devices.open_session(graph, device, settings().threads or cores())
        self.inputs: dict[str, Any] = {node.name: node for node in self.ort.get_inputs()}
        self.outputs = frozenset(node.name for node in self.ort.get_outputs())

    def dtype(self, name: str) -> type[np.generic]:
        """The numpy type of an input."""
        return DTYPES[self.inputs[name].type]


@dataclass(slots=True)
class _Use:
    """How many runs and decoders need the sessions now, and whether they are to be closed after."""

    count: int = 0
    closing: bool = False


class Bundle:
    """One model, opened: card, tokenizers, sessions. Shared by threads."""

    def __init__(self, folder: Path) -> None:
        """Read the card and check every file; tokenizers and sessions open later."""
        self.folder = folder
        self.card: Card = read_card(folder)
        self.stamp: Stamp = stamp(folder, self.card)
        record = settings().models / ".verified.json"
        if not verified_before(record, folder, self.stamp):
            verify(folder, self.card)
            remember(record, folder, self.stamp)
        self._lock = threading.RLock()
        self._use = _Use()
        self._sessions: dict[str, Session] = {}
        self._readers: dict[str, Reader] = {}
        self._vectors: dict[str, np.ndarray] = {}
        self._wholes: dict[str, slicing.Whole | None] = {}

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
            if name not in self._readers:
                self._readers[name] = Reader(self.folder / name, here=came_along(self.folder))
            return self._readers[name]

    def session(self, graph: Graph = "model") -> Session:
        """The shared session of a graph, opened at first use."""
        found = self._sessions.get(graph)
        return found or self._open(graph)

    def part(self, graph: Graph, given: Iterable[str], wanted: Iterable[str]) -> Session | None:
        """A session that computes `wanted` from `given` outputs; the caller's, to be dropped.

        None where the graph cannot be cut. What else it needs are inputs of the whole graph.
        """
        with self._lock:
            if graph not in self._wholes:
                self._check_unchanged()
                self._wholes[graph] = slicing.read((self.folder / f"{graph}.onnx").read_bytes())
            whole = self._wholes[graph]
        if whole is None:
            return None
        cut = devices.Part(whole.part(given, wanted), self.folder)
        return Session(cut, self.device)

    def run(
        self,
        graph: Graph,
        feeds: Mapping[str, np.ndarray],
        wanted: Iterable[str],
        *,
        large: bool = False,
        session: Session | None = None,
    ) -> dict[str, np.ndarray]:
        """Run a graph once, in its turn, and return the outputs named in `wanted`.

        `large` gives the memory of the run back afterwards, which ONNX Runtime else keeps.
        `session` is a part of that graph, from `part`.
        """
        names = list(wanted)
        with self.used():
            session = session or self.session(graph)
            with self.turn(session):
                options = devices.shrinking(session.device) if large else None
                found = session.ort.run(names, dict(feeds), options)
        return {name: np.asarray(value) for name, value in zip(names, found, strict=True)}

    @contextmanager
    def slot(self) -> Iterator[None]:
        """The place of one run; all models share the same few places."""
        with slots()():
            yield

    @contextmanager
    def turn(self, session: Session) -> Iterator[None]:
        """The slot, with a GPU that fails turned into a sentence; the next use opens on the CPU."""
        try:
            with self.slot(), devices.watched(session.device):
                yield
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
        """Free the sessions' memory after the runs under way; the next use opens them again."""
        with self._lock:
            self._use.closing = bool(self._use.count)
            if not self._use.count:
                self._sessions.clear()
                self._vectors.clear()

    @property
    def busy(self) -> bool:
        """Whether a run or a decoder needs the sessions now."""
        return self._use.count > 0

    @property
    def is_open(self) -> bool:
        """Whether any session is in memory."""
        return bool(self._sessions)

    def vectors(self, name: str) -> Float[np.ndarray, "row width"]:
        """The "token" or "position" matrix in float32, read-only, from the weights' file."""
        matrix = self.card.vectors.get(name)
        if matrix is None:
            raise NotOffered(f"{self.card.title} has no matrix of {name} vectors.")
        with self._lock:
            if name not in self._vectors:
                self._vectors[name] = read_matrix(self.folder, matrix)
            return self._vectors[name]

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
            return Session(self.folder / f"{graph}.onnx", devices.default())
        except devices.GraphError as error:
            raise BrokenBundle(
                f"{graph}.onnx of {self.folder.name} cannot be opened ({error}). "
                "Export the model again."
            ) from None


_bundles: OrderedDict[Path, Bundle] = OrderedDict()
_guard = threading.Lock()
_opening: dict[Path, threading.Lock] = {}
_slots: list[Slots] = []


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


def slots() -> Slots:
    """The places for runs, one set in the process."""
    with _guard:
        if not _slots:
            _slots.append(Slots(settings().runs))
        return _slots[0]


def _make_room(newest: Bundle) -> None:
    """Close bundles unused longest until no more are open than the settings allow."""
    with _guard:
        if newest.folder in _bundles:
            _bundles.move_to_end(newest.folder)
    here = opened()
    spare = [bundle for bundle in here if bundle is not newest and not bundle.busy]
    for bundle in spare[: max(0, len(here) - settings().open_models)]:
        bundle.close()
