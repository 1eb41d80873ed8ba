"""Tune a shipped decoder: `python -m engine.training.tune DATASET --out FOLDER [--rank 8] ...`.

With `--json` each line on stdout is {"stage", "progress", "partial", "result", "error"}, which is
what `engine.jobs.registry` reads. The file given by `--stop` ends the training when it appears, and
the best so far is kept. Everything is written aside and renamed: a process that is killed leaves no
adapter.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ExportFailed
from engine.export.sources.place import aside, check_disk
from engine.models import bundle, catalog
from engine.models.bundle import Card as Base
from engine.training.fit import told
from engine.training.fit.told import Say
from engine.tuning import datasets
from engine.tuning.adapters import FILE, Card, Pair, changes, write_card
from engine.tuning.plans import MATRICES, SECONDS, Tuning

if TYPE_CHECKING:
    from engine.training.fit.watched import Watched

BASE = "tales-gpt"
COPIES = 3  # of the base's weights on the disk: the adapter, its merged bundle


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and tune once; the exit status."""
    chosen = parser().parse_args(arguments)
    return told.run(chosen, lambda say: {"name": tune(chosen, say).name})


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m engine.training.tune", description=__doc__)
    found.add_argument("dataset", choices=list(datasets.DATASETS))
    found.add_argument("--out", type=Path, required=True, help="folder of the adapter")
    found.add_argument("--title", default="", help="what the tuned model is called")
    found.add_argument("--method", choices=("low-rank", "all"), default="low-rank")
    found.add_argument("--rank", type=int, default=8)
    found.add_argument("--matrices", choices=list(MATRICES), default="both")
    found.add_argument("--steps", type=int, default=300)
    found.add_argument("--seed", type=int, default=0)
    found.add_argument("--corpora", type=Path, help="measure forgetting on held-out tales")
    told.options(found)
    return found


def tune(chosen: argparse.Namespace, say: Say) -> Card:
    """Train, measure, and put the adapter in its place."""
    plan = Tuning(
        chosen.dataset, chosen.method, chosen.rank, chosen.matrices, chosen.steps, chosen.seed
    )
    place = catalog.find(BASE).folder
    assert place is not None
    base = bundle.read_card(place)
    check_disk(chosen.out.name, base.parameters * COPIES, chosen.out)
    say(stage="Loading PyTorch", progress=0.01)
    from engine.training import tokenizers
    from engine.training.fit import watched
    from engine.training.tune import base as bases
    from engine.training.tune import fitting, measuring

    told.one_core()
    plain = bases.model(place)
    before = {name: value.detach().clone() for name, value in plain.state_dict().items()}
    model, tokenizer = fitting.prepared(plain, plan), tokenizers.shipped(BASE)
    started = time.monotonic()
    found = watched.fit(
        model,
        fitting.batches(tokenizer, plan),
        fitting.held_out(tokenizer, plan),
        fitting.course(plan, SECONDS if chosen.json else 2 * SECONDS),
        told.looking(say, plan.steps, chosen.stop),
    )
    if not found.kept:
        raise ExportFailed("The training never got better than where it began. Nothing was kept.")
    with aside(chosen.out) as folder:
        say(stage="Measuring", progress=0.85)
        kept = measuring.stored(model, plan, before)
        card = replace(
            _card(chosen, plan, base, found),
            trained=sum(one.numel() for one in model.parameters() if one.requires_grad),
            seconds=round(time.monotonic() - started, 1),
            sha256=measuring.save(kept, folder / FILE),
        )
        card = measuring.measured(card, changes(kept, card), place, chosen.corpora)
        write_card(card, folder)
    return card


def _card(chosen: argparse.Namespace, plan: Tuning, base: Base, found: Watched) -> Card:
    """What was trained and how it went; the figures follow."""
    low = plan.method == "low-rank"
    title = f"{base.title} + {datasets.DATASETS[plan.dataset].title.lower()}"
    return Card(
        name=chosen.out.name,
        title=chosen.title or title,
        base=BASE,
        base_digest=bundle.identity(base),
        dataset=plan.dataset,
        method=plan.method,
        rank=plan.rank if low else 0,
        alpha=plan.alpha if low else 0.0,
        matrices=MATRICES[plan.matrices] if low else (),
        trained=0,
        steps=found.moments[-1].step,
        seconds=0.0,
        sha256="",
        curve=tuple(
            (one.step, round(one.train, 4), round(one.held_out, 4)) for one in found.moments
        ),
        learnt=Pair(0.0, 0.0),
        forgotten=Pair(0.0, 0.0),
        other_text="",
    )


if __name__ == "__main__":
    sys.exit(main())
