"""Figures of this process: counted where things happen, read by a host's monitoring.

    figures.RUNS.inc()                     # one model run
    figures.refused("text length")         # somebody was refused something, and why
    figures.exposition()                   # all of them, as Prometheus reads it

Counts and times only: no text, no address, no name of a visitor or of what they asked for. Who
counts imports this; what is looked up at reading (memory, open models) is in `hosting.health`.
"""

from __future__ import annotations

import threading
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from engine.hosting import logs

CONTENT_TYPE = CONTENT_TYPE_LATEST
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class OwnCounter(Counter):
    """A counter that also knows what the thread that reads it has counted by itself."""

    def __init__(self, *args: Any, **named: Any) -> None:
        """Make a counter, as the library does."""
        super().__init__(*args, **named)
        self._thread = threading.local()

    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Count."""
        super().inc(amount, exemplar)
        self._thread.count = self.own + amount

    @property
    def own(self) -> float:
        """What this thread has counted."""
        return getattr(self._thread, "count", 0.0)


RUNS = OwnCounter("atlas_runs", "Model runs", registry=REGISTRY)
RUN_SECONDS = Histogram(
    "atlas_run_seconds", "Time of a model run", registry=REGISTRY, buckets=SECONDS
)
WAIT_SECONDS = Histogram(
    "atlas_run_wait_seconds", "Time until a model run began", registry=REGISTRY, buckets=SECONDS
)
TOKENS_READ = Counter("atlas_tokens_read", "Tokens of texts that were read", registry=REGISTRY)
TOKENS_WRITTEN = Counter("atlas_tokens_written", "Tokens that models wrote", registry=REGISTRY)
HITS = OwnCounter("atlas_cache_hits", "Values that were found in the cache", registry=REGISTRY)
MISSES = OwnCounter("atlas_cache_misses", "Values that were computed", registry=REGISTRY)
JOBS = Counter("atlas_jobs", "Long tasks that ended", ["kind", "outcome"], registry=REGISTRY)
CALLS = Counter("atlas_calls", "Questions over HTTP", ["route"], registry=REGISTRY)
REFUSALS = Counter("atlas_refusals", "What was refused", ["reason"], registry=REGISTRY)
ANSWERS = Counter("atlas_answers", "Answers of a cluster", ["replica"], registry=REGISTRY)
SESSIONS_SEEN = Counter("atlas_sessions_seen", "Visitors that came", registry=REGISTRY)

CACHE_BYTES = Gauge("atlas_cache_bytes", "Memory that the cache holds", registry=REGISTRY)
PACKED_BYTES = Gauge("atlas_packed_bytes", "Disk that packed weights take", registry=REGISTRY)
SESSIONS = Gauge("atlas_sessions", "Visitors here now", ["where"], registry=REGISTRY)
JOBS_RUNNING = Gauge("atlas_jobs_running", "Long tasks under way", registry=REGISTRY)
MODELS_OPEN = Gauge("atlas_models_open", "Models in memory", registry=REGISTRY)
RUNS_WAITING = Gauge("atlas_runs_waiting", "Model runs that wait for a place", registry=REGISTRY)
MEMORY_BYTES = Gauge("atlas_memory_bytes", "Memory of this process", registry=REGISTRY)
UP = Gauge("atlas_up", "1 while the app can serve, else 0", registry=REGISTRY)


def refused(reason: str) -> None:
    """Count a refusal; `reason` is one of our words, never what was asked for."""
    REFUSALS.labels(reason).inc()
    logs.event("refused", reason=reason)


def exposition() -> bytes:
    """Every figure, in the format of Prometheus."""
    return generate_latest(REGISTRY)


def value(name: str, **labels: str) -> float:
    """One figure by its sample's name: `value("atlas_runs_total")`; 0 where nothing counted yet."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def by_label(metric: str, label: str) -> dict[str, float]:
    """The values of a counter by one label, the largest first: refusals by reason."""
    found: dict[str, float] = {}
    for family in REGISTRY.collect():
        for sample in family.samples if family.name == metric else ():
            if not sample.name.endswith("_created"):
                found[sample.labels[label]] = found.get(sample.labels[label], 0.0) + sample.value
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))
