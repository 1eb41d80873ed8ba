"""The predecessors and a transformer side by side: which there are, and what they predict.

In: cards, predictors and a text's tokens. Out: frozen values. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.predecessors.gru import Network
from engine.predecessors.predictors import Predictor
from engine.values import Frozen, Tokens

WINDOWS = (1, 2, 4)
LONGEST = 256  # tokens of a text that all of them read
MOST = 20  # best tokens after each

MADE_BY = {
    "ngrams": "python -m engine.training.tales_ngrams --corpora DIR",
    "recurrent": "python -m engine.training tales-rnn --corpora DIR, "
    "then python -m engine.training.predecessors pack",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of the comparison.

    `kind` is "ngrams", "recurrent" or "transformer". `numbers` counts what is kept: n-grams of up
    to `window` + 1 tokens, or parameters; `nbytes` is the size of its files, for a table that of
    all windows together. `bits_per_byte` was measured on held-out text, None where it was not.
    `missing` is the sentence that says why it is not here, "" where it is.
    """

    name: str
    title: str
    kind: str
    window: int | None = None
    numbers: int = 0
    nbytes: int = 0
    bits_per_byte: float | None = None
    missing: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Continuations(Frozen):
    """The best next tokens of every predictor after each token of a text.

    `shares` are probabilities; `surprise[p, t]` is what token t + 1 of the text cost predictor p,
    in bits, NaN for the last, which nothing follows.
    """

    tokens: Tokens
    predictors: tuple[str, ...]
    best: Int[np.ndarray, "predictor token option"]
    shares: Float[np.ndarray, "predictor token option"]
    surprise: Float[np.ndarray, "predictor token"]


@dataclass(frozen=True, eq=False, slots=True)
class HiddenStates(Frozen):
    """A recurrent network's state after each token of a text, and how much of it stayed.

    `update` is the gate's value for every number of the state (1: it stayed as it was); `kept` is
    its mean, `moved` the length of the change over the length of the new state.
    """

    tokens: Tokens
    states: Float[np.ndarray, "token hidden"]
    update: Float[np.ndarray, "token hidden"]
    kept: Float[np.ndarray, "token"]
    moved: Float[np.ndarray, "token"]


def continuations(predictors: Mapping[str, Predictor], tokens: Tokens, count: int) -> Continuations:
    """Ask every predictor after each token of a text."""
    found = [
        _best(predictor.along(tokens.ids), tokens.ids, count) for predictor in predictors.values()
    ]
    best, shares, surprise = (np.stack(part) for part in zip(*found, strict=True))
    return Continuations(tokens, tuple(predictors), best, shares, surprise)


def _best(
    log: Float[np.ndarray, "token vocabulary"], ids: Int[np.ndarray, "token"], count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Of equally likely tokens the smaller id comes first, on every machine.
    best = np.argsort(-log, axis=1, kind="stable")[:, :count]
    surprise = np.full(len(ids), np.nan)
    surprise[:-1] = -log[np.arange(len(ids) - 1), ids[1:]] / np.log(2)
    return best, np.exp(np.take_along_axis(log, best, axis=1)), surprise


def hidden_states(network: Network, tokens: Tokens) -> HiddenStates:
    """Read a text and keep what the state was after each token."""
    found = network.read(tokens.ids[None])
    states, update = found.states[0], found.update[0]
    before = np.concatenate([network.start(1), states[:-1]])
    length = np.linalg.norm(states, axis=1)
    moved = np.linalg.norm(states - before, axis=1) / np.where(length > 0, length, 1)
    return HiddenStates(tokens, states, update, update.mean(axis=1), moved)
