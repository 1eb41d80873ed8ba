"""`python -m engine.export <id, folder or GGUF file>`: make a bundle, for a person or for the app.

With `--json` each line on stdout is {"stage", "progress", "result", "error"}, which is what
`engine.jobs.registry` reads; without it the stages are plain lines. A refusal is one sentence on
stderr and exit status 1. Killing the process at any time leaves no bundle. ATLAS_ADD_MODELS holds
here too, whoever started the process: under "hub" no text means a folder.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, TextIO, get_args

from engine.errors import EngineError, ExportFailed
from engine.export.sources.hub import Report
from engine.export.sources.look import check_checkpoint, look
from engine.export.sources.origin import opened
from engine.export.sources.packages import PACKAGES
from engine.export.sources.place import alone
from engine.models.bundle import Precision
from engine.models.catalog import bundle_name, check_name
from engine.models.device import Device, demanded
from engine.models.runtime import open_bundle
from engine.models.source import Source, parse
from engine.policy import own_rule
from engine.settings import settings

FETCHED = 0.4  # share of the bar that a download takes


def main(arguments: list[str] | None = None) -> int:
    """Run one export, or look at a model, and return the exit status."""
    chosen = parser().parse_args(arguments)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    out = sys.stdout
    # Libraries print their own progress: it must not get between the JSON lines.
    with open(os.devnull, "w") as nowhere:
        with contextlib.redirect_stdout(sys.stderr if chosen.verbose else nowhere):
            try:
                result = run(chosen, out)
            except EngineError as error:
                _say(out, chosen.json, error=str(error))
                return 1
    _say(out, chosen.json, stage="Done", progress=1.0, result=result)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m engine.export", description=__doc__)
    found.add_argument(
        "model",
        help="a Hugging Face id or the address of its page, a folder with config.json, a GGUF "
        "file, or the name of a model that a package carries: "
        + ", ".join(one.model for one in PACKAGES),
    )
    found.add_argument("--revision", help="branch, tag or commit on the Hub; also model@revision")
    found.add_argument("--name", help="what the app calls it; default: the last part of the id")
    found.add_argument(
        "--precision",
        choices=get_args(Precision),
        default="fp32",
        help="the numbers it computes with. fp32: exact, the default; fp16-weights: half the disk "
        "and memory, exact for the rounded weights; fp16: half the bytes, for GPUs; int8: writes "
        "about twice as fast on a CPU; int4: smaller still, where its predictions stay near. The "
        "last three differ a little from PyTorch: the card says by how much",
    )
    found.add_argument(
        "--store",
        choices=("float32", "float16", "int8"),
        default="float32",
        help="how an fp32 bundle's matrices lie on the disk: rounded ones take a half or a quarter "
        "of the room, and every number is exact for the rounded model",
    )
    found.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="where the bundle is compared with PyTorch",
    )
    found.add_argument("--look", action="store_true", help="only say what the model is")
    found.add_argument("--out", type=Path, help="the bundle's folder; default: the app's own")
    found.add_argument("--new", action="store_true", help="refuse to replace a bundle")
    found.add_argument("--json", action="store_true", help="report as JSON lines")
    found.add_argument("--verbose", action="store_true", help="show what the libraries print")
    return found


def run(chosen: argparse.Namespace, out: TextIO) -> dict[str, Any]:
    """Find the checkpoint and export it, or only look at it; what the card says in short."""
    source = parse(chosen.model, own_rule())
    if chosen.revision and source.folder is None:
        source = dataclasses.replace(source, revision=chosen.revision)
    if chosen.look:
        return look(source, chosen.out).data()

    def report(stage: str, progress: float) -> None:
        _say(out, chosen.json, stage=stage, progress=round(progress, 4))

    if chosen.precision != "fp32" and chosen.store != "float32":
        raise ExportFailed(
            f"--store is for fp32 bundles; with --precision {chosen.precision} the matrices are "
            "written as they are computed with. Leave one of the two out."
        )
    device = demanded(chosen.device, f"--device {chosen.device} was asked for")
    name = check_name(chosen.name) if chosen.name else bundle_name(source, chosen.precision)
    target = chosen.out or settings().models / name
    with alone(target):
        if chosen.new and target.exists():
            raise ExportFailed(f"A model called {name} is here already. Give yours another name.")
        made = _make(chosen, source, target, device, report)
    if chosen.out is None:  # the app will open it from here
        open_bundle(target).pack()
    return made


def _make(
    chosen: argparse.Namespace, source: Source, target: Path, device: Device, report: Report
) -> dict[str, Any]:
    share = FETCHED if source.folder is None else 0.0
    with opened(source, target, lambda stage, done: report(stage, share * done)) as checkpoint:
        check_checkpoint(checkpoint, target)
        # The app gives a name always: its own proposal does not replace the model's title.
        if chosen.name and chosen.name != bundle_name(source, chosen.precision):
            checkpoint = dataclasses.replace(checkpoint, name=chosen.name)
        report("Loading PyTorch", share)
        from engine.export.bundling import export  # torch takes seconds: after the refusals

        card = export(
            checkpoint,
            target,
            precision=chosen.precision,
            store=chosen.store,
            device=device,
            report=lambda stage, done: report(stage, share + (1 - share) * done),
        )
    return {"name": target.name, "folder": str(target), "errors": card.errors, "notes": card.notes}


def _say(out: TextIO, as_json: bool, **event: Any) -> None:
    if as_json:
        print(json.dumps(event), file=out, flush=True)
    elif "error" in event:
        print(event["error"], file=sys.stderr, flush=True)
    elif "result" in event:
        print(json.dumps(event["result"], indent=1), file=out, flush=True)
    else:
        print(f"{event['progress']:4.0%}  {event['stage']}", file=out, flush=True)


def _stop(*_: Any) -> None:
    # An exception, so that the half-made folder is removed on the way out.
    raise SystemExit(143)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
