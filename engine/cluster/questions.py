"""What a front asks a replica: a method of `engine.api.Engine`, and which way each of them takes.

In: a method's name and its arguments. Out: a `Question`, which says what it is about, so that equal
texts meet the same replica, and what it takes for granted: the version of the engine and the
digests of the models, which the replica compares with its own.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import engine
from engine.api import Engine
from engine.decoding.continuation import Task
from engine.errors import Busy, EngineUnavailable
from engine.values import Reading

PARTS = frozenset(name for name in dir(Engine) if not name.startswith("_"))
"""Everything that can be asked of an engine."""

HERE = frozenset(
    {
        # The folder of models is shared: a front reads cards, and opens no weights.
        *("models", "find", "delete", "card", "digest", "stack", "others_with", "gives_attention"),
        # Trainings are programs of the machine where somebody sits, or of a worker (`programs`).
        *("adapters", "comes_along", "packed", "save_tuned", "delete_adapter"),
        *("tune", "train_own", "trainings", "finish_training"),
    }
)
"""What a front answers itself, from the folder that it shares with the replicas."""

TASKS = {
    "patch": ("patch", "patching"),
    "grade": ("grade", "grading"),
    "measure": ("time", "measuring"),
    "lay_out": ("map", "layout_job"),
}
"""Work that is followed: the kind of its job (`engine.policy`), and what finds it again."""

MAPS = frozenset({"lay_out"})
"""Of them, what the deployment Mapper does."""

PROGRAM = "program"
"""What is followed at the deployment Worker: an export or a training, no method of an engine."""

FOLLOWED = frozenset(
    {
        *TASKS,
        *(finder for _, finder in TASKS.values()),
        *("write", "look", "stop_writing", "texts_under_way"),
        *("overview_so_far", "read_on", "timed", "timings"),
    }
)
"""What a front keeps an account of itself, fed by streams."""

ASKED = PARTS - HERE - FOLLOWED
"""What is asked of a replica, a value for a question."""

KEPT = ASKED - {
    # Depends on what a replica has in memory, on its machine or its settings,
    *("is_open", "open", "device", "window", "lengths_timed"),
    # or on files that no model's digest tells of.
    *("tokenizer_here", "tokenizer_facts", "tokenized_by", "layout", "layout_quality"),
    *("standings", "continuations", "influence", "hidden_states", "windows"),
    *("training_course", "moments_written", "moments_surprise"),
    *("moments_attention", "moments_places"),
    *("tuned_matrices", "tuned_texts", "tuned_bits", "tuned_change", "judges", "judged"),
}
"""Of it, what depends on the arguments and the models' files alone: a front keeps the answer."""

NAMED = ("model", "reader", "maker")  # parameters that are names of models


class QueueFull(Busy):
    """One replica has too much to do; the next one may have less."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question on its way; `models` holds the name and digest of each model in it.

    `node` is that of who asks, where large arrays may come as files; "" where they may not.
    """

    version: str
    method: str
    arguments: Mapping[str, Any]
    models: tuple[tuple[str, str], ...] = ()
    viewer: str = ""
    node: str = ""

    @property
    def model(self) -> str:
        """The bundle that it needs first, as `@serve.multiplexed` counts them; "" for none."""
        return "@".join(self.models[0]) if self.models else ""

    def route(self, turn: int = 0) -> str:
        """What is hashed to a replica: model and text; another one in each further turn."""
        told = repr((self.models, list(_about(self.arguments))[:1], turn))
        return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).hexdigest()

    def check(self) -> None:
        """Raise `EngineUnavailable` where front and replica are of different versions."""
        if self.version != version():
            raise EngineUnavailable(
                f"The app is of version {self.version[:8]}, the engines of its cluster are of "
                f"{version()[:8]}: what they compute may differ. Start both from the same version."
            )


def answered_by(method: str) -> str:
    """The application that answers: `answered_by("layer")` is `"reader"`."""
    return "mapper" if method in MAPS else "worker" if method == PROGRAM else "reader"


def arguments(method: str, args: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name, defaults among them; raises `TypeError` as a call would."""
    bound = _signature(method).bind(*args, **named)
    bound.apply_defaults()
    return {name: plain(value) for name, value in bound.arguments.items()}


def plain(value: Any) -> Any:
    """A list as a tuple, which can be part of a key."""
    return tuple(plain(part) for part in value) if isinstance(value, list | tuple) else value


def models_in(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the models that arguments are about, each once, in their order."""
    named = [given[name] for name in NAMED if name in given]
    return tuple(dict.fromkeys([*named, *(name for part in given.values() for name in _in(part))]))


@cache
def version() -> str:
    """Which engine this is: a digest of its source."""
    found = hashlib.blake2b(digest_size=16)
    folder = Path(engine.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


@cache
def _signature(method: str) -> inspect.Signature:
    whole = inspect.signature(getattr(Engine, method))
    return whole.replace(
        parameters=[one for one in whole.parameters.values() if one.name != "self"]
    )


def _in(value: Any) -> Iterator[str]:
    """Models named inside a value: that of a reading, of a task, of an experiment."""
    if isinstance(value, tuple):
        for part in value:
            yield from _in(part)
    elif is_dataclass(value) and not isinstance(value, type):
        if isinstance(name := getattr(value, "model", None), str):
            yield name
            return
        for field in fields(value):
            yield from _in(getattr(value, field.name))


def _about(given: Mapping[str, Any]) -> Iterator[Any]:
    """What is read: the text of a reading or of an argument, the ids of a task."""
    for name, value in given.items():
        if isinstance(value, str) and name not in (*NAMED, "name", "side", "kind"):
            yield value
        else:
            yield from _text(value)


def _text(value: Any) -> Iterator[Any]:
    if isinstance(value, Reading):
        yield value.text
    elif isinstance(value, Task):
        yield value.source or value.ids
    elif isinstance(value, tuple):
        for part in value:
            yield from _text(part)
    elif is_dataclass(value) and not isinstance(value, type):
        if isinstance(text := getattr(value, "text", None), str):
            yield text
            return
        for field in fields(value):
            yield from _text(getattr(value, field.name))
