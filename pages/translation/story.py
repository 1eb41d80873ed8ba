"""What the pictures of a translation share: labels, columns, and which ribbons are drawn.

In: engine values and the text of every id. Out: `Story`, which all pictures of the page are drawn
from, and small measures. Ids in the pictures: `s2` source token 2, `t3` target token 3,
`c3.417` candidate with id 417 for target token 3, `n12` node 12 of the beam tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from engine.attention.alignment import chosen, without_special
from engine.decoding.beams import Found
from engine.decoding.scoring import Scored
from engine.decoding.translation import Trace
from pages.pictures import svg

BEFORE = 6  # steps of the course before the first token is chosen
ALL = "mean"
MASS = 0.75  # share of each target token's attention that its ribbons carry
SIZE = 13.0  # pixels of the tokens' letters
LEFT = 14.0


@dataclass(frozen=True, slots=True)
class Story:
    """A translation with everything that its pictures say, ids already turned into labels.

    Row t of `weights` is where the model looked when it chose `target[t]`. The first `forced`
    target tokens were given by a person. `now` is the target token being chosen, None once all
    is written. The tree's step 0 chooses target token `offset`. `place` is that of this
    hypothesis among the finished ones, 0 the best.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: Float[np.ndarray, "target source"]
    scored: Scored
    found: Found
    labels: Mapping[int, str]
    offset: int = 0
    forced: int = 0
    now: int | None = None
    place: int = 0

    def __post_init__(self) -> None:
        """Refuse weights that belong to other tokens."""
        expected = (len(self.target), len(self.source))
        if self.weights.shape != expected or len(self.scored.ids) != len(self.target):
            raise ValueError(
                f"weights {self.weights.shape} and {len(self.scored.ids)} scores for {expected}"
            )

    @property
    def shown(self) -> int:
        """How many target tokens are written by now, the one being chosen included."""
        return len(self.target) if self.now is None else self.now + 1

    def label(self, token_id: int) -> str:
        """A token as it is drawn: spaces visible, never too long."""
        return svg.visible(self.labels.get(int(token_id), f"<{token_id}>"), limit=24)


@dataclass(frozen=True, slots=True)
class Moment:
    """A place of the slider: the step of the course and the target token being chosen.

    `now` is None before the first token is chosen and after the last one was.
    """

    part: int
    now: int | None

    @property
    def writing(self) -> bool:
        """Whether the decoder has begun to choose tokens."""
        return self.part > BEFORE


def moment(step: int, n_target: int) -> Moment:
    """What the slider's place `step` (from 1) stands for when `n_target` tokens are written.

    >>> moment(3, 5), moment(7, 5).now, moment(9, 5).now, moment(12, 5).now
    (Moment(part=3, now=None), 0, 2, None)
    """
    if step <= BEFORE:
        return Moment(step, None)
    now = step - BEFORE - 1
    return Moment(7 if now == 0 else 8, now if now < n_target else None)


def moments(n_target: int) -> int:
    """Places of the slider: those before the first token, one a token, one for the end."""
    return BEFORE + n_target + 1


def so_far(trace: Trace, at: Moment) -> tuple[str, bool]:
    """The text written at a moment, marks left out, and whether nothing is left to write."""
    count = len(trace.target) if at.now is None else at.now + 1
    count, marks = count if at.writing else 0, trace.special.tolist()
    pieces = zip(trace.target[:count], marks, strict=False)
    return "".join(piece for piece, mark in pieces if not mark), at.writing and all(marks[count:])


def weights_of(
    trace: Trace, layer: int | None, head: int | None, *, end_mark: bool
) -> Float[np.ndarray, "target source"]:
    """Cross-attention of a head or the mean of several, with the end mark or rescaled without."""
    weights = chosen(trace.cross, layer, head)
    return weights if end_mark else without_special(weights, trace.translation.source.special)


def places(trace: Trace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the decoder's layers and heads, `ALL` first."""
    layers, heads = trace.cross.shape[:2]
    return (
        (ALL, *(f"layer {k + 1}" for k in range(layers))),
        (ALL, *(f"head {k + 1}" for k in range(heads))),
    )


def place_of(name: str) -> int | None:
    """The index that a name of `places` stands for; None for the mean."""
    return None if name == ALL else int(name.split()[-1]) - 1


def story_of(
    trace: Trace,
    at: Moment,
    *,
    layer: int | None = None,
    head: int | None = None,
    end_mark: bool = True,
) -> Story:
    """A trace at a moment, its ribbons from a layer and head (None: the mean of all)."""
    given = len(trace.translation.prompt) - 1
    return Story(
        source=tuple(svg.visible(piece, limit=24) for piece in trace.source),
        target=tuple(svg.visible(piece, limit=24) for piece in trace.target),
        weights=weights_of(trace, layer, head, end_mark=end_mark),
        scored=trace.scored,
        found=trace.translation.found,
        labels=trace.labels,
        offset=given,
        forced=given,
        now=at.now if at.writing else 0,
        place=trace.place,
    )


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand: one column a target token, the source spread over the same width."""

    width: float
    step: float
    sources: tuple[float, ...]

    def left(self, index: int) -> float:
        """Left edge of a target column."""
        return LEFT + index * self.step

    def centre(self, index: int) -> float:
        """Middle of a target column."""
        return self.left(index) + self.step / 2


def columns(story: Story) -> Columns:
    """Columns wide enough for the words, never so narrow that numbers touch."""
    steps = max(len(story.target), story.offset + int(story.found.tree.step.max()) + 1)
    longest = max((svg.text_width(word, SIZE) for word in story.target), default=0.0)
    first = [story.label(i) for i in story.scored.best_ids[:, :3].ravel()]
    other = max((svg.text_width(word, 12) for word in first), default=0.0)
    step = float(np.clip(max(longest + 22, min(other + 48, 110)), 90, 150))
    chips = [svg.text_width(word, SIZE) + 26 for word in story.source]
    width = max(steps * step, sum(chips), 560.0)
    gap = (width - sum(chips)) / len(chips)
    edges = np.cumsum([LEFT, *(chip + gap for chip in chips)])
    return Columns(width + 2 * LEFT, step, tuple((a + b) / 2 for a, b in pairwise(edges.tolist())))


def carried(row: Float[np.ndarray, "source"], mass: float = MASS) -> list[tuple[int, float]]:
    """The smallest set of sources that carries this share of a row's weight, in source order.

    >>> carried(np.array([0.1, 0.6, 0.2, 0.1]))
    [(1, 0.6), (2, 0.2)]
    """
    order = np.argsort(-row, kind="stable")
    total = np.cumsum(row[order])
    count = int(np.searchsorted(total, mass * float(total[-1]) - 1e-6)) + 1
    return [(int(i), float(row[i])) for i in sorted(order[:count])]


def percent(share: float) -> str:
    """A share for people.

    >>> percent(0.834), percent(0.0042), percent(0.00001)
    ('83 %', '0.4 %', '<0.1 %')
    """
    if 0 < share < 0.001:
        return "<0.1 %"
    return f"{100 * share:.1f} %" if 0 < share < 0.0095 else f"{100 * share:.0f} %"


def number(value: float) -> str:
    """A log-probability or a score, with a true minus.

    >>> number(-1.234)
    '−1.23'
    """
    return f"{value:.2f}".replace("-", "−")
