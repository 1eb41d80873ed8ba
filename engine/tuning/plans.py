"""What somebody may ask a training for: a tuning, or a small model of their own text.

In: the choices of a page. Out: values within bounds, their number of parameters and about how long
they take. The same bounds hold in the process that trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import NotAllowed
from engine.models.bundle import Card
from engine.tuning.adapters import RANK_AT_MOST, Method
from engine.tuning.datasets import DATASETS

Matrices = Literal["attention", "feed-forward", "both"]
MATRICES: dict[str, tuple[str, ...]] = {
    "attention": ("attn.c_attn", "attn.c_proj"),
    "feed-forward": ("mlp.c_fc", "mlp.c_proj"),
    "both": ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"),
}
STEPS = range(20, 601)
SECONDS = 300.0  # after which a training ends and keeps its best

LEAST_TEXT, MOST_TEXT = 500, 200_000  # characters of a text of one's own
LEAST_KINDS = 10  # different characters that it has at least
LAYERS, HEAD_DIM, POSITIONS = range(1, 7), 16, 128
WIDTHS = (32, 48, 64, 96, 128, 160)
OWN_STEPS = range(50, 1001)
OWN_ROWS = 16  # windows of a batch
SPEED = 6e9  # operations a second of one core, measured: forward and backward of small models
OVERHEAD = 0.02  # seconds of a step whatever its size
START = 8.0  # seconds until the first step: PyTorch is loaded


@dataclass(frozen=True, slots=True)
class Tuning:
    """One tuning: sentences, method, and for low rank the rank and which matrices."""

    dataset: str
    method: Method = "low-rank"
    rank: int = 8
    matrices: str = "both"
    steps: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `NotAllowed`, with the numbers, for what is out of bounds."""
        if self.dataset not in DATASETS:
            raise NotAllowed(f"There is no data set called {self.dataset[:40]!r}.")
        if self.method not in ("low-rank", "all") or self.matrices not in MATRICES:
            raise NotAllowed("A tuning trains all weights, or low rank on one of three choices.")
        if not 1 <= self.rank <= RANK_AT_MOST:
            raise NotAllowed(f"A rank of {self.rank}: 1 to {RANK_AT_MOST} are trained.")
        _check("steps", self.steps, STEPS)

    @property
    def alpha(self) -> float:
        """The change is scaled by alpha / rank = 2, whatever the rank."""
        return 2.0 * self.rank


def shapes(card: Card) -> dict[str, tuple[int, int]]:
    """[in, out] of the matrices of one block of GPT-2's kind."""
    width = card.width
    return {
        "attn.c_attn": (width, 3 * width),
        "attn.c_proj": (width, width),
        "mlp.c_fc": (width, 4 * width),
        "mlp.c_proj": (4 * width, width),
    }


def trained(card: Card, plan: Tuning) -> int:
    """How many numbers are trained: r (d + k) for each matrix [d, k], or all there are."""
    if plan.method == "all":
        return card.parameters
    layers = card.decoder.layers if card.decoder else 0
    every = shapes(card)
    return layers * sum(plan.rank * sum(every[name]) for name in MATRICES[plan.matrices])


@dataclass(frozen=True, slots=True)
class Own:
    """A model of one's own text: its size and how long it is trained."""

    layers: int = 2
    width: int = 64
    steps: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `NotAllowed`, with the numbers, for what is out of bounds."""
        _check("layers", self.layers, LAYERS)
        _check("steps", self.steps, OWN_STEPS)
        if self.width not in WIDTHS:
            raise NotAllowed(f"A width of {self.width}: {', '.join(map(str, WIDTHS))} are trained.")

    @property
    def heads(self) -> int:
        """Heads of `HEAD_DIM` numbers each."""
        return self.width // HEAD_DIM

    def parts(self, vocabulary: int) -> dict[str, int]:
        """The numbers of each part of the model; the token matrix is the output matrix too."""
        d = self.width
        return {
            "token matrix": vocabulary * d,
            "position matrix": POSITIONS * d,
            "attention": self.layers * (4 * d * d + 4 * d),
            "feed-forward": self.layers * (8 * d * d + 5 * d),
            "norms": self.layers * 4 * d + 2 * d,
        }

    def parameters(self, vocabulary: int) -> int:
        """All numbers of the model."""
        return sum(self.parts(vocabulary).values())

    def seconds(self, vocabulary: int) -> float:
        """About how long the training takes on one core: 6 operations a parameter and token."""
        work = 6 * (self.parameters(vocabulary) + 2 * self.layers * POSITIONS * self.width)
        return START + self.steps * (OVERHEAD + work * OWN_ROWS * POSITIONS / SPEED)


def vocabulary_of(text: str) -> int:
    """Tokens of a text's own vocabulary: 257 for every byte and the end, more for longer texts."""
    return 257 + min(1024, len(text) // 40)


def checked_text(text: str) -> str:
    """A text that a model can be trained on; `NotAllowed` says what is wrong, with numbers."""
    found = text.replace("\r\n", "\n").strip()
    if not found:
        raise NotAllowed(f"The text is empty. Give at least {LEAST_TEXT} characters.")
    if len(found) < LEAST_TEXT:
        raise NotAllowed(
            f"The text has {len(found):,} characters; at least {LEAST_TEXT} are needed to learn "
            "from. Add to it, or take a ready one."
        )
    if len(found) > MOST_TEXT:
        raise NotAllowed(
            f"The text has {len(found):,} characters; at most {MOST_TEXT:,} are read. "
            f"Shorten it by {len(found) - MOST_TEXT:,}."
        )
    strange = sum(not (one.isprintable() or one in "\n\t") for one in found)
    if strange > len(found) // 100:
        raise NotAllowed(
            f"{strange:,} of {len(found):,} characters cannot be shown: this is no text but a "
            "binary file. Give plain text (UTF-8)."
        )
    kinds = len(set(found))
    if kinds < LEAST_KINDS:
        raise NotAllowed(
            f"The text has {kinds} different characters; a model learns from {LEAST_KINDS} or more."
        )
    return found


def _check(name: str, value: int, legal: range) -> None:
    if value not in legal:
        raise NotAllowed(f"{value:,} {name}: {legal[0]:,} to {legal[-1]:,} are trained.")
