"""Every live answer computed a second time, with numpy alone, from the raw values of a run.

`RECOMPUTED["rank_of"]("tales-gpt", "Once upon a", word="time")`. Nothing here uses `engine.learn`,
the measures of heads, the filters or the searches: only ids, logits, weights and vectors.
"""

from tests.engine.truths import (  # noqa: F401
    of_attention,
    of_blocks,
    of_changes,
    of_models,
    of_moments,
    of_predecessors,
    of_preference,
    of_prompts,
    of_search,
    of_texts,
    of_timing,
    of_training,
    of_tuning,
    of_writing,
)
from tests.engine.truths.raw import RECOMPUTED

__all__ = ["RECOMPUTED"]
