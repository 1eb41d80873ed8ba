"""How the replicas of a cluster are: asked when somebody looks, for people and for Prometheus.

    look().told              # a dictionary for each replica that answered within a second
    exposition()             # this front's figures, and the replicas' beside them (`replica="..."`)

Replicas count for themselves (`hosting.figures`). Who does not answer in time is left out and
counted; what is heard is bounded in replicas and in figures of each; many who look at once are one
question. Ray is seen in `link` alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from prometheus_client import Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from engine.cluster.link import Link
from engine.cluster.origins import REPLICAS, account
from engine.errors import EngineError
from engine.hosting import figures
from engine.hosting.health import health

PATIENCE = 1.0  # seconds that the replicas of an application are given
FRESH = 1.0  # seconds in which what was heard is not asked for again
SAMPLES = 400  # figures of one replica
KINDS = {"reader": "texts", "mapper": "maps", "worker": "models"}
"""The applications, and what each works on, in a word for the screen."""

Sample = tuple[str, str, dict[str, str], float]  # family, name, labels, value
Counted = tuple[str, tuple[Sample, ...]]  # a replica, and what it counted


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: from whom, how many said nothing, and why nobody could be asked."""

    told: tuple[Any, ...] = ()
    silent: int = 0
    problem: str = ""


@dataclass(slots=True)
class _Round:
    """One question to all replicas, for everybody who asks meanwhile."""

    done: threading.Event = field(default_factory=threading.Event)
    heard: Heard = field(default_factory=Heard)
    ended: float = 0.0


class Watcher:
    """Asks all replicas, one round at a time, and never waits long; safe for threads."""

    def __init__(self, link: Link, patience: float = PATIENCE) -> None:
        """Give the replicas of each application `patience` seconds."""
        self._link, self._patience = link, patience
        self._lock = threading.Lock()
        self._rounds: dict[str, _Round] = {}
        self._silent = 0

    def ask(self, call: str) -> Heard:
        """What each replica says to `call`; what was heard a moment ago counts."""
        with self._lock:
            found = self._rounds.get(call)
            if found is None or (found.done.is_set() and time.monotonic() - found.ended > FRESH):
                found = self._rounds[call] = _Round()
                # A cluster that is gone may hold a thread for minutes: this one holds up nobody.
                threading.Thread(target=self._run, args=(call, found), daemon=True).start()
        if not found.done.wait((len(KINDS) + 1) * self._patience):
            return Heard(problem="The cluster does not answer.")
        return found.heard

    @property
    def silent(self) -> int:
        """How often a replica did not answer in time, since the start."""
        return self._silent

    def _run(self, call: str, mine: _Round) -> None:
        told, silent, problem = list[Any](), 0, "The cluster could not be asked."
        try:
            for name in KINDS:
                if name == "worker" and not self._link.has(name):
                    continue  # a cluster need not have one
                try:
                    here, missing = self._link.heard(name, call, self._patience)
                except EngineError as error:
                    problem = str(error)
                    continue
                told += [(name, one) for one in here[: REPLICAS - len(told)]]
                silent += missing
        finally:
            answered = bool(told or silent)
            mine.heard = Heard(tuple(told), silent, "" if answered else problem)
            mine.ended = time.monotonic()
            with self._lock:
                self._silent += silent
            mine.done.set()


@cache
def watcher() -> Watcher:
    """The watcher of this process."""
    return Watcher(Link())


def look() -> Heard:
    """How each replica is: pairs of its application and what it says of itself, in their order."""
    heard = watcher().ask("told")
    told = sorted(heard.told, key=lambda pair: (pair[0] != "reader", pair[1]["replica"]))
    return Heard(tuple(told), heard.silent, heard.problem)


def counted(replica: str) -> Counted:
    """The figures of this process, as it hands them on to a front."""
    health()  # which brings some of them up to date
    found = [
        (family.name, sample.name, dict(sample.labels), sample.value)
        for family in figures.REGISTRY.collect()
        for sample in family.samples
        if family.name.startswith("atlas_") and not sample.name.endswith("_created")
        if "replica" not in sample.labels
    ]
    return replica, tuple(found[:SAMPLES])


def exposition() -> bytes:
    """Every figure of this front and of its replicas, in the format of Prometheus."""
    heard = watcher().ask("counted")
    return generate_latest(_All(heard, watcher().silent))


class _All(Collector):
    """This process's figures with the replicas' in the same families: what a registry collects."""

    def __init__(self, heard: Heard, silent: int) -> None:
        self._heard, self._silent = heard, silent

    def collect(self) -> Iterator[Metric]:
        families = {family.name: family for family in figures.REGISTRY.collect()}
        for _, (replica, samples) in self._heard.told:
            _add(families, replica, samples)
        yield from families.values()
        yield from _own(self._heard, self._silent)


def _add(families: dict[str, Metric], replica: str, samples: Iterable[Sample]) -> None:
    """Put what a replica counted where this process counts the same; nothing else is taken."""
    for family, name, labels, value in samples:
        if family in families and name.startswith(family):
            families[family].add_sample(name, {**labels, "replica": replica}, value)


def _own(heard: Heard, silent: int) -> Iterator[Metric]:
    """What only a front knows."""
    origins = CounterMetricFamily(
        "atlas_answers_by_origin", "Answers, by where they came from", labels=["origin"]
    )
    for origin, count in account().counts().items():
        origins.add_metric([origin], count)
    replicas = GaugeMetricFamily(
        "atlas_replicas", "Replicas that were asked for their figures", labels=["state"]
    )
    replicas.add_metric(["answered"], len(heard.told))
    replicas.add_metric(["silent"], heard.silent)
    missed = CounterMetricFamily(
        "atlas_replicas_silent", "How often a replica did not answer in time", value=silent
    )
    reached = GaugeMetricFamily(
        "atlas_cluster_up", "1 while the cluster can be asked, else 0", value=not heard.problem
    )
    yield from (origins, replicas, missed, reached)
