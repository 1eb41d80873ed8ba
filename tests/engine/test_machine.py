"""How the process uses the machine: numpy computes in the thread that asks."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.engine.checkpoints import ROOT

PROGRAM = """
import json
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from engine.store import cached

def threads():
    return sorted({one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"})

threadpool_limits(2, user_api="blas")
before = threads()
cached(("a value",), lambda: 1)
print(json.dumps([before, threads()]))
"""


def test_a_process_that_keeps_values_does_linear_algebra_in_one_thread():
    """Two threads took up to 90 times the processor's time on a machine that others use too."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    assert json.loads(done.stdout) == [[2], [1]]


HOLES = """
import numpy as np
from bench.measure import memory_mb
from engine.store import cached

cached(("a value",), lambda: 1)
del (large := [np.ones(20_000_000, np.uint8)])[:]  # after it C's library would keep what is freed
before = memory_mb()
arrays, small = [], []
for _ in range(200):
    arrays.append(np.ones(1_000_000, np.uint8))
    small.append(bytearray(2000))  # lives longer, beside it
most = memory_mb()
arrays.clear()
print(before, most, memory_mb())
"""


def test_large_numbers_leave_no_holes_among_small_things_that_live_longer():
    """Under a crowd the process grew by 26 MB a minute, most of it memory that nobody used."""
    done = subprocess.run([sys.executable, "-c", HOLES], cwd=ROOT, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    before, most, after = map(float, done.stdout.split())
    assert most > before + 190
    assert after < before + 10
