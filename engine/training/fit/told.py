"""What a training tells whoever started it, and what it is told: lines, a file that stops it.

With `--json` each line on stdout is {"stage", "progress", "partial", "result", "error"}, for
`engine.jobs.registry`; without it the lines are for people. One training at a time on a machine:
who comes second waits (`engine.tuning.turns`). Nothing here imports PyTorch before its turn.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError, NotAllowed
from engine.policy import NO_TRAINING, own_rule
from engine.tuning import turns

if TYPE_CHECKING:
    from engine.training.fit.watched import Look, Moment

Say = Callable[..., None]
BEGUN, TRAINED = 0.05, 0.8  # shares of the bar at the first and after the last step


def options(parser: argparse.ArgumentParser) -> None:
    """The two options of every training that is watched."""
    parser.add_argument("--stop", type=Path, help="a file that ends it, keeping the best")
    parser.add_argument("--json", action="store_true", help="report as JSON lines")


def run(chosen: argparse.Namespace, work: Callable[[Say], dict[str, Any]]) -> int:
    """Do the work in its turn; the exit status. A refusal is one sentence."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    signal.signal(signal.SIGTERM, _end)
    say = _lines if chosen.json else _words
    try:
        if own_rule() != "all":
            raise NotAllowed(NO_TRAINING)
        with turns.turn(lambda: say(stage=turns.WAITING, progress=0.0), chosen.stop):
            result = work(say)
    except EngineError as error:
        say(error=str(error))
        return 1
    say(stage="Done", progress=1.0, result=result)
    return 0


def one_core() -> None:
    """Compute on one core, behind everything else on this machine."""
    import torch

    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(5)


def looking(
    say: Say, steps: int, stop: Path | None, sample: Callable[[], str] | None = None
) -> Look:
    """A look that tells every moment, with a sample of what the model writes, and heeds a stop."""
    curve: list[tuple[int, float, float]] = []
    samples: list[tuple[int, str]] = []

    def look(moment: Moment) -> bool:
        curve.append((moment.step, round(moment.train, 4), round(moment.held_out, 4)))
        if sample is not None:
            samples.append((moment.step, sample()))
        say(
            stage=f"Step {moment.step:,} of {steps:,}",
            progress=BEGUN + (TRAINED - BEGUN) * moment.step / steps,
            partial={"curve": list(curve), "samples": samples[-4:]},
        )
        return stop is None or not stop.exists()

    return look


def _lines(**event: Any) -> None:
    print(json.dumps(event), flush=True)


def _words(**event: Any) -> None:
    if "error" in event:
        print(event["error"], file=sys.stderr, flush=True)
    elif "partial" in event:
        step, train, held_out = event["partial"]["curve"][-1]
        print(f"step {step:5d}  loss {train:.3f}  held out {held_out:.3f}", flush=True)
    else:
        print(f"{event['progress']:4.0%}  {event['stage']}", flush=True)


def _end(*_: Any) -> None:
    # An exception, so that the half-made folder is removed on the way out.
    raise SystemExit(143)
