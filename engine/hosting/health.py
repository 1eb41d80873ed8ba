"""How this process is: what a load balancer asks, and the figures that are looked up at reading.

    found = health()        # found.problems is empty while the app can serve

In: nothing. Out: `Health`, and the gauges of `hosting.figures` brought up to date. Cheap enough to
be asked every second by several.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from cachetools import TTLCache, cached

from engine import store
from engine.hosting import figures
from engine.hosting.admission import gate
from engine.jobs import registry
from engine.models import catalog, runtime
from engine.models.packed import entries as packing
from engine.models.slots import slots

STANDSTILL = 120.0  # seconds that a model run may wait; no run on a text that is read takes so long
MB = 10**6


@dataclass(frozen=True, slots=True)
class Health:
    """What is under way; `problems` are sentences that say why the app cannot serve."""

    problems: tuple[str, ...]
    models_here: int
    models_open: int
    inside: int
    waiting: int
    runs_waiting: int
    jobs: int
    cache_mb: float
    packed_mb: float
    memory_mb: float

    @property
    def well(self) -> bool:
        """Whether the app can serve."""
        return not self.problems


def health() -> Health:
    """The state of this process now."""
    inside, waiting = gate().counts()
    here, problems = _models()
    if slots().longest > STANDSTILL:
        problems = (*problems, f"Model runs have stood still for {slots().longest:.0f} seconds.")
    found = Health(
        problems=problems,
        models_here=here,
        models_open=len(runtime.opened()),
        inside=inside,
        waiting=waiting,
        runs_waiting=slots().waiting,
        jobs=len(registry.running()),
        cache_mb=store.store().nbytes / MB,
        packed_mb=_packed() / MB,
        memory_mb=memory() / MB,
    )
    _note(found)
    return found


@cached(TTLCache(1, ttl=2.0), lock=threading.Lock())
def _models() -> tuple[int, tuple[str, ...]]:
    """How many models can be opened, and what is wrong where none can."""
    ready = sum(entry.ready for entry in catalog.entries())
    return ready, () if ready else ("No model is here that can be opened.",)


@cached(TTLCache(1, ttl=2.0), lock=threading.Lock())
def _packed() -> int:
    """Bytes of disk that packed weights take."""
    return packing.total()


def _note(found: Health) -> None:
    figures.UP.set(found.well)
    figures.SESSIONS.labels("inside").set(found.inside)
    figures.SESSIONS.labels("waiting").set(found.waiting)
    figures.JOBS_RUNNING.set(found.jobs)
    figures.MODELS_OPEN.set(found.models_open)
    figures.RUNS_WAITING.set(found.runs_waiting)
    figures.CACHE_BYTES.set(found.cache_mb * MB)
    figures.PACKED_BYTES.set(found.packed_mb * MB)
    figures.MEMORY_BYTES.set(found.memory_mb * MB)


def memory() -> int:
    """Bytes of memory that this process holds; where that is not told, the most it ever held."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return 0  # Windows
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
