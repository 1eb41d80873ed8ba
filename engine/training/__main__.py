"""Train a model: `python -m engine.training <model|all> --corpora DIR [--minutes M] [--resume]`.

A single model is left as a checkpoint in the work folder; `all` trains one after the other and
puts each one's bundle into `assets/models` as soon as it is done.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from engine.training import recipes
from engine.training.fit.loop import Limits, train
from engine.training.shipping import SHIPPED, WORK


def main() -> None:
    """Read the command line, train one model or all of them in turn."""
    parser = argparse.ArgumentParser(prog="python -m engine.training", description=__doc__)
    parser.add_argument("model", choices=[*recipes.NAMES, *recipes.BESIDE, "all"])
    parser.add_argument("--corpora", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--out", type=Path, default=WORK, help="where checkpoints are kept")
    parser.add_argument("--shipped", type=Path, default=SHIPPED, help="where `all` puts bundles")
    parser.add_argument("--minutes", type=float, help="length of each training")
    parser.add_argument("--steps", type=int, help="length in steps instead")
    parser.add_argument("--fraction", type=float, default=1.0, help="share of the corpora used")
    parser.add_argument("--threads", type=int, default=int(os.environ.get("ATLAS_THREADS", "0")))
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", help="other settings, like layers=2"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    ships: list[subprocess.Popen[bytes]] = []
    for name in recipes.NAMES if options.model == "all" else [options.model]:
        recipe = recipes.find(name)
        settings = changed(recipe.Settings(), options.set)
        folder = options.out / name
        task = recipe.prepare(options.corpora, folder, settings, fraction=options.fraction)
        limits = Limits(minutes=options.minutes or settings.minutes, steps=options.steps)
        size = sum(parameter.numel() for parameter in task.model.parameters())
        print(f"{name}: {size / 1e6:.2f} M parameters", flush=True)
        train(task, folder, limits, resume=options.resume)
        if options.model == "all":
            ships.append(shipping(name, options.out, options.shipped))
    if any(one.wait() for one in ships):
        raise SystemExit("Not every model was shipped: see above.")


def shipping(name: str, work: Path, shipped: Path) -> subprocess.Popen[bytes]:
    """Put a trained model's bundle into its place, while the next model trains."""
    places = ["--work", str(work), "--shipped", str(shipped)]
    return subprocess.Popen([sys.executable, "-m", "engine.training.shipping", name, *places])


def changed(settings: Any, given: Sequence[str]) -> Any:
    """A recipe's settings with `name=value` put in; ValueError for a name that it does not have."""
    for pair in given:
        name, _, value = pair.partition("=")
        kind = type(getattr(settings, name, None))
        if kind not in (int, float):
            raise ValueError(f"{name!r} is no number among the settings of {type(settings)}")
        settings = replace(settings, **{name: kind(value)})
    return settings


if __name__ == "__main__":
    main()
