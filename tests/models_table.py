"""`python -m tests.models_table [FOLDER]`: write docs/models.md from the tests' tiny bundles.

Each family that the exporter knows is exported once, as in the tests (what they kept is taken), and
its line says what its card says: what it gives, and the largest error against PyTorch.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from engine.export.families import HYBRID, LAYOUTS, RECURRENT
from engine.export.sources.gguf import ARCHITECTURES
from engine.export.sources.packages import PACKAGES
from engine.models.bundle import Card, read_card
from tests.engine.checkpoints import Bundles
from tests.engine.recipes import RECIPES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "models.md"
HEAD = """# Models that can be shown

Any checkpoint of these types with safetensors weights, from the Hugging Face Hub or a folder. Each
line is a tiny random checkpoint of the type, exported by the test suite and compared with PyTorch
quantity by quantity; writing and translating are compared with `generate` there. The type is
`model_type` in config.json. `python -m tests.models_table` writes this page.

| type | kind | positions | gives of each attention | largest error |
|---|---|---|---|---|
"""


def line(card: Card) -> str:
    """The line of one family."""
    gives = ", ".join(card.given)
    error = max(card.errors.values())
    return f"| {card.architecture} | {card.family} | {card.positions} | {gives} | {error:.0e} |"


def page(cards: list[Card]) -> str:
    """The whole page; where several checkpoints are of one type, the one furthest from PyTorch."""
    furthest: dict[str, Card] = {}
    for card in sorted(cards, key=lambda card: max(card.errors.values())):
        furthest[card.architecture] = card
    lines = [line(furthest[kind]) for kind in sorted(furthest)]
    gguf = ", ".join(f"`{kind}`" for kind in sorted(ARCHITECTURES))
    carried = "\n".join(
        f"- `python -m engine.export {one.model}`: {one.title}, {one.parameters / 1e6:,.0f} "
        f"million parameters, {one.size / 1e6:,.0f} MB to download ({one.licence})"
        for one in PACKAGES
    )
    return (
        HEAD
        + "\n".join(lines)
        + f"\n\n## GGUF files\n\nOf llama.cpp's architectures {gguf}, in any quantization that can "
        "be turned into floats. The\nproof compares with the de-quantized weights.\n"
        + f"\n## Models that Python packages carry\n\n{carried}\n"
        + "\n## What is refused\n\nRecurrent models have no attention to show: "
        + f"{', '.join(sorted(RECURRENT))}. Hybrids have it in few of\ntheir layers: "
        + f"{', '.join(sorted(HYBRID))}.\n"
    )


def main(given: list[str]) -> None:
    """Write the page from the bundles in a folder, or export what the tests have not kept."""
    if given:
        cards = [read_card(path.parent) for path in Path(given[0]).glob("*/card.json")]
    else:
        with tempfile.TemporaryDirectory() as folder:
            bundles = Bundles(Path(folder))
            cards = [read_card(bundles(name)) for name in sorted(RECIPES)]
    missing = sorted(set(LAYOUTS) - {card.architecture for card in cards})
    if missing:
        raise SystemExit(f"No tiny bundle of {', '.join(missing)}.")
    PAGE.write_text(page(cards), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
