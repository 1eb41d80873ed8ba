"""The last hours of a few figures, for pictures: what Prometheus keeps, for who has none.

    sample()            # now and then; `life` of the server does
    history()           # Samples, the oldest first

Counts are given for each interval, by the minute; what there is at the moment as it is. Bounded.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

from engine.hosting import figures
from engine.hosting.health import Health, health

EVERY = 10.0  # seconds
KEPT = 6 * 360  # samples: six hours
COUNTS = {
    "runs": "atlas_runs_total",
    "tokens": "atlas_tokens_written_total",
    "waits": "atlas_run_wait_seconds_sum",
    "hits": "atlas_cache_hits_total",
    "misses": "atlas_cache_misses_total",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One interval: its end in seconds since 1970, what was there then, counts by the minute.

    `rates` has the names of `COUNTS` and "refusals"; `waits` are seconds of waiting in a minute.
    """

    at: float
    health: Health
    rates: dict[str, float]


_kept: deque[Sample] = deque(maxlen=KEPT)
_before: list[tuple[float, dict[str, float]]] = []
_guard = threading.Lock()


def sample() -> None:
    """Note how it is now."""
    found, now = health(), time.monotonic()
    counts = {name: figures.value(metric) for name, metric in COUNTS.items()}
    counts["refusals"] = sum(figures.by_label("atlas_refusals", "reason").values())
    with _guard:
        if _before:
            then, last = _before.pop()
            minutes = max(now - then, 1e-3) / 60
            rates = {name: (counts[name] - last[name]) / minutes for name in counts}
            _kept.append(Sample(time.time(), found, rates))
        _before.append((now, counts))


def history() -> tuple[Sample, ...]:
    """The samples that are kept, the oldest first."""
    with _guard:
        return tuple(_kept)
