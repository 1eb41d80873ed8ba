"""A graph some of whose inner tensors are given instead of computed, opened for experiments.

    with altered.session(bundle, "model", {"embedded.position": "float32"}) as session:
        session.run(feeds | {"embedded.position": zeros}, ["logits"])

In: a bundle, a graph and tensors in it with their numpy types. Out: a session over the same
weights, whose further inputs are those tensors, within a turn. One such session is in memory at a
time, however many ask, and none that nobody used for `IDLE` seconds; a model's own sessions stay as
they are.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager

from engine.errors import NotOffered
from engine.models.runtime import Bundle, Graph
from engine.models.sessions import Session

IDLE = 20.0  # seconds


class _Held:
    """The one altered session, and what closes it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.key: Hashable = None
        self.session: Session | None = None
        self.closing: threading.Timer | None = None


_held = _Held()


@contextmanager
def session(bundle: Bundle, graph: Graph, given: Mapping[str, str]) -> Iterator[Session]:
    """The session of a graph that is given these tensors, for one run; others wait.

    Raises `NotOffered` where the graph cannot be taken apart.
    """
    key = (bundle.folder, bundle.stamp, graph, tuple(sorted(given.items())))
    with bundle.used(), _held.lock:
        if _held.closing is not None:
            _held.closing.cancel()
        if _held.key != key:
            _held.session, _held.key = None, None
            _held.session, _held.key = _opened(bundle, graph, given), key
        found = _held.session
        assert found is not None
        try:
            with bundle.turn(found):
                yield found
        except BaseException:
            _held.session, _held.key = None, None
            raise
        finally:
            _held.closing = threading.Timer(IDLE, close)
            _held.closing.daemon = True
            _held.closing.start()


def close() -> None:
    """Let go of the session, after the run under way."""
    with _held.lock:
        _held.session, _held.key = None, None


def is_open() -> bool:
    """Whether such a session is in memory."""
    return _held.session is not None


def _opened(bundle: Bundle, graph: Graph, given: Mapping[str, str]) -> Session:
    whole = bundle.whole(graph)
    wanted = [name for name in whole.outputs if name not in given] if whole else []
    part = bundle.part(graph, given, wanted, given)
    if part is None:
        raise NotOffered(f"The graph of {bundle.card.title} cannot be changed in memory.")
    return bundle.open_part(part)
