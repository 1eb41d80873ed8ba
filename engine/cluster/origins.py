"""Where answers came from: the front's own store, a replica's, a model run, and at which replica.

    seen = watch()                           # at a replica, in the thread that answers
    seen()                                   # "run" where a model ran for it since then
    account().note("layer", "run", "node/4711", 0.02)      # at the front, for each answer

Counts, names of methods and of replicas, and seconds: no text, and nobody's name. Bounded.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from engine.hosting import figures

Origin = Literal["front", "kept", "made", "run"]
MEANINGS: dict[Origin, str] = {
    "front": "the app's own cache",
    "kept": "a replica's cache",
    "made": "a replica, without a model run",
    "run": "a model run",
}
"""Each origin in the words of the screen."""

RECENT = 50  # answers that are remembered one by one
REPLICAS = 64  # that have a figure of their own; others, long gone, share one
EARLIER = "earlier"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a front: the method's name, where it came from, seconds until it was here."""

    method: str
    origin: Origin
    replica: str
    seconds: float


class Account:
    """What one front was answered; safe for threads."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._counts: Counter[Origin] = Counter()
        self._recent: deque[Answer] = deque(maxlen=RECENT)
        self._replicas: OrderedDict[str, int] = OrderedDict()

    def note(self, method: str, origin: Origin, replica: str = "", seconds: float = 0.0) -> None:
        """Count an answer; one of a replica is a figure of this process too."""
        with self._lock:
            self._counts[origin] += 1
            self._recent.append(Answer(method, origin, replica, seconds))
            if replica:
                self._replicas[replica] = self._replicas.get(replica, 0) + 1
                self._replicas.move_to_end(replica)
                figures.ANSWERS.labels(replica).inc()
                self._make_room()

    def counts(self) -> dict[Origin, int]:
        """How many answers came from where, all origins among them."""
        with self._lock:
            return {origin: self._counts[origin] for origin in MEANINGS}

    def recent(self) -> tuple[Answer, ...]:
        """The last answers, the newest first."""
        with self._lock:
            return tuple(reversed(self._recent))

    def _make_room(self) -> None:
        """Let the replica that was silent longest go, where a name too many is known."""
        if len(self._replicas) > REPLICAS:
            gone, count = self._replicas.popitem(last=False)
            figures.ANSWERS.remove(gone)
            figures.ANSWERS.labels(EARLIER).inc(count)


def watch() -> Callable[[], Origin]:
    """What this thread does from now on: a function that says where its answer came from.

    Who waits for another thread's answer to the same question finds it kept.
    """
    before = _done()

    def seen() -> Origin:
        runs, misses, hits = (now - then for now, then in zip(_done(), before, strict=True))
        if runs:
            return "run"
        return "kept" if hits and not misses else "made"

    return seen


def _done() -> tuple[float, float, float]:
    return figures.RUNS.own, figures.MISSES.own, figures.HITS.own


@cache
def account() -> Account:
    """The account of this process."""
    return Account()
