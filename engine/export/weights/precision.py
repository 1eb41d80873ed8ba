"""The numbers a bundle computes with, and how far from PyTorch's float32 they may lead.

    fp32          the reference: every quantity of every layer equals PyTorch's
    fp16          half the bytes, for GPUs; compared with PyTorch in float32 on the same, rounded,
                  weights
    fp16-weights  weights in float16, half the disk and memory; computes in float32 and is compared
                  like fp32, on the rounded weights
    int8          products of 8-bit numbers, about twice as fast in writing on a CPU; what it
                  predicts is compared with the float32 model, for its layers are meant to differ
                  a little
    int4          the same with weights of 4 bits, where the predictions stay near enough

What an error is called in the card: a quantity's name, or for int8 and int4 `divergence` (mean
Kullback-Leibler divergence of the predictions from the float32 model's, in nats), `disagreement`
(share of places where another token comes first) and, where a model predicts nothing, `direction`
(1 - cosine of what leaves the last layer, the mean).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from engine.errors import ExportFailed
from engine.export.weights.int4 import BLOCK
from engine.export.weights.storage import FORMS, Stored, digest
from engine.models.bundle import Precision

CELLS = {"fp32": 1e-4, "fp16": 2e-2, "fp16-weights": 1e-4}  # largest error of any cell
PREDICTIONS = {
    "int8": {"divergence": 0.1, "disagreement": 0.15, "direction": 0.02},
    # What is sampled depends on all probabilities: how far they moved decides.
    "int4": {"divergence": 0.05, "disagreement": 1.0, "direction": 0.02},
}


def judge(found: dict[str, float], precision: Precision) -> None:
    """Refuse a bundle that is further from PyTorch than its precision allows."""
    rounded = PREDICTIONS.get(precision, {})
    allowed = {name: rounded.get(name, CELLS.get(precision, 0.0)) for name in found}
    wrong = {name: value for name, value in found.items() if not value <= allowed[name]}
    if not wrong:
        return
    name = max(wrong, key=lambda name: wrong[name] / allowed[name])
    remedy = "please report the model's name"
    if precision != "fp32":
        remedy = f"export it with --precision {'int8' if precision == 'int4' else 'fp32'}"
    if precision == "int4" and name == "divergence":
        raise ExportFailed(
            f"With weights of 4 bits this model predicts too differently: a KL divergence of "
            f"{wrong[name]:.3f} nats from its exact predictions, on average; int4 is offered below "
            f"{allowed[name]}. The bundle was not kept; {remedy}."
        )
    raise ExportFailed(
        f"The exported graph differs from PyTorch: {name} by {wrong[name]:.1e}, at most "
        f"{allowed[name]:.0e} is allowed with {precision}. The bundle was not kept; {remedy}."
    )


def notes(precision: Precision, found: dict[str, float], read: str = "") -> tuple[str, ...]:
    """What a person should know of numbers that are not exact; `read` is what was read for it."""
    if precision == "fp16":
        return ("It computes in float16: numbers are right to about three digits.",)
    if precision == "fp16-weights":
        return (
            "Its weights are rounded to float16, in the file and in memory; it computes in "
            "float32, exactly for the rounded weights.",
        )
    if precision == "int4":
        return (_four(found, read),)
    if precision == "int8" and "disagreement" in found:
        return (
            "It computes with 8-bit numbers: on a test text it put the same token first as the "
            f"exact model at {1 - found['disagreement']:.0%} of the places.",
        )
    if precision == "int8":
        return ("It computes with 8-bit numbers: its vectors differ a little from the exact ones.",)
    return ()


def _four(found: dict[str, float], read: str) -> str:
    """Groups, and what they cost."""
    said = (
        f"Its weights are 4-bit numbers in groups of {BLOCK} with a scale and a zero each, those "
        "of the output matrix 8-bit numbers; what they are multiplied with is rounded to 8 bits."
    )
    if "divergence" not in found:
        return f"{said} Its vectors differ a little from the exact ones."
    return (
        f"{said} On {read} its predictions have a KL divergence of {found['divergence']:.3f} nats "
        "from the exact model's, on average, and put the same token first at "
        f"{1 - found['disagreement']:.0%} of the places."
    )


@contextmanager
def halved(model: nn.Module) -> Iterator[dict[str, Stored]]:
    """The model in float16 within the block, and what it stores; then in float32, rounded.

    The frequencies of rotary positions stay float32: multiplied by a position, what half a number
    leaves out would turn a far token by whole angles.
    """
    stored: dict[str, Stored] = {}

    def half(part: Tensor) -> Tensor:
        short = part.detach().half()
        if short.ndim == 2:
            # By both contents: the graph holds the halves, the model afterwards the same in full.
            for values in (short.numpy(), short.float().numpy()):
                stored[digest(values.T)] = Stored(short.numpy(), transposed=True)
                stored[digest(values)] = Stored(short.numpy())
        return short

    _exchange(model, half)
    check = torch.isfinite
    torch.isfinite = lambda _: _Finite()  # type: ignore[assignment,return-value]
    try:
        yield stored
    finally:
        torch.isfinite = check
        _exchange(model, lambda part: part.detach().float())


class _Finite:
    """BART and Marian ask whether halves that they have just normalised are finite: always."""

    def all(self) -> bool:
        """A plain answer, as no graph can branch on what a tensor holds."""
        return True


def _exchange(model: nn.Module, change: Callable[[Tensor], Tensor]) -> None:
    """Put a changed tensor in the place of each parameter and buffer; tied ones stay tied.

    New tensors, because one that is a view of another would keep a base of the old type.
    """
    changed: dict[int, Tensor] = {}
    old: list[Tensor] = []  # kept alive, so that no new tensor gets the number of one of them
    for holder in model.modules():
        for place in (holder._parameters, holder._buffers):
            for name, part in place.items():
                if part is None or not part.is_floating_point() or name.endswith("inv_freq"):
                    continue
                if id(part) not in changed:
                    new, learnt = change(part), part.requires_grad
                    kind = nn.Parameter(new, learnt) if isinstance(part, nn.Parameter) else new
                    changed[id(part)] = kind
                    changed[id(kind)] = kind  # met again where modules share a dictionary
                    old.append(part)
                place[name] = changed[id(part)]  # type: ignore[assignment]


def tables(model: PreTrainedModel) -> dict[str, Stored]:
    """The int8 forms of the matrices of token vectors, by the digest of their float32 values."""
    shared = model.get_input_embeddings().weight
    holders = [part for part in model.modules() if isinstance(part, nn.Embedding)]
    weights = {part.weight for part in holders if len(part.weight) == len(shared)}  # type: ignore[arg-type]
    arrays = [weight.detach().numpy() for weight in weights]
    return {digest(array): FORMS["int8"](array)[0] for array in arrays}
