"""From where a map is looked at, as a link carries it.

In: what `space.js` tells once the camera has come to rest, numbers joined by `_`. On a deep map
nine: the eye, what it looks at and what is up, each x, y, z, in plotly's units of the drawn box. On
a flat map three: the middle of what is in sight, x and y as shares of the whole map, and its width
as such a share. Shares and not values, so that one link fits other layouts and other screens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_NUMBER = re.compile(r"-?\d{1,3}(\.\d{1,4})?")
FIRST = (1.2, 1.3, 0.85)
"""The eye of a deep map that nobody has turned yet."""


@dataclass(frozen=True, slots=True)
class Camera:
    """The camera of a deep map."""

    eye: tuple[float, ...] = FIRST
    centre: tuple[float, ...] = (0.0, 0.0, 0.0)
    up: tuple[float, ...] = (0.0, 0.0, 1.0)

    def across(self, places: np.ndarray) -> np.ndarray:
        """Where places [point, 3] are on paper [point, 2], seen from this side without depth."""
        back = _direction(np.subtract(self.eye, self.centre))
        right = _direction(np.cross(self.up, back))
        return places[:, :3] @ np.stack([right, np.cross(back, right)], axis=1)

    def plotly(self) -> dict[str, dict[str, float]]:
        """The camera as plotly.js takes it."""
        parts = {"eye": self.eye, "center": self.centre, "up": self.up}
        return {name: dict(zip("xyz", part, strict=True)) for name, part in parts.items()}


def _direction(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def legal(text: str, *, flat: bool) -> bool:
    """Whether a text is a camera of such a map."""
    if flat:
        window = _numbers(text, 3)
        return window is not None and 0 < window[2] <= 50
    return _deep(text) is not None


def camera(text: str | None) -> Camera:
    """The camera that a text tells; the first one where it tells none of a deep map.

    >>> camera("1_0_0_0_0_0_0_0_1").eye
    (1.0, 0.0, 0.0)
    """
    return _deep(text or "") or Camera()


def _deep(text: str) -> Camera | None:
    numbers = _numbers(text, 9)
    if numbers is None:
        return None
    found = Camera(numbers[:3], numbers[3:6], numbers[6:])
    away = np.subtract(found.eye, found.centre)
    # An eye in what it looks at sees nothing, nor is there an up along the line of sight.
    aside = np.cross(found.up, away)
    return found if np.linalg.norm(away) > 0.01 and np.linalg.norm(aside) > 1e-3 else None


def _numbers(text: str, count: int) -> tuple[float, ...] | None:
    parts = text.split("_")
    if len(parts) != count or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    return tuple(float(part) for part in parts)
