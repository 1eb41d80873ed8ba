"""One question from its address to the bytes of its answer, within what a visitor may cost.

    body = answered(question, given, address="203.0.113.9")

In: a question, its checked values, the network that asks. Out: bytes, or a `Refusal`. Who asks
over HTTP is a visitor like any other: they take a place at the gate (or hear that there is a
queue), their model runs count as one visitor's, and wait in the same turn as everybody's. Runs in
a thread of its own; knows no server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import policy
from engine.doorway import engine
from engine.errors import Busy, EngineError
from engine.hosting import figures
from engine.hosting.admission import AWAY, gate
from engine.web.encoding import encoded
from engine.web.questions import Question
from engine.web.refusals import Refusal, refusal

AGAIN = AWAY / 2  # seconds after which who waits asks again, and keeps the place in the queue


def answered(question: Question, given: Mapping[str, Any], address: str) -> bytes:
    """The answer; raises `Refusal`."""
    viewer = f"http {address}"
    policy.serve(viewer)
    try:
        _enter(viewer, address)
        figures.CALLS.labels(question.name).inc()
        return encoded(question.answer(engine(), given), given.get("format", "json"))
    except EngineError as error:
        raise refusal(error) from None
    finally:
        policy.serve("")


def _enter(viewer: str, address: str) -> None:
    """Take a place at the gate, where pages stand too; it is free again when they are away."""
    try:
        place = gate().ask(viewer, address=address, here=lambda: False)
    except Busy as error:
        raise Refusal(503 if gate().full() else 429, str(error), error.wait) from None
    if not place.inside:
        raise Refusal(
            503,
            f"All places are taken. You are number {place.number} of {place.waiting} in the queue; "
            f"ask again within {AWAY:.0f} seconds to keep your place.",
            AGAIN,
        )
