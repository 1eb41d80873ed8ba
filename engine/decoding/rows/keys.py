"""The keys and values of a batch that grows: joined by the graph, or written into one buffer.

`Joined` runs `model.onnx`: what a step returns as `present` is bound as `past` of the next, and
where rows change their places the graph `rows` puts the past in order first. It takes any rows,
heads that are switched off, and a GPU. `InPlace` runs the graph of `engine.models.in_place` on the
CPU: past and present are one buffer, a row's newest key and value go behind its own last ones, and
rows that move are copied, those that stay are not. What it cannot take it hands to a `Joined`.

Both read ids and give logits; they know nothing of sampling, of texts and of ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Int
from onnxruntime import IOBinding, OrtValue

from engine.models.feeds import Off, empty_past, head_masks, text_feeds
from engine.models.in_place import LENGTHS, TOTAL, Edited
from engine.models.runtime import Bundle
from engine.models.sessions import Session

SPARE = 64  # places of a buffer beyond those that the prompt takes, at first


@dataclass(frozen=True, slots=True)
class Asked:
    """What a step is asked: new ids, which tokens of each row are real so far, what else is fed.

    `mask` covers past and new tokens; `feeds` and `bound` are of the source that is read.
    """

    ids: Int[np.ndarray, "row token"]
    mask: Bool[np.ndarray, "row past_plus_token"]
    feeds: Mapping[str, np.ndarray]
    bound: Mapping[str, OrtValue]


class Keys(Protocol):
    """Keys and values of a batch, and the session that adds to them."""

    session: Session

    @property
    def nbytes(self) -> int:
        """Bytes of the keys and values of all rows, without what a buffer keeps spare."""
        ...

    def move(self, rows: Int[np.ndarray, "row"]) -> None:
        """Let row i go on from row `rows[i]`."""
        ...

    def read(self, asked: Asked) -> Float[np.ndarray, "row vocabulary"] | None:
        """Read new tokens; logits at the last of each row. None where `joined` must do it."""
        ...

    def copy(self) -> Keys:
        """The same keys and values, to go on from the same point."""
        ...

    def joined(self) -> Joined:
        """The same keys and values as a graph that joins them takes them."""
        ...


class Joined:
    """Keys and values that never leave ONNX Runtime; each step makes them anew, one longer."""

    def __init__(
        self, bundle: Bundle, off: Off = (), past: dict[str, OrtValue] | None = None
    ) -> None:
        """Begin empty, or with a past."""
        self._bundle = bundle
        self.session = bundle.session("model")
        self._rows = bundle.session("rows")
        self._constant = head_masks(self.session, own="decoder", off=off)
        self._kept = sorted(name for name in self.session.outputs if name.startswith("present."))
        self._past = past or {}

    @property
    def nbytes(self) -> int:
        """Bytes of the past."""
        return sum(value.tensor_size_in_bytes() for value in self._past.values())

    def move(self, rows: Int[np.ndarray, "row"]) -> None:
        """Put the past in order, in a run of its own."""
        self._past = ordered(self._bundle, self._past, rows, kind="past")

    def read(self, asked: Asked) -> Float[np.ndarray, "row vocabulary"]:
        """One run."""
        feeds = self._constant | text_feeds(
            self.session, asked.ids, mask=asked.mask, first=(asked.ids.shape[1] - 1,)
        )
        if not self._past:
            feeds |= empty_past(self.session, len(asked.ids))
        found = run_bound(
            self._bundle,
            self.session,
            {**feeds, **asked.feeds},
            bound=self._past | dict(asked.bound),
            kept=self._kept,
            fetched=("logits",),
        )
        logits = found.pop("logits").numpy()
        self._past = _renamed(found, "present", "past")
        return logits[:, -1].astype(np.float32, copy=False)

    def copy(self) -> Joined:
        """The past is shared: a step replaces it, and changes none."""
        twin = Joined.__new__(Joined)
        twin.__dict__.update(self.__dict__)
        return twin

    def joined(self) -> Joined:
        """Itself."""
        return self


@dataclass(frozen=True, slots=True)
class _Laid:
    """A binding of the first rows of a buffer, and the values of a source that it was given."""

    binding: IOBinding
    buffer: np.ndarray
    rows: int
    given: dict[str, OrtValue]


class InPlace:
    """Keys and values in one buffer [2 x layer, row, key head, place, dim] of float32.

    Row r holds its own tokens from place 0 on, however its prompt was filled up: `_lengths[r]`.
    While rows and buffer stay, so do their bindings: of a step only what is new is bound.
    """

    def __init__(self, bundle: Bundle, session: Session, edited: Edited) -> None:
        """Begin empty."""
        self._bundle, self.session, self._edited = bundle, session, edited
        self._names = sorted(name for name in session.inputs if name.startswith("past."))
        _, self._heads, _, self._dim = session.inputs[self._names[0]].shape
        self._constant = head_masks(session, own="decoder", off=())
        self._vocabulary = _last_axis(session, "logits")
        self._lengths = np.zeros(0, dtype=np.int64)
        self._buffer = np.zeros((len(self._names), 0, self._heads, 0, self._dim), np.float32)
        self._laid: _Laid | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the used part of the buffer."""
        each = len(self._names) * self._heads * self._dim * self._buffer.itemsize
        return int(self._lengths.sum()) * each

    def move(self, rows: Int[np.ndarray, "row"]) -> None:
        """Copy the rows that change their place; more rows than there were take a new buffer."""
        used, count = int(self._lengths.max(initial=0)), len(rows)
        if count > self._buffer.shape[1]:
            old = self._buffer
            self._buffer = self._empty(count, old.shape[3])
            self._buffer[:, :, :, :used] = old[:, rows, :, :used]
        else:
            changed = np.flatnonzero(rows != np.arange(count))
            # Taken out whole before any is put in: a row may be both.
            self._buffer[:, changed, :, :used] = self._buffer[:, rows[changed], :, :used]
        self._lengths = self._lengths[rows]

    def read(self, asked: Asked) -> Float[np.ndarray, "row vocabulary"] | None:
        """One run; None for several new tokens of several rows that have a past."""
        count, new = asked.ids.shape
        first = not self._lengths.any()
        if not first and new > 1 and count > 1:
            return None
        if first:
            self._lengths = np.zeros(count, dtype=np.int64)
            real = asked.mask.sum(axis=1)
            ids, ends = _to_the_left(asked.ids, asked.mask), np.unique(real - 1)
        else:
            real, ids, ends = new, asked.ids, np.array([new - 1])
        before, after = self._lengths, self._lengths + real
        total = int(after.max())
        self._reserve(count, total)
        logits = self._run(asked, ids, before, after, total, ends)
        self._lengths = after
        if len(ends) == 1:
            return logits[:, 0]
        return logits[np.arange(count), np.searchsorted(ends, real - 1)]

    def copy(self) -> InPlace:
        """A step changes the buffer, so the twin has its own."""
        twin = InPlace.__new__(InPlace)
        twin.__dict__.update(self.__dict__)
        twin._buffer, twin._laid = self._buffer.copy(), None
        return twin

    def joined(self) -> Joined:
        """The used part, rows of unequal length filled up at their left as the graph wants them."""
        total = int(self._lengths.max(initial=0))
        past = {}
        for name, buffer in zip(self._names, self._buffer, strict=True):
            values = np.zeros((len(self._lengths), self._heads, total, self._dim), np.float32)
            for row, length in enumerate(self._lengths):
                values[row, :, total - length :] = buffer[row, :, :length]
            past[name] = OrtValue.ortvalue_from_numpy(values)
        return Joined(self._bundle, past=past if total else None)

    def _run(
        self,
        asked: Asked,
        ids: np.ndarray,
        before: np.ndarray,
        after: np.ndarray,
        total: int,
        ends: np.ndarray,
    ) -> np.ndarray:
        count, longest = len(ids), int(before.max())
        shape = np.array([count, self._heads, longest, self._dim])
        feeds: dict[str, np.ndarray] = {
            **self._constant,
            **text_feeds(
                self.session, ids, mask=_counted(before, ids.shape[1], after), first=ends.tolist()
            ),
            **asked.feeds,
            LENGTHS: (after - 1).astype(np.int32),
            TOTAL: np.array([total], dtype=np.int32),
            **{name: shape[start:end] for name, (start, end) in self._edited.shapes.items()},
        }
        laid = self._bound(count)
        binding = laid.binding
        for name, array in feeds.items():
            if name in self.session.inputs:
                binding.bind_cpu_input(name, array)
        for name, value in asked.bound.items():
            if name in self.session.inputs and laid.given.get(name) is not value:
                binding.bind_ortvalue_input(name, value)
                laid.given[name] = value
        logits = np.empty((count, len(ends), self._vocabulary), np.float32)
        binding.bind_output("logits", "cpu", 0, np.float32, logits.shape, logits.ctypes.data)
        with self._bundle.turn(self.session):
            self.session.ort.run_with_iobinding(binding)
        return logits

    def _bound(self, count: int) -> _Laid:
        """A binding whose past and present are the first `count` rows of the buffer."""
        if self._laid is None or self._laid.buffer is not self._buffer or self._laid.rows != count:
            binding = self.session.ort.io_binding()
            for name, buffer in zip(self._names, self._buffer, strict=True):
                # Rows left out lie behind the others: the first `count` are one piece.
                place = (np.float32, (count, *buffer.shape[1:]), buffer.ctypes.data)
                binding.bind_input(name, "cpu", 0, *place)
                binding.bind_output(name.replace("past", "present", 1), "cpu", 0, *place)
            self._laid = _Laid(binding, self._buffer, count, {})
        return self._laid

    def _reserve(self, rows: int, places: int) -> None:
        """Have room for so many rows and places; twice as many as before where that is not so."""
        _, had, _, room, _ = self._buffer.shape
        if rows <= had and places <= room:
            return
        limit = self._bundle.card.limit or places + max(places, SPARE)
        wanted = max(places, min(limit, max(2 * room, places + SPARE)))
        old, used = self._buffer, int(self._lengths.max(initial=0))
        self._buffer = self._empty(max(rows, had), wanted)
        self._buffer[:, :had, :, :used] = old[:, :, :, :used]

    def _empty(self, rows: int, places: int) -> np.ndarray:
        return np.zeros((len(self._names), rows, self._heads, places, self._dim), np.float32)


def _last_axis(session: Session, name: str) -> int:
    """The size of an output's last axis, which is the same in every run."""
    found = next(node.shape[-1] for node in session.ort.get_outputs() if node.name == name)
    if not isinstance(found, int):
        raise RuntimeError(f"the graph does not say how wide {name} are")
    return found


def _to_the_left(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Rows that were filled up at their left, filled up at their right."""
    if mask.all():
        return ids
    moved = np.zeros_like(ids)
    for row, real in enumerate(mask):
        moved[row, : real.sum()] = ids[row, real]
    return moved


def _counted(before: np.ndarray, new: int, after: np.ndarray) -> np.ndarray:
    """A mask [row, longest past + new] in which counting gives each new token its position."""
    past = np.arange(int(before.max())) < before[:, None]
    fresh = np.arange(new) < (after - before)[:, None]
    return np.concatenate([past, fresh], axis=1)


def ordered(
    bundle: Bundle, values: dict[str, OrtValue], rows: np.ndarray, *, kind: str
) -> dict[str, OrtValue]:
    """Keys and values, row i the row `rows[i]` of those given."""
    session = bundle.session("rows")
    given = _renamed(values, kind, "present")
    found = run_bound(bundle, session, {"rows": rows}, bound=given, kept=sorted(session.outputs))
    return _renamed(found, "past", kind)


def _renamed(values: dict[str, OrtValue], old: str, new: str) -> dict[str, OrtValue]:
    return {name.replace(f"{old}.", f"{new}.", 1): value for name, value in values.items()}


def run_bound(
    bundle: Bundle,
    session: Session,
    feeds: Mapping[str, np.ndarray],
    *,
    bound: Mapping[str, OrtValue] | None = None,
    kept: Sequence[str] = (),
    fetched: Sequence[str] = (),
) -> dict[str, OrtValue]:
    """One run in its turn: `kept` outputs stay on the device, `fetched` ones come to the CPU."""
    binding = session.ort.io_binding()
    for name, array in feeds.items():
        binding.bind_cpu_input(name, array)
    for name, value in (bound or {}).items():
        if name in session.inputs:
            binding.bind_ortvalue_input(name, value)
    for name in kept:
        binding.bind_output(name, session.device.provider)
    for name in fetched:
        binding.bind_output(name, "cpu")
    with bundle.turn(session):
        session.ort.run_with_iobinding(binding)
    return dict(zip([*kept, *fetched], binding.get_outputs(), strict=True))
