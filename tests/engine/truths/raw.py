"""Raw values of a run, and what is made of them with numpy alone. No measure, filter or search."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.api import local
from engine.models.bundle import Card
from engine.values import Kind, Reading

ENGINE = local()
SHIPPED = Path(__file__).parents[3] / "assets" / "models"
RECOMPUTED: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True)
class Between:
    """The truth of what is measured: no two measurements agree in their digits."""

    low: float
    high: float


def truth(function: Callable[..., Any]) -> Callable[..., Any]:
    RECOMPUTED[function.__name__] = function
    return function


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits.astype(np.float64) - logits.max())
    return shifted / shifted.sum()


def ids_of(model: str, text: str) -> list[int]:
    return ENGINE.tokens(Reading(model, text)).ids.tolist()


def next_logits(model: str, text: str) -> np.ndarray:
    last = len(ids_of(model, text)) - 1
    return ENGINE.logits(Reading(model, text), (last,)).logits[0].astype(np.float64)


def card(model: str) -> Card:
    return ENGINE.card(model)


def start_of(model: str) -> int:
    """The id that a translation begins with."""
    start = card(model).generation.start
    assert start is not None
    return start


def kind(model: str) -> Kind:
    return "decoder" if card(model).family == "decoder" else "encoder"


def all_weights(model: str, text: str, of: Kind | None = None) -> np.ndarray:
    """Weights [layer, head, query, key]; of a translation's decoder those of what it wrote."""
    of = of or kind(model)
    reading = Reading(model, text)
    if of == "decoder" and card(model).family == "encoder-decoder":
        written = greedy_translation(model, text)[0]
        reading = Reading(model, text, (start_of(model), *written[:-1]))
    stack = card(model).decoder if of == "decoder" else card(model).encoder
    assert stack is not None
    return np.stack([ENGINE.attention(reading, of, k).weights for k in range(stack.layers)])


def places(model: str, text: str, word: str, nth: int = 1) -> list[int]:
    """The tokens that cover the nth occurrence of a word, by character offsets."""
    found = list(re.finditer(rf"\b{re.escape(word)}\b", text, re.IGNORECASE))[nth - 1]
    tokens = ENGINE.tokens(Reading(model, text))
    return [
        i
        for i, (start, end) in enumerate(tokens.spans.tolist())
        if not tokens.special[i] and start < found.end() and end > found.start()
    ]


def plain(text: str) -> str:
    return " ".join(text.split()).casefold() or ("line break" if "\n" in text else "space")


def said(model: str, token: int) -> str:
    return plain(ENGINE.texts(model, [int(token)])[0])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def states(model: str, text: str) -> np.ndarray:
    return ENGINE.hidden(Reading(model, text), kind(model)).states  # type: ignore[arg-type]


def kept_by(logits: np.ndarray, setting: str) -> np.ndarray:
    """Which tokens a setting leaves, from its definition in the papers."""
    p = softmax(logits)
    order = np.argsort(-p, kind="stable")
    name, _, number = setting.rpartition(" ")
    left = np.zeros(len(p), dtype=bool)
    if setting in ("greedy", "temperature 0"):
        left[order[:1]] = True
    elif name == "top-k":
        left[order[: int(number)]] = True
    elif name == "top-p":
        left[order[: int(np.searchsorted(np.cumsum(p[order]), float(number))) + 1]] = True
    elif name == "min-p":
        left = p >= float(number) * p.max()
    else:
        left[:] = True
    return left


def with_setting(logits: np.ndarray, setting: str) -> np.ndarray:
    left = kept_by(logits, setting)
    name, _, number = setting.rpartition(" ")
    hot = float(number) if name == "temperature" and float(number) > 0 else 1.0
    p = np.where(left, softmax(logits / hot), 0.0)
    return p / p.sum()


def greedy_translation(model: str, text: str) -> tuple[list[int], list[np.ndarray]]:
    """Ids and probabilities of each step, one run a token, the end included."""
    generation = card(model).generation
    source = tuple(ids_of(model, text))
    written: list[int] = []
    steps = []
    while len(written) < 100 and (not written or written[-1] not in generation.ends):
        ids = (start_of(model), *written)
        logits = ENGINE.following(model, ids, source).astype(np.float64)
        steps.append(softmax(logits))
        logits[list(generation.banned)] = -np.inf
        written.append(int(logits.argmax()))
    return written, steps
