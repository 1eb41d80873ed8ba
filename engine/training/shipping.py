"""From a checkpoint to a bundle in `assets/models`: `python -m engine.training.shipping <model>`.

Calls the exporter with the words that anybody would use (weights kept as int8 with one float32
scale a row, computing in float32), then writes into the card what only the recipe knows. The bundle
takes its place by being renamed, so an app that is running never sees half of it. Hand-written
files of the old bundle (its README) move over.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from engine.export.__main__ import main as export
from engine.models.bundle import digest
from engine.space import vocabulary_layout
from engine.training import recipes

SHIPPED = Path("assets/models")
WORK = Path("build/training")
STORE = "int8"

TITLES = {
    "tales-gpt": "Tales GPT",
    "fr-en": "French to English",
    "tales-bert": "Tales BERT",
}
PAIRS_CREDIT = (
    "French-English sentence pairs from the Tatoeba project (https://tatoeba.org) by way of "
    "https://www.manythings.org/anki, CC BY 2.0 FR; merged, deduplicated and normalised."
)
CREDITS = {"tales-gpt": (), "fr-en": (PAIRS_CREDIT,), "tales-bert": (PAIRS_CREDIT,)}


def ship(name: str, *, work: Path = WORK, shipped: Path = SHIPPED) -> Path:
    """Make the bundle of the last checkpoint and put it in its place."""
    source = work / name / "export" / name
    shutil.rmtree(source.parent, ignore_errors=True)
    # The exporter names a model after its folder. A copy, because training may go on.
    shutil.copytree(work / name / "checkpoint", source)
    fresh, place, old = (shipped / (mark + name) for mark in (".new-", "", ".old-"))
    if export([str(source), "--out", str(fresh), "--store", STORE]):
        raise SystemExit(f"{name} was not exported, so {place} stays as it is.")
    vocabulary_layout.pack(fresh)
    describe(fresh / "card.json", name, json.loads((source / "course.json").read_text()))
    keep_readme(place, fresh)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)
    return place


def describe(path: Path, name: str, course: dict[str, Any], *, title: str = "") -> None:
    """Write title, licence, origin, the training, credits and the map's digest into a card."""
    card = json.loads(path.read_text(encoding="utf-8"))
    card["files"][vocabulary_layout.SPACE] = digest(path.with_name(vocabulary_layout.SPACE))
    card["title"] = title or TITLES[name]
    card["licence"] = "apache-2.0"
    card["source"] = f"engine/training/{name.replace('-', '_')}.py"
    trained = (
        f"Trained for {course['seconds'] / 60:.0f} minutes: {course['step']:,} steps, "
        f"{course['tokens'] / 1e6:.1f} million tokens."
    )
    card["notes"] = [trained, *CREDITS.get(name, ())]
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def keep_readme(old: Path, fresh: Path) -> None:
    """Carry the model card in words over to the new bundle."""
    if (old / "README.md").exists():
        shutil.copy2(old / "README.md", fresh / "README.md")


def main() -> None:
    """Read the command line and ship one model."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.shipping", description=__doc__)
    parser.add_argument("model", choices=recipes.NAMES)
    parser.add_argument("--work", type=Path, default=WORK, help="where checkpoints are kept")
    parser.add_argument("--shipped", type=Path, default=SHIPPED, help="where bundles are put")
    options = parser.parse_args()
    print(ship(options.model, work=options.work, shipped=options.shipped))


if __name__ == "__main__":
    main()
