"""How a training went, and the moments at which its weights were kept.

In: `training.json` of a folder of moments (`engine.training.moments` writes it) and the bundles
beside it. Out: a `Course`. Opens no model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BrokenBundle, NotOffered
from engine.models import catalog
from engine.values import frozen

NAME = "tales-mini"
WORDS = tuple(
    "king queen prince princess man woman boy girl father mother son daughter said asked cried "
    "answered he she they it".split()
)
"""Words that are placed until somebody types others."""
MADE_BY = "python -m engine.training tales-mini, then python -m engine.training.moments"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment: its step, the tokens read and the seconds spent until then.

    `model` is the name that opens it on every page. `loss` is that of the step before, None at the
    first; `bits_per_byte` is of held-out prose, None where it was not measured.
    """

    model: str
    step: int
    tokens: int
    seconds: float
    nbytes: int
    loss: float | None = None
    bits_per_byte: float | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """A whole training: its moments in order, and (step, loss in nats a token) of its curve."""

    name: str
    moments: tuple[Moment, ...]
    curve: tuple[tuple[int, float], ...]

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps of the moments."""
        return tuple(one.step for one in self.moments)


def course(name: str = NAME) -> Course:
    """Read it. Raises `NotOffered` where it is not here, `BrokenBundle` where it makes no sense."""
    folder = catalog.MOMENTS / name
    try:
        told = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        moments = tuple(_moment(folder, one) for one in told["moments"])
        curve = tuple((int(step), float(loss)) for step, loss in told["curve"])
    except OSError:
        raise NotOffered(
            f"The moments of a training are not here: there is no assets/moments/{name}. "
            f"To make them: {MADE_BY}."
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise BrokenBundle(
            f"training.json of {name} cannot be read ({error}). To make it anew: {MADE_BY}."
        ) from None
    if not moments:
        raise BrokenBundle(f"training.json of {name} lists no moment. To make it anew: {MADE_BY}.")
    return Course(name, tuple(sorted(moments, key=lambda one: one.step)), frozen(curve))


def _moment(folder: Path, told: dict[str, float | None]) -> Moment:
    step = int(told["step"] or 0)
    loss, bits = told.get("loss"), told.get("bits_per_byte")
    return Moment(
        model=catalog.UNTRAINED if step == 0 else f"{folder.name}-{step:06d}",
        step=step,
        tokens=int(told["tokens"] or 0),
        seconds=float(told["seconds"] or 0.0),
        nbytes=int(told["bytes"] or 0),
        loss=None if loss is None else float(loss),
        bits_per_byte=None if bits is None else float(bits),
    )
