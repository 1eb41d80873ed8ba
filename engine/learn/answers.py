"""All live answers together: importing this module fills the registry.

ANSWERS["rank_of"](Asked(engine, "tales-gpt", "Once upon a"), word="time")
"""

from __future__ import annotations

from engine.learn import (
    of_attention,  # noqa: F401
    of_layers,  # noqa: F401
    of_models,  # noqa: F401
    of_next_token,  # noqa: F401
    of_tokens,  # noqa: F401
    of_translation,  # noqa: F401
)
from engine.learn.asking import ANSWERS, Answer, Asked, Live, NoQuestion

__all__ = ["ANSWERS", "Answer", "Asked", "Live", "NoQuestion"]
