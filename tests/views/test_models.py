"""The pictures of Models: legible in both widths, escaped, and true to their numbers."""

from __future__ import annotations

import re
from datetime import date

import pytest

from engine.costs.gpus import gpus
from engine.costs.known_shapes import KNOWN
from engine.costs.memory import Use, memory
from engine.costs.scaling import BUDGETS, LAWS
from engine.landscape import notes, ordering
from engine.landscape.known import KnownModel, known_models
from engine.landscape.stages import stages
from pages.models.axes import NARROW, WIDE, Log
from pages.models.costs import picture as costs
from pages.models.figures import picture as figures
from pages.models.lifecycle import picture as lifecycle
from pages.models.loss import picture as loss
from pages.models.order import picture as order
from pages.models.shape import picture as shape
from pages.models.timeline import picture as timeline
from pages.models.tree import picture as tree

SIX = ordering.six(1)
IDS = {one.name: f"m{place}" for place, one in enumerate(known_models())}
SIZED = [one for one in known_models() if one.parameters]
HOSTILE = KnownModel(
    "<script>alert(1)</script>", ("\"'&<b>",), date(2020, 1, 1), 1e9, None, None, "", "open", "",
    "Unknown", (),
)  # fmt: skip
DRAWN = {
    "timeline": timeline.timeline(SIZED, IDS, "parameters", "said"),
    "one model": timeline.timeline([HOSTILE], {HOSTILE.name: "m0"}, "parameters", "said"),
    "tree": tree.tree(notes.note_models(), "said"),
    "order": order.bars(ordering.by_size(SIX), SIX, "said"),
    "figures": figures.figures(notes.claims(), "said"),
    "costs": costs.memory(memory(KNOWN["GPT-3 175B"], Use("full")), gpus(), "said"),
    "shape": shape.parts(KNOWN["T5 11B"], "said"),
    "lifecycle": lifecycle.lifecycle(stages(), "said"),
    **{
        f"loss by {name}, {flop:g}": loss.drawing(law, flop, SIZED[:0], IDS, "said")
        for name, law in LAWS.items()
        for flop in (BUDGETS[0], BUDGETS[-1])
    },
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_legible_in_both_widths(name: str) -> None:
    both, wide = DRAWN[name]
    assert wide in both
    widths = [float(one) for one in re.findall(r"<svg [^>]*? width=\"([\d.]+)\"", both)]
    assert widths == [WIDE, NARROW]
    assert min(float(one) for one in re.findall(r'font-size="([\d.]+)"', both)) >= 12
    assert both.count('data-least="1"') == 2
    numbers = re.findall(r' (?:x|y|cx|cy|width|height)="(-?[\d.]+|nan|inf)"', both)
    assert numbers and all(-2000 < float(one) < 2000 for one in numbers)


def test_what_stands_in_a_table_is_text() -> None:
    both, _ = DRAWN["one model"]
    assert "<script>" not in both and "&lt;script&gt;" in both


@pytest.mark.parametrize(("value", "pixel"), [(1.0, 0), (10.0, 50), (100.0, 100)])
def test_an_axis_of_powers_is_even(value: float, pixel: float) -> None:
    axis = Log(1, 100, 0, 100)
    assert axis(value) == pytest.approx(pixel) and axis.ticks() == [1, 10, 100]


def test_sentences_count_what_is_drawn() -> None:
    said = timeline.said(SIZED[:2], 334, "parameters")
    assert said.startswith("2 of 334 models") and len(said.split()) <= 60
    assert "All six stand right" in order.said(ordering.by_size(SIX), ordering.by_size(SIX))
    for name, law in LAWS.items():
        assert law.name in loss.said(name, law, 5.76e23)
        assert len(loss.said(name, law, 5.76e23).split()) <= 60
    assert costs.needed(160.1e9, next(one for one in gpus() if one.name == "A100 80 GB")) == 3


@pytest.mark.parametrize("name", ["GPT-2 small", "T5 11B", "Llama 2 7B"])
def test_no_part_of_a_shape_loses_its_name_on_a_phone(name: str) -> None:
    both, _ = shape.parts(KNOWN[name], "said")
    assert "…" not in both
    for part in KNOWN[name].parts:
        assert both.count(f">{part}</text>") == 2, part  # wide and narrow
