"""Rotary positions: how far each pair of a query is turned at each position.

In: the turn of each pair from one position to the next (`Card.rotary`, radians). Out: angles, and
the positions as vectors of cosines and sines, whose cosine says how alike two positions look to a
head before it weighs the pairs. Knows nothing of models or pictures. (Su et al. 2021, section 3.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

SHOWN = 512
"""Positions drawn: the pattern goes on for as many as the model reads."""


def angles(turns: Sequence[float], positions: int) -> Float[np.ndarray, "position pair"]:
    """Radians, not wound back at a full turn: `angles([0.5], 3)[:, 0]` is 0, 0.5, 1."""
    return np.arange(positions, dtype=np.float64)[:, None] * np.asarray(turns, dtype=np.float64)


def circles(turns: Sequence[float], positions: int) -> Float[np.ndarray, "position number"]:
    """Cosine and sine of each angle, side by side: a point on a circle for each pair.

    The cosine of two such vectors depends on the distance of their positions alone.
    """
    turned = angles(turns, positions)
    both = np.stack([np.cos(turned), np.sin(turned)], axis=2)
    return both.reshape(positions, -1).astype(np.float32)


def periods(turns: Sequence[float]) -> Float[np.ndarray, "pair"]:
    """After how many positions each pair has made a full turn."""
    return 2 * np.pi / np.asarray(turns, dtype=np.float64)
