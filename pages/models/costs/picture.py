"""Memory part by part, and how many accelerators would hold it. Pure.

In: bytes by part, accelerators. Out: SVG, sentences. A part's id is its name, an accelerator's
`g<place>`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from engine.costs.gpus import GB, Gpu
from engine.costs.memory import Use
from engine.landscape import amounts
from pages.models.axes import Gauge, Part, parts_of

TITLE = "Memory by part"
NAMES = {"optimizer": "the optimizer", "adapter": "the adapter"}
DOING = {"run": "To run", "full": "To train all weights of", "low rank": "To train an adapter of"}


def memory(found: Mapping[str, float], gpus: Sequence[Gpu], said: str) -> tuple[str, str]:
    """The picture for both widths, and the wide one alone."""
    total = sum(found.values())
    parts = [Part(name.replace(" ", "-"), name, value) for name, value in found.items()]
    gauges = [
        Gauge(f"g{place}", one.name, total / (one.memory * GB), _needed(total, one))
        for place, one in enumerate(gpus)
    ]
    heading = "How full one accelerator is, or how many hold it"
    return parts_of(parts, amounts.nbytes, title=TITLE, said=said, gauges=gauges, heading=heading)


def needed(total: float, gpu: Gpu) -> int:
    """How many accelerators hold so many bytes, shared out evenly."""
    return max(1, math.ceil(total / (gpu.memory * GB)))


def _needed(total: float, gpu: Gpu) -> str:
    count = needed(total, gpu)
    if count > 1:
        return f"{count:,} needed"
    return f"{max(1, round(100 * total / (gpu.memory * GB)))} % full"


def said(name: str, found: Mapping[str, float], use: Use, trained: int, gpu: Gpu) -> str:
    """What takes the memory, and whether it fits."""
    total = sum(found.values())
    part, most = max(found.items(), key=lambda item: item[1])
    words = (
        f"{DOING[use.purpose]} {name} takes {amounts.nbytes(total)}; the largest part, "
        f"{100 * most / total:.0f} %, is that of {NAMES.get(part, part)}. "
    )
    if use.purpose == "low rank":
        words += f"{amounts.count(trained)} parameters are trained. "
    count = needed(total, gpu)
    fits = "It fits on" if count == 1 else f"That is at least {count:,} of"
    return f"{words}{fits} {gpu.name}. What a framework itself takes is not counted."


def time_said(
    flop: float, tokens: float, seconds: float, *, count: int, gpu: Gpu, used: int, towers: int
) -> str:
    """How long training takes, with its numbers."""
    rule = "6 N D" if towers == 1 else "3 N D (a token passes one of two towers)"
    return (
        f"Training it on {amounts.count(tokens)} tokens takes {rule} = {amounts.power(flop)} FLOP: "
        f"{amounts.duration(seconds)} on {count:,} × {gpu.name} at {used} % of "
        f"{amounts.power(gpu.flops)} FLOP a second each."
    )
