"""`python -m tests.models_table [FOLDER]`: write docs/models.md from the tests' tiny bundles.

Each family that the exporter knows is exported once, as in the tests (what they kept is taken), and
its line says what its card says: what it gives, and the largest error against PyTorch.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from engine.export.families import HYBRID, LAYOUTS, OTHER, RECURRENT
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


PRECISIONS = """
## Precisions

`--precision` of the exporter, and the choice of that name in "Add a model":

- `fp32`: exact.
- `fp16-weights`: weights rounded to float16, in the file and in memory; arithmetic in float32,
  exact for the rounded weights.
- `int8`: products of 8-bit numbers in blocks of 32; offered where the mean KL divergence of the
  predictions from the exact model's is at most 0.1 nats.
- `int4`: weights of 4 bits in groups of 32 with a scale and a zero each, the output matrix 8 bits;
  offered below 0.05 nats, measured at export on ten texts, else refused with the number. Weights
  that come from a GGUF file of 4-bit blocks are kept exactly as the file has them.
- `fp16`: for GPUs.

SmolLM2 135M Instruct out of its package (weights of a Q4_1 file), measured on two cores of an AMD
EPYC that others used too, in turns, 22 tokens each: KL divergence and tokens placed first on 195
tokens of English, German and Python, in nats; greedy writing of 24 tokens. Memory is what opening
and writing added to the process; of that of float16 weights 279 MB are pages of the file, which the
system may drop, and 26 MB its own.

| precision | disk | memory | mean KL | other first | ms a token (least) | first to differ |
|---|---|---|---|---|---|---|
| fp32 | 538 MB | 524 MB | 0 | 0 % | 36.9 (27.5) | |
| fp16-weights | 269 MB | 305 MB | 0.00000 | 0.5 % | 36.1 (30.9) | none |
| int8 | 180 MB | 196 MB | 0.00655 | 6.7 % | 15.1 (13.9) | 19th |
| int4 | 142 MB | 164 MB | 0.00480 | 5.6 % | 14.6 (12.8) | none |

The same weights put into 4-bit groups by rounding them anew, as a checkpoint in full precision is,
were 0.474 nats from the exact predictions: refused. A batch of six texts gave each row's logits as
its run alone: to the bit in int8 and int4, to 3e-5 with float16 weights.
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
    return HEAD + "\n".join(lines) + "\n" + tail()


def tail() -> str:
    """What follows the table: GGUF files, packages, what is refused."""
    gguf = ", ".join(f"`{kind}`" for kind in sorted(ARCHITECTURES))
    carried = "\n".join(
        f"- `python -m engine.export {one.model}`: {one.title}, {one.parameters / 1e6:,.0f} "
        f"million parameters, {one.size / 1e6:,.0f} MB to download ({one.licence}), as {one.hub} "
        f"on the Hub; `{one.model}@{one.version}` is the package itself"
        for one in PACKAGES
    )
    return (
        f"\n## GGUF files\n\nOf llama.cpp's architectures {gguf}, in any quantization that can "
        "be turned into floats. The\nproof compares with the de-quantized weights. Of LLaMA's "
        "shape with a window it is Mistral. A\nfile with weights that no place is known for is "
        "refused by their names.\n"
        "\n## Models that Python packages carry\n\nFor where the Hub does not answer; it is asked "
        f"first.\n\n{carried}\n"
        + PRECISIONS
        + "\n## What is refused\n\nRecurrent models have no attention to show: "
        + f"{', '.join(sorted(RECURRENT))}. Hybrids have it in few of\ntheir layers: "
        + f"{', '.join(sorted(HYBRID))}.\n"
        + "".join(f"`{kind}` {what}.\n" for kind, what in sorted(OTHER.items()))
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
