"""Memory to run and to train a model, part by part, and the time that training takes.

In: a `Shape` and a `Use`. Out: bytes by part. Formulas:
- Adam in mixed precision keeps 2 + 2 + 4 + 4 + 4 = 16 bytes a parameter: weights and gradients in
  16 bits, a float32 copy and two moments (Rajbhandari et al. 2020, arXiv 1910.02054).
- Activations kept for the backward pass: s b h (34 + 5 a s / h) bytes a layer in 16 bits, s tokens,
  b texts, h width, a heads; with selective recomputation 34 s b h, with full 2 s b h (Korthikanti
  et al. 2022, arXiv 2205.05198, equations 2 and 6; one byte of each three masks, so that float32
  takes 66 and 9). They were counted for a feed-forward network of 4 h.
- A low-rank adapter of a matrix d x k has r (d + k) parameters (Hu et al. 2021, arXiv 2106.09685);
  frozen weights of 8 or 4 bits may carry it (Dettmers et al. 2023, arXiv 2305.14314).
- Training takes 6 N D FLOP (Kaplan et al. 2020, arXiv 2001.08361): 3 N D where a token passes one
  of two towers, and with a mixture N are the active parameters.
What a framework itself takes, and pieces of memory that stay unused, are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.costs.shapes import Shape
from engine.errors import NotOffered
from engine.landscape.sources import Source, arxiv

Precision = Literal["fp32", "bf16", "int8", "int4"]
Purpose = Literal["run", "full", "low rank"]
Adapted = Literal["q v", "q k v o", "all"]
Recompute = Literal["nothing", "selective", "full"]

BYTES: Mapping[Precision, float] = {"fp32": 4.0, "bf16": 2.0, "int8": 1.0, "int4": 0.5}
"""Bytes of one weight; the scales of int8 and int4 (some percent) are not counted."""
ADAM: Mapping[Precision, tuple[float, float]] = {"fp32": (4.0, 8.0), "bf16": (2.0, 12.0)}
"""Bytes a trained parameter: its gradient; what the optimizer keeps, in bf16 a float32 copy too."""
SOURCES: tuple[tuple[str, Source], ...] = (
    ("16 bytes a parameter with Adam", arxiv("1910.02054")),
    ("Activations", arxiv("2205.05198")),
    ("Adapters", arxiv("2106.09685")),
    ("Adapters beside weights of few bits", arxiv("2305.14314")),
    ("6 N D", arxiv("2001.08361")),
    ("3 N D of an encoder-decoder", arxiv("2005.14165")),
)
RANKS = (1, 512)
TOKENS = (1, 10_000_000)
BATCH = (1, 10_000)


@dataclass(frozen=True, slots=True)
class Use:
    """What is done with a model.

    `tokens` a text, `batch` texts at a time. `rank` and `adapted` matter for "low rank", and
    `recompute` for both kinds of training.
    """

    purpose: Purpose = "run"
    precision: Precision = "bf16"
    tokens: int = 2048
    batch: int = 1
    rank: int = 8
    adapted: Adapted = "q v"
    recompute: Recompute = "nothing"

    def __post_init__(self) -> None:
        """Refuse what cannot be computed or is not done."""
        for name, value, (low, high) in (
            ("tokens", self.tokens, TOKENS),
            ("batch", self.batch, BATCH),
            ("rank", self.rank, RANKS),
        ):
            if not low <= value <= high:
                raise NotOffered(
                    f"{name.capitalize()}: {value:,} is out of range. Choose {low} to {high:,}."
                )
        if self.purpose == "full" and self.precision not in ADAM:
            raise NotOffered(
                f"Weights of {self.precision} are not trained: their steps are too coarse. Choose "
                "bf16, or a low-rank adapter beside frozen weights."
            )


def memory(shape: Shape, use: Use) -> dict[str, float]:
    """Bytes by part, in the order in which they are drawn; empty parts left out."""
    weights = shape.parameters * BYTES[use.precision]
    found = {"weights": weights}
    if use.purpose == "run":
        number = BYTES["fp32"] if use.precision == "fp32" else BYTES["bf16"]
        found["keys and values"] = shape.cache_bytes(use.tokens, use.batch, number)
    else:
        trained, kept = trained_parameters(shape, use), _trained_in(use)
        gradient, optimizer = ADAM[kept]
        if use.purpose == "low rank":
            found["adapter"] = trained * BYTES[kept]
        found["gradients"] = trained * gradient
        found["optimizer"] = trained * optimizer
        found["activations"] = activations(shape, use)
    return {name: count for name, count in found.items() if count}


def columns(shape: Shape, use: Use) -> dict[str, list[str] | list[float]]:
    """Bytes by part as columns."""
    found = memory(shape, use)
    return {"part": list(found), "bytes": list(found.values())}


def trained_parameters(shape: Shape, use: Use) -> int:
    """How many parameters a step changes: none, all, or r (d + k) for each adapted matrix."""
    if use.purpose == "run":
        return 0
    return shape.parameters if use.purpose == "full" else adapter_parameters(shape, use)


def adapter_parameters(shape: Shape, use: Use) -> int:
    """r (d + k) summed over the adapted matrices of every layer, cross-attention included."""
    d, q, k, f = shape.width, shape.queries, shape.keys, shape.feed_forward
    attention = {"q": d + q, "k": d + k, "v": d + k, "o": q + d}
    wanted = ("q", "v") if use.adapted == "q v" else tuple(attention)
    blocks = shape.depth + (shape.decoder_layers if shape.both else 0)
    each = blocks * sum(attention[name] for name in wanted)
    if use.adapted == "all":
        each += shape.depth * (3 if shape.gated else 2) * (d + f)
    return use.rank * each


def activations(shape: Shape, use: Use) -> float:
    """Bytes kept between the forward and the backward pass."""
    s, b, h, a = use.tokens, use.batch, shape.width, shape.heads
    wide = _trained_in(use) == "fp32"
    line, square = (66.0, 9.0) if wide else (34.0, 5.0)
    each = {
        "nothing": s * b * h * line + square * a * s * s * b,
        "selective": s * b * h * line,
        "full": s * b * h * (4.0 if wide else 2.0),
    }[use.recompute]
    return shape.depth * each


def training_flop(parameters: float, tokens: float, *, towers: int = 1) -> float:
    """6 N D: two FLOP forward and four backward for each parameter and token."""
    return 6.0 / towers * parameters * tokens


def seconds(flop: float, *, count: int, flops: float, utilization: float) -> float:
    """Time on `count` accelerators of `flops` a second, of which a share (0 to 1) is used."""
    if not (count >= 1 and flops > 0 and 0 < utilization <= 1):
        raise NotOffered(
            f"{count} accelerators at {100 * utilization:g} % give no time. Choose one or more, "
            "and a share from 1 to 100 %."
        )
    return flop / (count * flops * utilization)


def _trained_in(use: Use) -> Precision:
    """An adapter beside weights of few bits is trained in 16."""
    return "fp32" if use.precision == "fp32" else "bf16"
