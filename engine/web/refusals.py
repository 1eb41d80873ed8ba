"""Why a question is not answered: a status, one sentence, and when to ask again.

What the engine says to a person at the screen is said to a program too. Sentences that may name a
file of this machine are replaced.
"""

from __future__ import annotations

import math

from engine.errors import (
    BrokenBundle,
    Busy,
    DeviceUnavailable,
    EngineError,
    EngineUnavailable,
    ModelNotExported,
    NotAllowed,
    TextTooLong,
    UnknownModel,
)

CANNOT_OPEN = "This model cannot be opened here just now."
SOON = 30  # seconds
WRONG = "Something went wrong here. It is not your question; ask again later."
STATUS: dict[type[EngineError], int] = {
    UnknownModel: 404,
    ModelNotExported: 404,
    NotAllowed: 403,
    TextTooLong: 413,
    Busy: 429,
    BrokenBundle: 503,
    DeviceUnavailable: 503,
    EngineUnavailable: 503,
}
"""What is not here is a 400: the question makes no sense of this model or text."""


class Refusal(Exception):
    """A question that is not answered: `status`, the sentence, `wait` in seconds (0: none)."""

    def __init__(self, status: int, sentence: str, wait: float = 0.0) -> None:
        """`wait` are seconds until asking again makes sense."""
        super().__init__(sentence)
        self.status, self.wait = status, math.ceil(wait)


def refusal(error: EngineError) -> Refusal:
    """How an error of the engine is told over HTTP."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
    if status == 503:
        return Refusal(status, CANNOT_OPEN, SOON)
    return Refusal(status, str(error), error.wait if isinstance(error, Busy) else 0.0)
