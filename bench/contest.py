"""Players side by side: each asked in turn, so that whatever else the machine does meets all alike.

In: commands that start players (`bench.players`). Out: their times, or why there are none. The
environment of the rivals is made here at the first start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.measure import Times
from bench.models import MADE, ROOT

NEEDS = ROOT / "bench" / "requirements.txt"


class Player:
    """One process that holds one model, until `close`; `missing` says why it cannot play."""

    def __init__(
        self, name: str, python: Path | None, folder: Path, threads: int, device: str = "cpu"
    ) -> None:
        """Start `bench.players.NAME` on a model; `python` is None where there is no environment."""
        self.name = name
        self.missing = "" if python else "its environment could not be made"
        self._process: subprocess.Popen[str] | None = None
        if python:
            known = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
            known |= {"ATLAS_THREADS": str(threads), "ATLAS_DEVICE": device}
            self._process = subprocess.Popen(
                [str(python), "-m", f"bench.players.{name}", str(folder), str(threads), device],
                cwd=ROOT,
                env=os.environ | known | {"OMP_NUM_THREADS": str(threads)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )

    def ask(self, do: str, **options: Any) -> dict[str, Any]:
        """What it answers; after an error it is asked no more."""
        if self.missing or self._process is None:
            return {}
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do} | options) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline() or '{"error": "it ended"}')
        except OSError:
            answer = {"error": "it could not be started"}
        self.missing = answer.get("error", "")
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def rival_python(made: Path = MADE / "venv") -> Path | None:
    """The Python of the rivals' environment, made when it is not there; None where that fails."""
    python = made / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp = made / "requirements.txt"
    if python.exists() and stamp.exists() and stamp.read_text() == NEEDS.read_text():
        return python
    print("Making the environment of the rivals ...", file=sys.stderr, flush=True)
    for command in (
        [sys.executable, "-m", "venv", str(made)],
        [str(python), "-m", "pip", "install", "--quiet", "-r", str(NEEDS)],
    ):
        if subprocess.run(command, capture_output=True).returncode:
            return None
    stamp.write_text(NEEDS.read_text())
    return python


def turns(
    players: Mapping[str, Player],
    work: dict[str, Any],
    *,
    times: int,
    seconds: float,
    each: Mapping[str, dict[str, Any]] | None = None,
) -> dict[str, Times | str]:
    """Times of each player at a work, asked turn by turn; words where it cannot do it.

    At most `times` turns after the first, which is not counted; no turn begins after `seconds`,
    once three are done. `each` are options of one player alone.
    """
    found: dict[str, list[float]] = {name: [] for name in players}
    began = time.perf_counter()
    for turn in range(times + 1):
        if turn > 3 and time.perf_counter() - began > seconds:
            break
        for name, player in players.items():
            answer = player.ask(**work, **(each or {}).get(name, {}))
            if turn and "seconds" in answer:
                found[name].append(answer["seconds"])
    return {
        name: Times(tuple(had)) if had else players[name].missing or "not measured"
        for name, had in found.items()
    }
