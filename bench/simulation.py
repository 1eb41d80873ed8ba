"""A cluster as a model of queues: fronts, a ring of replicas, their queues, stores and cores.

    found = Cluster(Size(replicas=8, fronts=2), costs, seed=0).run(load, until=60.0)
    found.waits                                     # seconds of each act that was answered

In: how many there are, what each part of a question costs (`Costs`, draws from what was measured),
and acts of visitors. Out: how long each waited. Events come in the order of their time, and chance
from one generator, so that equal arguments give equal numbers. Where a text goes is decided by
`Question.route` of the engine and by a ring as Ray Serve's; queue and retries are the engine's own
numbers. Knows neither Ray nor a clock. What it leaves out is said in docs/hosting.md.
"""

from __future__ import annotations

import bisect
import hashlib
import heapq
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.cluster.link import OTHERS
from engine.cluster.questions import Question
from engine.cluster.replicas import QUEUE, WORKERS
from engine.values import Reading

Then = Callable[[], None]
VNODES = 100  # places of a replica on the ring, as in Ray Serve
MODEL = ("tales-gpt", "")


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds; a sequence is drawn from, a number is spent each time."""

    service: dict[str, Sequence[float]]  # of each kind of question, computed
    held: dict[str, float]  # of each kind, where the replica has the answer
    front: float = 0.0  # of the front's process, a question that is asked
    kept: float = 0.0  # of the front's process, a question that it has the answer to
    replica: float = 0.0  # of the replica's process, beside the service
    way: Sequence[float] = (0.0,)  # nobody's: what else lies between question and answer
    serial: float = 0.0  # share of a service that holds the interpreter's lock
    texts: int = 10**9  # texts whose answers a replica keeps


@dataclass(frozen=True, slots=True)
class Size:
    """What there is. `cores` 0: each process has one of its own; else all share so many."""

    replicas: int
    fronts: int = 1
    cores: float = 0.0
    workers: int = WORKERS
    queue: int = QUEUE
    others: int = OTHERS  # replicas that are asked where each has a full queue


@dataclass(frozen=True, slots=True)
class Act:
    """What a visitor does at a moment: questions, each asked once the one before is answered."""

    at: float
    visitor: int
    text: str
    kinds: tuple[str, ...]


@dataclass(slots=True)
class Found:
    """What came of the acts."""

    acts: int = 0
    asked: int = 0  # questions that went to a replica
    kept: int = 0  # questions that the front had the answer to
    computed: int = 0
    refused: int = 0  # acts that were told to come again
    waits: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)  # seconds of work of each replica

    def within(self, share: float) -> float:
        """Seconds within which this share (0 to 1) of the acts was answered."""
        return float(np.quantile(self.waits, share)) if self.waits else 0.0


class Clock:
    """Events in the order of their time; those of one moment in the order they were set."""

    def __init__(self) -> None:
        """Begin at 0."""
        self.now = 0.0
        self._events: list[tuple[float, int, Then]] = []
        self._numbers = itertools.count()

    def at(self, when: float, then: Then) -> None:
        """Let `then` happen."""
        heapq.heappush(self._events, (when, next(self._numbers), then))

    def run(self) -> None:
        """Until nothing is left to happen."""
        while self._events:
            self.now, _, then = heapq.heappop(self._events)
            then()


class Cores:
    """Work that shares `count` cores evenly; one piece of work takes one core at most."""

    def __init__(self, clock: Clock, count: float) -> None:
        """All idle."""
        self._clock, self._count = clock, count
        self._jobs: list[tuple[float, int, Then]] = []
        self._done, self._since = 0.0, 0.0  # seconds that each piece has got, and when that was
        self._numbers = itertools.count()
        self._set = 0

    def spend(self, seconds: float, then: Then) -> None:
        """Do so much work, then go on."""
        if seconds <= 0:
            then()
            return
        self._advance()
        heapq.heappush(self._jobs, (self._done + seconds, next(self._numbers), then))
        self._next()

    def _rate(self) -> float:
        return min(1.0, self._count / len(self._jobs)) if self._jobs else 0.0

    def _advance(self) -> None:
        now = self._clock.now
        self._done += self._rate() * (now - self._since)
        self._since = now

    def _next(self) -> None:
        """Set the end of the piece that ends first; an end that was set before is void."""
        self._set += 1
        if self._jobs:
            wait = max(0.0, self._jobs[0][0] - self._done) / self._rate()
            number = self._set
            self._clock.at(self._clock.now + wait, lambda: self._end(number))

    def _end(self, number: int) -> None:
        if number != self._set:
            return
        self._advance()
        _, _, then = heapq.heappop(self._jobs)
        self._next()
        then()


class Interpreter:
    """What one process does one after the other, as its interpreter's lock has it."""

    def __init__(self, cores: Cores) -> None:
        """Idle, on these cores."""
        self._cores, self._waiting = cores, deque[tuple[float, Then]]()
        self._taken = False

    def spend(self, seconds: float, then: Then) -> None:
        """Do so much work once it is this one's turn, then go on."""
        if seconds <= 0:
            then()
        elif self._taken:
            self._waiting.append((seconds, then))
        else:
            self._taken = True
            self._cores.spend(seconds, lambda: self._end(then))

    def _end(self, then: Then) -> None:
        if self._waiting:
            seconds, following = self._waiting.popleft()
            self._cores.spend(seconds, lambda: self._end(following))
        else:
            self._taken = False
        then()


class Ring:
    """Which replica a key belongs to: the first place of one clockwise from the key's hash."""

    def __init__(self, replicas: int, places: int = VNODES) -> None:
        """So many replicas."""
        found = sorted(
            (_hash(f"replica {number}:{place}"), number)
            for number in range(replicas)
            for place in range(places)
        )
        self._hashes = [one for one, _ in found]
        self._numbers = [number for _, number in found]

    def of(self, key: str) -> int:
        """The replica of a key."""
        place = bisect.bisect_right(self._hashes, _hash(key))
        return self._numbers[place % len(self._numbers)]


class Replica:
    """A queue before a few workers, a store behind them."""

    def __init__(self, clock: Clock, size: Size, costs: Costs, cores: Cores) -> None:
        """Nothing asked, nothing kept."""
        self._clock, self._size, self._costs, self._cores = clock, size, costs, cores
        self._interpreter = Interpreter(cores)
        self._free = size.workers
        self._queue = deque[Then]()
        self._texts: OrderedDict[str, set[tuple[str, str]]] = OrderedDict()
        self._making: dict[tuple[str, str], list[Then]] = {}
        self.busy, self.computed = 0.0, 0

    def ask(self, text: str, kind: str, service: float, then: Then) -> bool:
        """Answer, now or later; False where the queue is full."""
        if not self._free and len(self._queue) >= self._size.queue:
            return False

        def begin() -> None:
            self._free -= 1
            self.busy += self._costs.replica
            self._interpreter.spend(self._costs.replica, look)

        def look() -> None:
            self._look(text, kind, service, end)

        def end() -> None:
            self._free += 1
            if self._queue:
                self._queue.popleft()()
            then()

        if self._free:
            begin()
        else:
            self._queue.append(begin)
        return True

    def _look(self, text: str, kind: str, service: float, then: Then) -> None:
        key = (text, kind)
        if text in self._texts and key in self._texts[text]:
            self._texts.move_to_end(text)
            self.busy += self._costs.held.get(_name(kind), 0.0)
            self._interpreter.spend(self._costs.held.get(_name(kind), 0.0), then)
        elif key in self._making:
            self._making[key].append(then)
        else:
            self._making[key] = [then]
            self.busy += service
            self.computed += 1
            serial = self._costs.serial * service
            self._interpreter.spend(
                serial, lambda: self._cores.spend(service - serial, lambda: self._keep(key))
            )

    def _keep(self, key: tuple[str, str]) -> None:
        self._texts.setdefault(key[0], set()).add(key)
        self._texts.move_to_end(key[0])
        while len(self._texts) > self._costs.texts:
            self._texts.popitem(last=False)
        for then in self._making.pop(key):
            then()


class Front:
    """What a visitor's process asks, keeps, and lets others wait for."""

    def __init__(self, cluster: Cluster, cores: Cores) -> None:
        """Nothing kept."""
        self._cluster = cluster
        self._interpreter = Interpreter(cores)
        self._kept: set[tuple[str, str]] = set()
        self._making: dict[tuple[str, str], list[Callable[[bool], None]]] = {}

    def ask(self, text: str, kind: str, then: Callable[[bool], None]) -> None:
        """Answer a question: `then(True)`, or `then(False)` where all queues are full."""
        costs = self._cluster.costs
        self._interpreter.spend(costs.kept, lambda: self._look((text, kind), then))

    def _look(self, key: tuple[str, str], then: Callable[[bool], None]) -> None:
        if key in self._kept:
            self._cluster.found.kept += 1
            then(True)
        elif key in self._making:
            self._cluster.found.kept += 1
            self._making[key].append(then)
        else:
            self._making[key] = [then]
            front = self._cluster.costs.front
            self._interpreter.spend(front, lambda: self._cluster.send(*key, self._ended(key)))

    def _ended(self, key: tuple[str, str]) -> Callable[[bool], None]:
        def ended(answered: bool) -> None:
            if answered:
                self._kept.add(key)
            for then in self._making.pop(key):
                then(answered)

        return ended


class Cluster:
    """All of it; `run` once."""

    def __init__(self, size: Size, costs: Costs, seed: int = 0) -> None:
        """Idle; `seed` is that of all draws."""
        self.costs, self.found, self._size = costs, Found(), size
        self._clock = Clock()
        shared = Cores(self._clock, size.cores) if size.cores else None
        self._replicas = [
            Replica(self._clock, size, costs, shared or Cores(self._clock, 1))
            for _ in range(size.replicas)
        ]
        self._fronts = [Front(self, shared or Cores(self._clock, 1)) for _ in range(size.fronts)]
        self._ring = Ring(size.replicas)
        self._random = np.random.default_rng(seed)
        self._routes: dict[tuple[str, int], int] = {}

    def run(self, acts: Iterable[Act], since: float = 0.0, until: float = np.inf) -> Found:
        """Let acts happen to their end; waits are kept of those that begin in [since, until)."""
        for act in acts:
            self._clock.at(act.at, lambda act=act: self._begin(act, since <= act.at < until))
        self._clock.run()
        self.found.busy = [one.busy for one in self._replicas]
        self.found.computed = sum(one.computed for one in self._replicas)
        return self.found

    def send(self, text: str, kind: str, then: Callable[[bool], None]) -> None:
        """A question on its way to its replica and back."""
        self.found.asked += 1
        way = self._drawn(self.costs.way)
        service = self._drawn(self.costs.service[_name(kind)])

        def arrive() -> None:
            for turn in range(self._size.others):
                replica = self._replicas[self._route(text, turn)]
                if replica.ask(text, kind, service, answered):
                    return
            then(False)

        def answered() -> None:
            self._clock.at(self._clock.now + way / 2, lambda: then(True))

        self._clock.at(self._clock.now + way / 2, arrive)

    def _begin(self, act: Act, counted: bool) -> None:
        self.found.acts += 1
        front = self._fronts[act.visitor % len(self._fronts)]
        left = iter(act.kinds)

        def following(answered: bool) -> None:
            kind = next(left, "") if answered else ""
            if kind:
                front.ask(act.text, kind, following)
            elif not answered:
                self.found.refused += 1
            elif counted:
                self.found.waits.append(self._clock.now - act.at)

        following(True)

    def _route(self, text: str, turn: int) -> int:
        found = self._routes.get((text, turn))
        if found is None:
            question = Question("", "layer", {"reading": Reading(MODEL[0], text)}, (MODEL,))
            found = self._routes[text, turn] = self._ring.of(question.route(turn))
        return found

    def _drawn(self, measured: Sequence[float]) -> float:
        return measured[int(self._random.integers(len(measured)))]


def _name(kind: str) -> str:
    """What a kind costs: "head 4" is one of all heads."""
    return kind.partition(" ")[0]


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest())
