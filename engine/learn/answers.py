"""All live answers together: importing this module fills the registry.

ANSWERS["rank_of"](Asked(engine, "tales-gpt", "Once upon a"), word="time")
"""

from __future__ import annotations

from engine.learn.asking import ANSWERS, Answer, Asked, Live, NoQuestion
from engine.learn.live import (
    attention,  # noqa: F401
    blocks,  # noqa: F401
    choosing,  # noqa: F401
    layers,  # noqa: F401
    models,  # noqa: F401
    next_token,  # noqa: F401
    predecessors,  # noqa: F401
    prompting,  # noqa: F401
    search,  # noqa: F401
    timing,  # noqa: F401
    tokens,  # noqa: F401
    translation,  # noqa: F401
    whatif,  # noqa: F401
)
from engine.learn.live.making import moments, preference, training, tuning  # noqa: F401
from engine.learn.live.world import costs, landscape  # noqa: F401

__all__ = ["ANSWERS", "Answer", "Asked", "Live", "NoQuestion"]
