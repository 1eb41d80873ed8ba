"""The points of a map as a browser unpacks them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np


def unpacked(packed: bytes) -> dict[str, Any]:
    """What `pages.embeddings.map.picture.cloud` packed: its head, places, classes and names."""
    start = 4 + int.from_bytes(packed[:4], "little")
    head = json.loads(packed[4:start])
    count = head["count"]
    classes, names = start + 6 * count, start + 7 * count
    return head | {
        "places": np.frombuffer(packed[start:classes], "<i2").reshape(-1, 3),
        "classes": np.frombuffer(packed[classes:names], np.uint8),
        "names": packed[names:].decode().split("\n") if count else [],
    }
