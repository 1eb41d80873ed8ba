"""Texts being written: who asks for a line that somebody is writing, or wrote lately, shares it.

In: a `Task` (model, prompt, seed, limit) and lines. Out: a `Column` for each line, which fills
while a job writes it; a page looks at it as often as it likes. Only lines that are not there yet
are written, all of them in one batch, so that changing one setting writes one column anew. Knows
nothing of pages; bounded by the number of tokens kept.
"""

from __future__ import annotations

import codecs
import itertools
import math
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.decoding.batch import encode
from engine.decoding.choosing import End, Written
from engine.decoding.continuation import Line
from engine.decoding.generation import generate, room_left
from engine.errors import Stopped
from engine.jobs import registry
from engine.jobs.registry import Job, Report
from engine.models.runtime import Bundle
from engine.tokenizers import tokens

TOKENS_KEPT = 60_000  # about 1.3 kB each: 80 MB at most, beside the store
PATIENCE = 20.0  # seconds that a text goes on being written when nobody looks


@dataclass(frozen=True, slots=True)
class Task:
    """What all columns of a comparison have in common; `stop` is a text that ends a line.

    `source` are the ids that an encoder reads; `ids` are then what its decoder begins with.
    """

    model: str
    ids: tuple[int, ...]
    source: tuple[int, ...] = ()
    seed: int = 0
    limit: int = 40
    stop: str = ""

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be in [0, {2**32 - 1:,}], got {self.seed}")
        if self.limit < 1:
            raise ValueError(f"limit must be at least 1, got {self.limit}")


class Column:
    """One line's tokens so far: one thread appends, any number read.

    `texts[i]` is what token i adds to the text on screen: a character that several tokens share
    comes with the last of them, the others add "".
    """

    def __init__(self, line: Line) -> None:
        """Begin with nothing written."""
        self.line = line
        self.tokens: list[Written] = []
        self.texts: list[str] = []
        self.seconds: list[float] = []
        self.job: Job | None = None
        self._writer: object = None
        self._lock = threading.Lock()

    def taken_by(self, writer: object) -> None:
        """Let this writer, and no earlier one, add tokens from now on."""
        with self._lock:
            self._writer = writer

    def add(self, writer: object, token: Written, text: str, seconds: float) -> None:
        """Append a token, unless it is here already: who goes on begins at the prompt."""
        with self._lock:
            if self._writer is writer and token.place == len(self.tokens):
                self.texts.append(text)
                self.seconds.append(seconds)
                self.tokens.append(token)

    def frozen(self) -> Column:
        """A copy that grows no more, for who stopped while others look on."""
        twin = Column(self.line)
        twin.tokens = self.tokens[:]
        twin.texts = self.texts[: len(twin.tokens)]
        twin.seconds = self.seconds[: len(twin.tokens)]
        return twin

    @property
    def end(self) -> End:
        """Why the line ended, "" while it has not."""
        return self.tokens[-1].end if self.tokens else ""

    @property
    def writing(self) -> bool:
        """Whether tokens may still come."""
        return not self.end and self.job is not None and not self.job.done

    @property
    def ids(self) -> list[int]:
        """Ids of the new tokens."""
        return [token.id for token in self.tokens]


@dataclass(frozen=True, slots=True)
class Statistics:
    """A column in numbers; `distinct` and `repeated` are None while there are too few tokens.

    `surprise` is the mean of -log p in nats under the model's own distribution, forced tokens left
    out, and `perplexity` its exponential. `distinct` is the share of pairs of neighbours that are
    different from each other, `repeated` the share of sequences of four that came before.
    """

    length: int
    surprise: float
    perplexity: float
    entropy: float
    distinct: float | None
    repeated: float | None
    seconds: float
    milliseconds: float


def columns(
    bundle: Bundle,
    task: Task,
    lines: Sequence[Line],
    *,
    viewer: str = "",
) -> tuple[Column, ...]:
    """The columns of these lines; what nobody has written yet is begun, in one batch.

    Raises `EmptyText`, `TextTooLong` and `Busy`.
    """
    room_left(bundle, len(task.ids))
    with _guard:
        found = {line: _shelf.get(_key(bundle, task, line)) for line in lines}
        missing = [line for line, column in found.items() if column is None or _given_up(column)]
        # A column that was given up is taken up again: its tokens come out the same.
        fresh = {line: found[line] or Column(line) for line in missing}
        if fresh:
            job = _begin(bundle, task, fresh, viewer)
            for line, column in fresh.items():
                column.job = job
                _shelf[_key(bundle, task, line)] = column
        found |= fresh
        for line in lines:
            _shelf.move_to_end(_key(bundle, task, line))
        _make_room()
    picked = tuple(column for line in lines if (column := found[line]) is not None)
    watch(picked, viewer)
    return picked


def watch(shown: Sequence[Column], viewer: str) -> None:
    """Say that a viewer is looking: what nobody looks at is not written to its end."""
    for job in {column.job for column in shown if column.job and not column.job.done}:
        job.watch(viewer)


def stop(shown: Sequence[Column], viewer: str) -> None:
    """A viewer has seen enough; the writing ends if nobody else looks on."""
    for job in {column.job for column in shown if column.job}:
        job.cancel(viewer)


def statistics(column: Column, shown: int | None = None) -> Statistics:
    """Measure the first `shown` tokens of a column (at first all)."""
    written = column.tokens[:shown]
    ids = [token.id for token in written]
    own = [-math.log(max(token.probability, 1e-30)) for token in written if not token.forced]
    surprise = sum(own) / len(own) if own else 0.0
    seconds = sum(column.seconds[: len(written)])
    return Statistics(
        length=len(written),
        surprise=surprise,
        perplexity=math.exp(surprise),
        entropy=sum(token.entropy for token in written) / len(written) if written else 0.0,
        distinct=_distinct(ids, 2),
        repeated=None if (share := _distinct(ids, 4)) is None else 1 - share,
        seconds=seconds,
        milliseconds=1000 * seconds / len(written) if written else 0.0,
    )


def parting(first: Sequence[int], second: Sequence[int]) -> int | None:
    """Index of the first token in which two texts differ; None while one begins the other.

    >>> parting([1, 2, 3], [1, 2, 4, 5])
    2
    """
    for index, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return index
    return None


def _distinct(ids: Sequence[int], size: int) -> float | None:
    """Share of different sequences among all of this size."""
    found = Counter(zip(*(ids[i:] for i in range(size)), strict=False))
    return len(found) / found.total() if found else None


# --- The shelf of columns ------------------------------------------------------------------------

_shelf: OrderedDict[Hashable, Column] = OrderedDict()
_guard = threading.Lock()
_numbers = itertools.count()


def _key(bundle: Bundle, task: Task, line: Line) -> Hashable:
    return (bundle.digest, task, line)


def _given_up(column: Column) -> bool:
    """Whether nobody is going to finish this column."""
    job = column.job
    return not column.end and job is not None and (job.done or job.cancelled)


def _make_room() -> None:
    """Forget columns unused longest, never one that is being written."""
    held = sum(len(column.tokens) for column in _shelf.values())
    for key, column in list(_shelf.items()):
        if held <= TOKENS_KEPT:
            return
        if not column.writing:
            held -= len(column.tokens)
            del _shelf[key]


def _begin(
    bundle: Bundle,
    task: Task,
    fresh: dict[Line, Column],
    viewer: str,
) -> Job:
    lines = list(fresh)
    for column in fresh.values():
        column.taken_by(fresh)

    def work(report: Report) -> None:
        read = encode(bundle, np.array([task.source])) if task.source else None
        steps = generate(
            bundle,
            task.ids,
            lines,
            seed=task.seed,
            limit=task.limit,
            ends=_stop_test(bundle, task.stop),
            source=read,
        )
        spent = 0.0
        spellers = [Speller(bundle) for _ in lines]
        try:
            for step in steps:
                spent += step.seconds
                for token in step.written:
                    text = spellers[token.line].add(token.id)
                    column = fresh[lines[token.line]]
                    # A beam search gives its tokens at once: its time is shared out among them.
                    passed = spent / (step.index + 1) if column.line.beams else step.seconds
                    column.add(fresh, token, text, passed)
                report.progress((step.index + 1) / task.limit)
                report.check()
        finally:
            steps.close()

    # Columns are what is shared, on the shelf: no two jobs write the same, so each has its own key.
    name = f"write:{task.model}:{next(_numbers)}"
    return registry.start(name, work, viewer=viewer, patience=PATIENCE)


def _stop_test(bundle: Bundle, stop_text: str) -> Callable[[Sequence[int]], bool] | None:
    if not stop_text:
        return None
    return lambda new: stop_text in tokens.detokenize(bundle, new)


class Speller:
    """Spells a text token by token, so that joined pieces are the text, whatever a token cuts."""

    def __init__(self, bundle: Bundle) -> None:
        """Begin a text."""
        self._reader = bundle.reader("decoder")
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, token_id: int) -> str:
        """What the next token adds; "" while a character is not whole yet."""
        data = self._reader.data(token_id)
        if data:
            return self._decoder.decode(data)
        return self._decoder.decode(b"", final=True) + self._reader.piece(token_id)


def written_text(column: Column) -> Iterator[str]:
    """The pieces of a column's text, without an end token."""
    for text, token in zip(column.texts, column.tokens, strict=False):
        if token.end != "end":
            yield text


def finished(shown: Sequence[Column]) -> bool:
    """Whether nothing is being written any more."""
    return not any(column.writing for column in shown)


def problem(shown: Sequence[Column]) -> Exception | None:
    """What went wrong while writing, a person's stop apart."""
    for column in shown:
        error = column.job.error if column.job else None
        if error is not None and not isinstance(error, Stopped):
            return error
    return None
