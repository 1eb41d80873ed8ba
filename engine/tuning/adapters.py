"""What a tuning leaves behind: the changes of a model's weights, and a card that tells of it.

    card.json            which model, which sentences, which method, how the loss went, what it cost
    adapter.safetensors  low rank: for each matrix W [in, out] the factors A [rank, in] and
                         B [out, rank] as `peft` names them; W + (alpha / rank) (B A)^T is the
                         tuned one. All weights: the change of each, as it is

Low-rank adaptation is of Hu et al. 2021 (arXiv 2106.09685): r (d + k) numbers stand for d k.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from engine.errors import BrokenBundle
from engine.models.bundle import digest
from engine.tuning import tensors
from engine.values import FrozenDict, frozen

FORMAT = 1
CARD, FILE = "card.json", "adapter.safetensors"
BEFORE_NAMES = "base_model.model."  # what peft puts before a checkpoint's names
RANK_AT_MOST = 64
CARD_BYTES = 1 << 20

Method = Literal["low-rank", "all"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure of the model before and after the tuning."""

    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Card:
    """What an adapter is. Losses are in nats a token, bits in bits a byte of text.

    `curve` holds (step, training loss, held-out loss). `learnt` and `forgotten` are bits per byte
    of held-out sentences of the kind trained on, and of `other_text`; `answers` the share of right
    answers, where there are answers. `trained` counts the numbers that were trained.
    """

    name: str
    title: str
    base: str
    base_digest: str
    dataset: str
    method: Method
    rank: int
    alpha: float
    matrices: tuple[str, ...]
    trained: int
    steps: int
    seconds: float
    sha256: str
    curve: tuple[tuple[int, float, float], ...]
    learnt: Pair
    forgotten: Pair
    other_text: str
    answers: Pair | None = None
    format: int = FORMAT


@dataclass(frozen=True, eq=False, slots=True)
class Change:
    """What is added to one weight: factors of low rank, or the whole difference."""

    low: Float[np.ndarray, "rank in"] | None = None
    high: Float[np.ndarray, "out rank"] | None = None
    scale: float = 1.0
    whole: np.ndarray | None = None

    def delta(self) -> np.ndarray:
        """The change itself, in float32: [in, out] of a matrix."""
        if self.whole is not None:
            return self.whole.astype(np.float32)
        assert self.low is not None and self.high is not None
        product = self.high.astype(np.float32) @ self.low.astype(np.float32)
        return np.float32(self.scale) * product.T

    def singular_values(self) -> Float[np.ndarray, "value"]:
        """All singular values of a matrix's change, the largest first; beyond the rank exactly 0.

        Of two factors they are those of the small product of their triangles.
        """
        if self.whole is not None:
            return np.linalg.svd(self.delta(), compute_uv=False)
        assert self.low is not None and self.high is not None
        _, left = np.linalg.qr(self.high.astype(np.float64))
        _, right = np.linalg.qr(self.low.astype(np.float64).T)
        few = np.linalg.svd(self.scale * left @ right.T, compute_uv=False)
        found = np.zeros(min(len(self.high), self.low.shape[1]))
        found[: len(few)] = few[: len(found)]
        return found


@dataclass(frozen=True, eq=False, slots=True)
class Adapter:
    """An adapter, read: its card, where it lies, and the change of each weight by its name."""

    card: Card
    folder: Path
    changes: Mapping[str, Change] = field(default_factory=FrozenDict)

    def __post_init__(self) -> None:
        """Lock what is shared by all sessions."""
        object.__setattr__(self, "changes", frozen(dict(self.changes)))


def read_card(folder: Path) -> Card:
    """The card of an adapter; `BrokenBundle` names what is wrong."""
    path = folder / CARD
    try:
        if path.stat().st_size > CARD_BYTES:
            raise ValueError(f"it has more than {CARD_BYTES:,} bytes")
        return _card(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BrokenBundle(f"{CARD} of adapter {folder.name} cannot be read ({error}).") from None


def read(folder: Path) -> Adapter:
    """An adapter with its numbers, compared with its card's digest."""
    card = read_card(folder)
    path = folder / FILE
    if not path.is_file():
        raise BrokenBundle(f"{FILE} of adapter {folder.name} is missing.")
    if digest(path) != card.sha256:
        raise BrokenBundle(f"{FILE} of adapter {folder.name} is not the file that was made.")
    return Adapter(card, folder, changes(tensors.read(path), card))


def changes(stored: Mapping[str, np.ndarray], card: Card) -> dict[str, Change]:
    """The tensors of a file as changes of weights."""
    if card.method == "all":
        return {name: Change(whole=array) for name, array in stored.items()}
    found = {}
    for name, low in stored.items():
        plain, kind, _ = name.removeprefix(BEFORE_NAMES).rpartition(".lora_A.weight")
        if not kind:
            continue
        high = stored.get(f"{BEFORE_NAMES}{plain}.lora_B.weight")
        if high is None or low.shape[0] != card.rank or high.shape[1] != card.rank:
            raise BrokenBundle(f"{FILE} of {card.name}: {plain} has no factors of {card.rank}.")
        found[f"{plain}.weight"] = Change(low, high, card.alpha / card.rank)
    return found


def write_card(card: Card, folder: Path) -> None:
    """Write `card.json`."""
    text = json.dumps(asdict(card), indent=1, ensure_ascii=False)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


@lru_cache(maxsize=64)
def card_at(folder: Path, _changed: int) -> Card:
    """The card, read again only when it changed."""
    return read_card(folder)


def _card(told: dict[str, Any]) -> Card:
    if told.get("format") != FORMAT:
        raise ValueError(f"format {told.get('format')}, where {FORMAT} is read")
    pairs = {name: Pair(**told[name]) for name in ("learnt", "forgotten")}
    pairs["answers"] = Pair(**told["answers"]) if told.get("answers") else None  # type: ignore[assignment]
    known = {one.name for one in fields(Card)}
    plain = {name: value for name, value in told.items() if name in known}
    lists = {
        "matrices": tuple(map(str, told["matrices"])),
        "curve": tuple((int(s), float(a), float(b)) for s, a, b in told["curve"]),
    }
    found = Card(**{**plain, **lists, **pairs})
    if found.method not in ("low-rank", "all") or not 0 <= found.rank <= RANK_AT_MOST:
        raise ValueError(f"method {found.method!r} of rank {found.rank!r}")
    if found.method == "low-rank" and not found.rank:
        raise ValueError("a low-rank adapter of rank 0")
    return found
