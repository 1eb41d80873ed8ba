"""How this process uses the machine, set once: heaps of memory, and threads of linear algebra.

Every run of a page is a thread of its own, and C's library gives new threads heaps of their own, up
to eight for each core: what a value in one of them leaves behind serves no other. 400 texts through
a store of 20 MB went on taking memory, 10 MB in every hundred; with two heaps they took none after
the first hundred. In a heap numbers of all sizes lie between the small things of pages that live
longer, and what they leave is seldom whole: with 30 people at work for five minutes 250 MB of such
holes, and more each minute. Blocks from 128 kB on are therefore the system's own, given back when
they are freed: 46 MB of holes. C's library begins with this rule and gives it up at the first large
block that is freed; set, it stays.

numpy's library of linear algebra splits each of its calls among all cores, and its threads spin
while they wait for one another. The matrices here are small, and the cores are busy with other
people's pages: the directions of 105 tokens took 2 ms of the processor in one thread, and 40 to 230
in two, with as much waiting again. ONNX Runtime has threads of its own (`models.device`).

Knows nothing of what is kept or computed.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

from threadpoolctl import threadpool_limits

ARENAS = 2
OWN_BLOCK = 128 * 1024  # bytes from which a block is the system's own
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # of glibc's malloc.h


@cache
def settle() -> None:
    """Let all threads share a few heaps, and numpy compute in the thread that asks."""
    _share_heaps()
    threadpool_limits(1, user_api="blas")


def _share_heaps() -> None:
    if not sys.platform.startswith("linux"):
        return
    try:
        library = ctypes.CDLL(None)
        library.mallopt(_ARENA_MAX, ARENAS)
        library.mallopt(_MMAP_THRESHOLD, OWN_BLOCK)
    except (OSError, AttributeError):
        return  # another C library than glibc: it has its own ways
