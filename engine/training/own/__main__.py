"""Train a small decoder on one text: `python -m engine.training.own --text FILE --name NAME`.

The text's last tenth is held out. The best weights become a bundle through the exporter, which
compares it with PyTorch; whatever ends the process before leaves nothing. Lines and the stop file
are those of `engine.training.fit.told`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import ExportFailed
from engine.export.sources.place import alone, check_disk, scratch
from engine.models.catalog import check_name
from engine.settings import settings
from engine.training.fit import told
from engine.training.fit.told import Say
from engine.tuning.plans import POSITIONS, SECONDS, WIDTHS, Own, checked_text, vocabulary_of

if TYPE_CHECKING:
    from engine.training.fit.watched import Watched

RATE = 3e-3
SAMPLE = 60  # tokens
COPIES = 8  # of the weights on the disk: checkpoint and bundle, many times smaller than the rest


@dataclass(frozen=True, slots=True)
class Job:
    """What is trained, from what, and where its bundle goes."""

    text: str
    plan: Own
    name: str
    title: str
    out: Path


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and train once; the exit status."""
    chosen = parser().parse_args(arguments)
    text = chosen.text.read_text(encoding="utf-8", errors="replace")
    if chosen.forget:
        chosen.text.unlink()  # before its turn comes: who waits may be ended
    return told.run(chosen, lambda say: train(_job(chosen, text), chosen.stop, say))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m engine.training.own", description=__doc__)
    found.add_argument("--text", type=Path, required=True, help="a file of text (UTF-8)")
    found.add_argument("--name", required=True, help="what the app calls the model")
    found.add_argument("--title", default="", help="what people call it")
    found.add_argument("--layers", type=int, default=2)
    found.add_argument("--width", type=int, default=64, choices=WIDTHS)
    found.add_argument("--steps", type=int, default=300)
    found.add_argument("--seed", type=int, default=0)
    found.add_argument("--forget", action="store_true", help="delete the file once it is read")
    told.options(found)
    return found


def _job(chosen: argparse.Namespace, text: str) -> Job:
    plan = Own(chosen.layers, chosen.width, chosen.steps, chosen.seed)
    name = check_name(chosen.name)
    return Job(checked_text(text), plan, name, chosen.title or name, settings().models / name)


def train(job: Job, stop: Path | None, say: Say) -> dict[str, Any]:
    """Train, keep the best, export it; what the bundle is called."""
    vocabulary = vocabulary_of(job.text)
    check_disk(job.name, job.plan.parameters(vocabulary) * COPIES, job.out)
    say(stage="Loading PyTorch", progress=0.01)
    from engine.training.fit import watched
    from engine.training.own import making

    told.one_core()
    with alone(job.out), scratch(job.out, "training") as folder:
        made = making.made(job.text, job.plan, vocabulary)
        started = time.monotonic()
        found = watched.fit(
            made.model,
            made.batches,
            made.held_out,
            watched.Course(job.plan.steps, RATE, SECONDS, decay=0.1),
            told.looking(say, job.plan.steps, stop, lambda: making.written(made, SAMPLE)),
        )
        if not found.kept:
            raise ExportFailed(
                "The training never got better than where it began. Nothing was kept; train "
                "longer or give a longer text."
            )
        seconds = time.monotonic() - started
        _export(job, made, found, seconds, folder, say)
    return {"name": job.name, "curve": [list(asdict(one).values()) for one in found.moments]}


def _export(job: Job, made: Any, found: Watched, seconds: float, folder: Path, say: Say) -> None:
    """The best weights as a bundle, proved against PyTorch."""
    from engine.export.bundling import export
    from engine.export.sources import hub

    checkpoint, bundle = folder / job.name, folder / "bundle"
    made.model.set_attn_implementation("eager")
    made.model.save_pretrained(checkpoint)
    made.tokenizer.save_pretrained(checkpoint)
    export(
        hub.local(checkpoint),
        bundle,
        report=lambda stage, done: say(stage=stage, progress=round(0.8 + 0.2 * done, 3)),
    )
    _describe(job, bundle, found, seconds)
    shutil.rmtree(job.out, ignore_errors=True)
    bundle.rename(job.out)


def _describe(job: Job, bundle: Path, found: Watched, seconds: float) -> None:
    """Name, title and training on the card."""
    path = bundle / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    best = min(found.moments, key=lambda one: one.held_out)
    card |= {"name": job.name, "title": job.title, "licence": "", "source": "trained here"}
    card["notes"] = [
        f"Trained here on {len(job.text):,} characters for {seconds:.0f} seconds: best of "
        f"{found.moments[-1].step:,} steps at step {best.step:,}, held-out loss "
        f"{best.held_out:.2f} nats a token, {found.moments[0].held_out:.2f} before.",
        f"It reads at most {POSITIONS} tokens.",
    ]
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
