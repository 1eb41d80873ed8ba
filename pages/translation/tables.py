"""The numbers behind the pictures of a translation, as columns for CSV and JSON.

In: a trace or a story. Out: tables, column name -> column, all columns of equal length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.decoding.translation import Trace
from pages.translation.story import Story

Columns = dict[str, Any]


def vectors(rows: Sequence[str], values: Float[np.ndarray, "token width"]) -> Columns:
    """One vector a token, one column a number."""
    table: Columns = {"token": list(rows)}
    return table | {f"number {i + 1}": values[:, i] for i in range(values.shape[1])}


def written(story: Story) -> Columns:
    """Every written token with its probability and its weight on every source token."""
    scored = story.scored
    table: Columns = {
        "token": list(story.target),
        "id": scored.ids,
        "probability": scored.probabilities,
        "rank": scored.rank,
        "entropy_bits": scored.entropy,
    }
    return table | {f"{i + 1} {s}": story.weights[:, i] for i, s in enumerate(story.source)}


def candidates(story: Story, t: int) -> Columns:
    """The likeliest tokens for place t."""
    scored = story.scored
    return {
        "token": [story.labels.get(int(i), "") for i in scored.best_ids[t]],
        "id": scored.best_ids[t],
        "logit": scored.best_logits[t],
        "probability": scored.best_probabilities[t],
    }


def nodes(trace: Trace) -> Columns:
    """Every node of the beam tree; parent -1 is the beginning."""
    tree = trace.translation.found.tree
    return {
        "node": np.arange(len(tree.token)),
        "parent": tree.parent,
        "step": tree.step + 1,
        "token": [trace.labels.get(int(i), "") for i in tree.token],
        "id": tree.token,
        "log_probability": tree.log,
        "sum": tree.running,
        "score": tree.score,
        "fate": np.array(["pruned", "kept", "finished"])[tree.fate],
    }


def hypotheses(trace: Trace) -> Columns:
    """The finished hypotheses, best first."""
    found = trace.translation.found.hypotheses
    return {
        "place": list(range(1, len(found) + 1)),
        "translation": list(trace.translation.texts),
        "score": [round(h.score, 3) for h in found],
        "sum of log-probabilities": [round(h.log_probability, 3) for h in found],
        "tokens": [len(h.ids) for h in found],
        "ended by": ["end mark" if h.ended else "limit" for h in found],
    }
