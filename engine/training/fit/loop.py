"""The one training loop, shared by every recipe.

A recipe gives a model, a stream of batches and a loss; the loop gives the schedule, the
optimisers, checkpoints and a line of progress. Time, not steps, drives the schedule: the learning
rate warms up, stays, and falls to zero over the last part of the minutes given, so that any time
limit ends in a finished model. Knows nothing of text.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from engine.training.fit import attention

MOMENTS = "moments"

Batch = dict[str, torch.Tensor]
Loss = Callable[[Any, Batch], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Learning rates and their course; `warm` and `fall` are shares of the whole training.

    `matrices` is the peak rate of the hidden weight matrices (Muon, update scaled as AdamW's),
    `rest` that of embeddings, biases and norms (AdamW).
    """

    matrices: float
    rest: float
    warm: float = 0.02
    fall: float = 0.6
    decay: float = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop and how often to save; `steps` wins over `minutes` where given."""

    minutes: float
    steps: int | None = None
    save_seconds: float = 90.0


@dataclass(frozen=True, slots=True)
class Task:
    """What a recipe hands to the loop. `batches` never ends; a batch's `count` is its tokens.

    `moments` rise from 0 (before the first step) to 1 (after the last).
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    batches: Iterator[Batch]
    loss: Loss
    schedule: Schedule
    moments: tuple[float, ...] = ()  # shares of the training at which its weights are kept


@dataclass(slots=True)
class Course:
    """How far a training has come; saved with every checkpoint and shown in the model card."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    loss: float = 0.0
    losses: list[float] = field(default_factory=list)  # of every step, in nats a token

    def count(self, *, tokens: int, loss: float, seconds: float) -> None:
        """Book one step; `loss` is kept as a running mean."""
        weight = 1 / min(self.step + 1, 50)
        self.step += 1
        self.tokens += tokens
        self.seconds = seconds
        self.loss += weight * (loss - self.loss)
        self.losses.append(round(loss, 4))

    def progress(self, limits: Limits) -> float:
        """Share of the training that is done, in [0, 1]."""
        done = self.step / limits.steps if limits.steps else self.seconds / (limits.minutes * 60)
        return min(1.0, done)


def rate(progress: float, schedule: Schedule) -> float:
    """Share of the peak learning rate: warm-up, plateau, straight fall to zero."""
    if progress < schedule.warm:
        return max(progress / schedule.warm, 0.01)
    return min(1.0, (1.0 - progress) / schedule.fall)


def optimisers(model: nn.Module, schedule: Schedule) -> list[torch.optim.Optimizer]:
    """Muon for hidden matrices, AdamW for everything else."""
    matrices, vectors, tables = [], [], []
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    for parameter in model.parameters():
        if not parameter.requires_grad:
            continue
        if id(parameter) in embeddings:
            tables.append(parameter)
        else:
            (matrices if parameter.ndim == 2 else vectors).append(parameter)
    muon = torch.optim.Muon(
        matrices,
        lr=schedule.matrices,
        weight_decay=schedule.decay,
        adjust_lr_fn="match_rms_adamw",
    )
    groups = [
        {"params": tables, "weight_decay": schedule.decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=schedule.rest, betas=(0.9, 0.97), fused=True)
    for optimiser in (muon, adam):
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return [muon, adam]


def train(task: Task, folder: Path, limits: Limits, *, resume: bool = False) -> Course:
    """Train until the limit; leaves `state.pt` and, for the exporter, `checkpoint/` in `folder`.

    A task with moments also leaves `moments/<step>/`, a checkpoint of each.
    """
    model = task.model
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    nn.Module.to(model, device)
    model.train()
    if device.type == "cpu":
        model.set_attn_implementation(attention.NAME)
    steps = optimisers(model, task.schedule)
    course = load_state(folder, model, steps) if resume else Course()
    forget_moments(folder, after=course.step)
    if not course.step:
        keep_moment(task, folder, course, since=-1.0, until=0.0)
    for _ in range(course.step):
        next(task.batches)  # a resumed training goes on in the text where it stopped
    start = shown = saved = time.monotonic()
    before, recent = course.seconds, 0
    while (done := course.progress(limits)) < 1.0:
        # 1) one batch: products in bfloat16 where that is faster, weights stay float32
        batch = {name: values.to(device) for name, values in next(task.batches).items()}
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half_precision(device)):
            loss = task.loss(model, batch)
        loss.backward()
        # 2) one step of both optimisers at this moment's rate
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        share = rate(done, task.schedule)
        for optimiser in steps:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * share
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        # 3) books, progress, checkpoint
        now = time.monotonic()
        course.count(tokens=int(batch["count"]), loss=loss.item(), seconds=before + now - start)
        recent += int(batch["count"])
        keep_moment(task, folder, course, since=done, until=course.progress(limits))
        if now - shown > 10:
            print(progress_line(course, limits, recent / (now - shown)), flush=True)
            shown, recent = now, 0
        if now - saved > limits.save_seconds:
            save(task, folder, steps, course)
            saved = time.monotonic()
    save(task, folder, steps, course)
    print(progress_line(course, limits, course.tokens / max(course.seconds, 1e-9)), flush=True)
    return course


def half_precision(device: torch.device) -> bool:
    """Whether bfloat16 is faster: on every GPU, and on processors with instructions for it."""
    # Without matrix units too: 1.2 to 2.2 times as many tokens a second on one core.
    processor = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return device.type == "cuda" or processor


def progress_line(course: Course, limits: Limits, speed: float) -> str:
    """One line: step, loss, tokens a second, time left."""
    done = course.progress(limits)
    left = course.seconds * (1 - done) / max(done, 1e-9)
    return (
        f"step {course.step:6d}  loss {course.loss:.3f}  {speed:6.0f} tokens/s  "
        f"{done:5.1%}  {left / 60:.1f} min left"
    )


def save(task: Task, folder: Path, steps: list[torch.optim.Optimizer], course: Course) -> None:
    """Write the weights and all that `--resume` needs, aside and renamed: a stop breaks nothing."""
    save_checkpoint(task, folder / "checkpoint", course)
    state = {
        "model": task.model.state_dict(),
        "steps": [optimiser.state_dict() for optimiser in steps],
        "course": asdict(course),
    }
    torch.save(state, folder / "state.tmp")
    (folder / "state.tmp").replace(folder / "state.pt")


def save_checkpoint(task: Task, place: Path, course: Course) -> None:
    """Write weights, tokenizer and course as the exporter reads them."""
    aside = place.with_name(f"{place.name}.new")
    task.model.save_pretrained(aside)
    task.tokenizer.save_pretrained(aside)
    (aside / "course.json").write_text(json.dumps(asdict(course)))
    shutil.rmtree(place, ignore_errors=True)
    aside.rename(place)


def keep_moment(task: Task, folder: Path, course: Course, *, since: float, until: float) -> None:
    """Keep the weights where a moment of the task lies after `since` and not after `until`."""
    if any(since < share <= until for share in task.moments):
        (folder / MOMENTS).mkdir(parents=True, exist_ok=True)
        save_checkpoint(task, folder / MOMENTS / f"{course.step:06d}", course)


def forget_moments(folder: Path, *, after: int) -> None:
    """Delete the moments of a training that was begun anew, or stopped before it saved them."""
    for place in (folder / MOMENTS).glob("*"):
        if not place.name.isdecimal() or int(place.name) > after or not after:
            shutil.rmtree(place)


def load_state(folder: Path, model: nn.Module, steps: list[torch.optim.Optimizer]) -> Course:
    """Read what `save` wrote; a fresh course where nothing was saved."""
    path = folder / "state.pt"
    if not path.exists():
        return Course()
    state: dict[str, Any] = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for optimiser, values in zip(steps, state["steps"], strict=True):
        optimiser.load_state_dict(values)
    return Course(**state["course"])
