"""Texts that are written elsewhere, as a front keeps them: shared by all its visitors, as ever.

    shelf.write(task, lines, viewer="session")      # what `engine.decoding.writing` promises

A stream brings each line's tokens; where its replica dies, another writes the same text, as a token
is a function of what is before it and of the seed, and is asked for those only that are not here
yet. Bounded by the number of tokens kept. Knows neither models nor pages.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from engine import policy
from engine.cluster.link import Link
from engine.cluster.origins import account
from engine.cluster.questions import Question
from engine.cluster.replicas import News
from engine.cluster.tasks import persistent
from engine.decoding.choosing import Written
from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.errors import Stopped
from engine.jobs import registry
from engine.jobs.registry import Job, Report

KIND = "write"  # what `engine.policy` knows the jobs by
TOKENS_KEPT = 60_000  # about 1.3 kB each
PATIENCE = 20.0  # seconds that a text goes on being written when nobody looks
VIEWERS_KEPT = 1000

Place = tuple[str, Task, Line]  # the digest of the model, what is asked, and the line


class _Column:
    """One line's tokens so far: one thread appends, any number read."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.job: Job | None = None
        self._tokens: list[Written] = []
        self._texts: list[str] = []
        self._seconds: list[float] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._tokens)

    @property
    def end(self) -> str:
        with self._lock:
            return self._tokens[-1].end if self._tokens else ""

    def add(self, news: News) -> None:
        """Append what is not here yet."""
        with self._lock:
            new = len(self._tokens) - news.start
            self._tokens += news.tokens[new:]
            self._texts += news.texts[new:]
            self._seconds += news.seconds[new:]

    def now(self) -> Generated:
        """As it is at this moment."""
        done = self.job is None or self.job.done  # first: a job may end in between
        with self._lock:
            tokens, texts = tuple(self._tokens), tuple(self._texts)
            seconds = tuple(self._seconds)
        ended = bool(tokens and tokens[-1].end)
        error = self.job.error if self.job is not None and not ended else None
        problem = None if isinstance(error, Stopped) else error
        return Generated(self.line, tokens, texts, seconds, not ended and not done, problem)


class Shelf:
    """The texts of one front; safe for threads."""

    def __init__(self, link: Link, ask: Callable[[Task, tuple[Line, ...]], Question]) -> None:
        """`ask` makes the question that asks for lines, with the digest of their model."""
        self._link, self._ask = link, ask
        self._columns: OrderedDict[Place, _Column] = OrderedDict()
        self._watched: OrderedDict[str, set[Job]] = OrderedDict()
        self._lock = threading.Lock()
        self._numbers = itertools.count()

    def write(
        self, task: Task, lines: Sequence[Line], *, viewer: str, patience: float
    ) -> tuple[Generated, ...]:
        """The texts of these lines; what is not here yet is begun, in one batch."""
        question = self._ask(task, tuple(lines))
        with self._lock:
            places = [_place(question, task, line) for line in lines]
            missing = [place for place in places if _wanting(self._columns.get(place))]
            if missing:
                fresh = {place: self._columns.get(place) or _Column(place[2]) for place in missing}
                job = self._begin(task, list(fresh.values()), viewer)
                for place, column in fresh.items():
                    column.job = job
                    self._columns[place] = column
            for place in places:
                self._columns.move_to_end(place)
            if not missing:
                account().note("write", "front")
            jobs = {job for place in places if (job := self._columns[place].job) is not None}
            self._make_room()
            self._turn(viewer, jobs)
        latest = time.monotonic() + patience
        for job in jobs:
            job.wait(max(0.0, latest - time.monotonic()))
        return self.look(task, lines, viewer=viewer)

    def look(self, task: Task, lines: Sequence[Line], *, viewer: str) -> tuple[Generated, ...]:
        """These lines as far as they are here; who looks keeps them being written."""
        question = self._ask(task, tuple(lines))
        with self._lock:
            columns = [self._columns.get(_place(question, task, line)) for line in lines]
        for job in _jobs(columns):
            if not job.done:
                job.watch(viewer)
        pairs = zip(columns, lines, strict=True)
        return tuple(Generated(line) if column is None else column.now() for column, line in pairs)

    def stop(self, task: Task, lines: Sequence[Line], *, viewer: str) -> None:
        """A viewer has seen enough; the writing ends if nobody else looks on."""
        question = self._ask(task, tuple(lines))
        with self._lock:
            columns = [self._columns.get(_place(question, task, line)) for line in lines]
        for job in _jobs(columns):
            job.cancel(viewer)

    def _begin(self, task: Task, columns: list[_Column], viewer: str) -> Job:
        question = self._ask(task, tuple(column.line for column in columns))

        def work(report: Report) -> None:
            def stream(turn: int):
                have = tuple(map(len, columns))
                return self._link.stream("write", question, have, turn=turn)

            for news in persistent(report, stream):
                for one in news:
                    columns[one.line].add(one)
                for _ in range(max((len(one.tokens) for one in news), default=0)):
                    policy.check_run()  # a step is a run of the visitor's minute, wherever it is
                report.progress(max(map(len, columns)) / task.limit)

        name = f"{KIND}:{task.model}:cluster {next(self._numbers)}"
        return registry.start(name, work, viewer=viewer, patience=PATIENCE)

    def _turn(self, viewer: str, jobs: set[Job]) -> None:
        """A viewer looks at these jobs, and at no other."""
        for job in self._watched.pop(viewer, set()) - jobs:
            job.cancel(viewer)
        if viewer:
            self._watched[viewer] = jobs
            while len(self._watched) > VIEWERS_KEPT:
                self._watched.popitem(last=False)

    def _make_room(self) -> None:
        """Forget columns unused longest, never one that is being written."""
        held = sum(map(len, self._columns.values()))
        for place, column in list(self._columns.items()):
            if held <= TOKENS_KEPT:
                return
            if column.end or column.job is None or column.job.done:
                held -= len(column)
                del self._columns[place]


def _place(question: Question, task: Task, line: Line) -> Place:
    return (question.model, task, line)


def _jobs(columns: Sequence[_Column | None]) -> set[Job]:
    return {column.job for column in columns if column is not None and column.job is not None}


def _wanting(column: _Column | None) -> bool:
    """Whether nobody is writing a line to its end."""
    if column is None:
        return True
    job = column.job
    return not column.end and job is not None and (job.done or job.cancelled)
