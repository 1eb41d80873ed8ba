"""Texts being written: who asks for a line that somebody is writing, or wrote lately, shares it.

In: a `Task` (model, prompt, seed, limit) and lines. Out: a `Generated` for each line, as far as it
is by now; a page looks as often as it likes while a job writes. Only lines that are not there yet
are written, all of them in one batch, so that changing one setting writes one column anew; a text
that was written with another limit is cut, or goes on from where it ended. Knows nothing of pages;
bounded by the number of tokens kept.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engine import policy
from engine.decoding import stopping
from engine.decoding.batch import encode
from engine.decoding.choosing import Written
from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.decoding.generation import Step, generate, longest, room_left
from engine.errors import Stopped
from engine.jobs import registry
from engine.jobs.registry import Job, Report
from engine.models.runtime import Bundle
from engine.models.slots import Slots

TOKENS_KEPT = 60_000  # about 1.3 kB each: 80 MB at most, beside the store
KIND = "write"  # what `engine.policy` knows the jobs by
STEPPING = 2  # batches that step at once, the rest take turns; in one a large model held up all
PATIENCE = 20.0  # seconds that a text goes on being written when nobody looks
VIEWERS_KEPT = 1000


def write(
    bundle: Bundle, task: Task, lines: Sequence[Line], *, viewer: str = "", patience: float = 0.0
) -> tuple[Generated, ...]:
    """The texts of these lines; what nobody has written yet is begun, in one batch.

    A viewer looks at one set of lines at a time: what they looked at before ends, if nobody else
    looks on. Texts that are whole within `patience` seconds are waited for. Raises `EmptyText`,
    `TextTooLong`, `NotAllowed` and `Busy`.
    """
    policy.check_writing(sum(max(1, line.beams) for line in lines), task.limit)
    room_left(bundle, longest(task.ids, lines))
    with _guard:
        found = {line: _shelf.get(_key(bundle, task, line)) for line in lines}
        missing = [line for line, column in found.items() if column is None or _given_up(column)]
        # A column that was given up is taken up again: its tokens come out the same.
        fresh = {line: found[line] or _with_other_limit(bundle, task, line) for line in missing}
        unfinished = {line: column for line, column in fresh.items() if not column.end}
        if unfinished:
            job = _begin(bundle, task, unfinished, viewer)
            for column in unfinished.values():
                column.job = job
        for line, column in fresh.items():
            _shelf[_key(bundle, task, line)] = column
        for line in lines:
            _shelf.move_to_end(_key(bundle, task, line))
        _make_room()
        jobs = {job for line in lines if (job := _shelf[_key(bundle, task, line)].job)}
        _turn(viewer, jobs)
    latest = time.monotonic() + patience
    for job in jobs:
        job.wait(max(0.0, latest - time.monotonic()))
    return look(bundle, task, lines, viewer=viewer)


def look(
    bundle: Bundle, task: Task, lines: Sequence[Line], *, viewer: str = ""
) -> tuple[Generated, ...]:
    """These lines as far as they are written; nothing is begun.

    What nobody looks at is not written to its end.
    """
    columns = [_shelf.get(_key(bundle, task, line)) for line in lines]
    for job in {column.job for column in columns if column and column.job}:
        if not job.done:
            job.watch(viewer)
    pairs = zip(columns, lines, strict=True)
    return tuple(Generated(line) if column is None else column.now() for column, line in pairs)


def stop(bundle: Bundle, task: Task, lines: Sequence[Line], *, viewer: str = "") -> None:
    """A viewer has seen enough; the writing ends if nobody else looks on."""
    columns = [_shelf.get(_key(bundle, task, line)) for line in lines]
    for job in {column.job for column in columns if column and column.job}:
        job.cancel(viewer)


def under_way() -> int:
    """How many batches of texts are being written now, for all viewers together."""
    return sum(job.kind == KIND for job in registry.running())


# --- Columns: what is shared and grows -----------------------------------------------------------


class _Column:
    """One line's tokens so far: one thread appends, any number read."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.tokens: list[Written] = []
        self.texts: list[str] = []
        self.seconds: list[float] = []
        self.job: Job | None = None
        self._writer: object = None
        self._lock = threading.Lock()

    def belong_to(self, writer: object) -> None:
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

    def now(self) -> Generated:
        """As it is at this moment."""
        # First whether it is done: a job that ends in between has written more than was looked at,
        # and its text would seem to be stopped.
        done = self.job is None or self.job.done
        with self._lock:
            tokens, texts, seconds = tuple(self.tokens), tuple(self.texts), tuple(self.seconds)
        ended = bool(tokens and tokens[-1].end)
        writing = not ended and not done
        error = self.job.error if self.job is not None and not ended else None
        problem = None if isinstance(error, Stopped) else error
        return Generated(self.line, tokens, texts, seconds, writing, problem)

    @property
    def end(self) -> str:
        return self.tokens[-1].end if self.tokens else ""


class _Key(NamedTuple):
    """What makes a text what it is: the state of the model's files, the task, the line."""

    model: Hashable
    task: Task
    line: Line


_shelf: OrderedDict[_Key, _Column] = OrderedDict()
_watched: OrderedDict[str, set[Job]] = OrderedDict()  # by viewer
_guard = threading.Lock()
_numbers = itertools.count()
_places = Slots(STEPPING)


def _key(bundle: Bundle, task: Task, line: Line) -> _Key:
    return _Key(bundle.digest, task, line)


def _turn(viewer: str, jobs: set[Job]) -> None:
    """A viewer looks at these jobs, and at no other."""
    for job in _watched.pop(viewer, set()) - jobs:
        job.cancel(viewer)
    if viewer:
        _watched[viewer] = jobs
        while len(_watched) > VIEWERS_KEPT:
            _watched.popitem(last=False)


def _given_up(column: _Column) -> bool:
    """Whether nobody is going to finish this column."""
    job = column.job
    return not column.end and job is not None and (job.done or job.cancelled)


def _with_other_limit(bundle: Bundle, task: Task, line: Line) -> _Column:
    """A new column, begun with the tokens of the same line under another limit.

    Tokens are functions of what is before them, so that a limit only cuts. Not so in a beam search.
    """
    column = _Column(line)
    if line.beams:
        return column
    best: _Column | None = None
    for key, known in _shelf.items():
        if key == _key(bundle, replace(task, limit=key.task.limit), line):
            best = known if best is None or len(known.tokens) > len(best.tokens) else best
    if best is None:
        return column
    whole = best.now()
    tokens = list(whole.tokens[: task.limit])
    if tokens and tokens[-1].end in ("", "limit"):
        if len(tokens) == task.limit:
            tokens[-1] = replace(tokens[-1], end="limit")
        else:
            tokens.pop()  # written once more, as it may now end for another reason
    column.tokens, column.texts = tokens, list(whole.texts[: len(tokens)])
    column.seconds = list(whole.seconds[: len(tokens)])
    return column


def _make_room() -> None:
    """Forget columns unused longest, never one that is being written."""
    held = sum(len(column.tokens) for column in _shelf.values())
    for key, column in list(_shelf.items()):
        if held <= TOKENS_KEPT:
            return
        if column.end or column.job is None or column.job.done:
            held -= len(column.tokens)
            del _shelf[key]


def _begin(bundle: Bundle, task: Task, fresh: dict[Line, _Column], viewer: str) -> Job:
    lines = list(fresh)
    for column in fresh.values():
        column.belong_to(fresh)

    def work(report: Report) -> None:
        read = encode(bundle, np.array([task.source])) if task.source else None
        reader = bundle.reader("decoder")
        steps = generate(
            bundle,
            task.ids,
            lines,
            seed=task.seed,
            limit=task.limit,
            ends=stopping.stop_test(reader, task.stops),
            source=read,
        )
        spent = 0.0
        spellers = [stopping.Speller(reader) for _ in lines]
        try:
            while (step := _turn_of(steps)) is not None:
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
    name = f"{KIND}:{task.model}:{next(_numbers)}"
    return registry.start(name, work, viewer=viewer, patience=PATIENCE)


def _turn_of(steps: Iterator[Step]) -> Step | None:
    """The next step, in its turn; None after the last.

    A page that needs a model run, or the interpreter, waits behind as many as step at once.
    """
    with _places():
        return next(steps, None)
