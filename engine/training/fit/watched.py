"""A short training that somebody watches: AdamW, moments on the way, the best of them kept.

In: a model in PyTorch, a stream of windows of ids, some windows held out. Out: the model with the
weights that were best on what is held out. It ends early when the watcher says so or its time is
over, and with a sentence when the loss diverges. Knows nothing of text.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from engine.errors import ExportFailed

MOMENTS = 20  # times that the held-out loss is taken
DIVERGED = 2.0  # nats a token above where it began


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how fast: steps, the peak learning rate, the seconds after which it ends."""

    steps: int
    rate: float
    seconds: float = math.inf
    decay: float = 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One look: step, loss since the last look, held-out loss, in nats a token."""

    step: int
    train: float
    held_out: float


@dataclass(slots=True)
class Watched:
    """What came of a training: its moments, and the step whose weights were kept (0: none)."""

    moments: list[Moment] = field(default_factory=list)
    kept: int = 0


Look = Callable[[Moment], bool]  # False: enough


def fit(
    model: nn.Module,
    batches: Iterator[torch.Tensor],
    held_out: torch.Tensor,
    course: Course,
    look: Look,
) -> Watched:
    """Train on windows [row, token + 1]; the model ends with its best weights.

    Raises `ExportFailed` where the loss is no number or rises by `DIVERGED`.
    """
    weights = [one for one in model.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(
        weights, lr=course.rate, weight_decay=course.decay, betas=(0.9, 0.98)
    )
    first = _measured(model, held_out)
    found, best, kept = Watched([Moment(0, first, first)]), first, _copied(weights)
    goes_on, recent, started = look(found.moments[0]), [], time.monotonic()
    every = max(1, course.steps // MOMENTS)
    for step in range(1, course.steps + 1):
        if not goes_on:
            break
        late = time.monotonic() - started > course.seconds
        recent.append(_step(model, optimiser, next(batches), course.rate * _share(step, course)))
        if not math.isfinite(recent[-1]) or recent[-1] > first + DIVERGED:
            raise ExportFailed(
                f"The training diverged at step {step:,}: a loss of {recent[-1]:.1f} nats a token, "
                f"{first:.1f} at its beginning. It was ended; nothing was kept."
            )
        if step % every and step != course.steps and not late:
            continue
        moment = Moment(step, float(np.mean(recent)), _measured(model, held_out))
        found.moments.append(moment)
        recent.clear()
        if moment.held_out < best:
            best, kept, found.kept = moment.held_out, _copied(weights), step
        goes_on = look(moment) and not late
    with torch.no_grad():
        for one, values in zip(weights, kept, strict=True):
            one.copy_(values)
    return found


def loss(model: Any, ids: torch.Tensor) -> torch.Tensor:
    """Mean negative log-likelihood of the next token, in nats, over windows [row, token + 1]."""
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    return nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def _step(
    model: nn.Module, optimiser: torch.optim.Optimizer, ids: torch.Tensor, rate: float
) -> float:
    model.train()
    for group in optimiser.param_groups:
        group["lr"] = rate
    found = loss(model, ids)
    found.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return found.item()


def _measured(model: nn.Module, ids: torch.Tensor) -> float:
    model.eval()
    with torch.no_grad():
        return loss(model, ids).item()


def _share(step: int, course: Course) -> float:
    """Share of the peak rate: up over the first twentieth, down over the last two thirds."""
    up = step / max(1.0, course.steps * 0.05)
    return min(1.0, up, (course.steps - step + 1) / course.steps * 1.5)


def _copied(weights: list[nn.Parameter]) -> list[torch.Tensor]:
    return [one.detach().clone() for one in weights]
