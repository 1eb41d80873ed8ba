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
