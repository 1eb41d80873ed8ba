"""How this process takes memory from the machine, set once.

Every run of a page is a thread of its own, and C's library gives new threads heaps of their own, up
to eight for each core: what a value in one of them leaves behind serves no other. 400 texts through
a store of 20 MB went on taking memory, 10 MB in every hundred; with two heaps they took none after
the first hundred. Knows nothing of what is kept.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

ARENAS = 2
_ARENA_MAX = -8  # of glibc's malloc.h


@cache
def settle() -> bool:
    """Let all threads share a few heaps; False where this system's library has no such setting."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(_ARENA_MAX, ARENAS))
    except (OSError, AttributeError):
        return False  # another C library than glibc: it has its own ways
