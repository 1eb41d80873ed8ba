"""A recurrent network that predicts the next token: one vector, changed by every token read.

In: weights as arrays, ids. Out: hidden states and logits. Gated recurrent units (Cho et al. 2014)
as PyTorch computes them; x is a token's vector, h the state before it, and the products by element:

    reset   = sigmoid(Wr x + Ur h + b)      how much of h the proposal may see
    update  = sigmoid(Wz x + Uz h + b)      how much of h stays
    proposal = tanh(Wn x + b + reset (Un h + c))
    state   = (1 - update) proposal + update h
    logits  = (P state + p) E^T             E: the vectors of the vocabulary

Pure numpy in float32; knows nothing of texts and files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.values import Frozen


@dataclass(frozen=True, eq=False, slots=True)
class Steps(Frozen):
    """What a network went through: its state after each token, and what its gates let through.

    `update` near 1: that part of the state stayed as it was. `reset` near 0: the proposal for it
    was made without looking at the state.
    """

    states: Float[np.ndarray, "row token hidden"]
    update: Float[np.ndarray, "row token hidden"]
    reset: Float[np.ndarray, "row token hidden"]


@dataclass(frozen=True, eq=False, slots=True)
class Network(Frozen):
    """The weights; rows of `from_token` and `from_state` are those of reset, update, proposal."""

    embedding: Float[np.ndarray, "vocabulary width"]
    from_token: Float[np.ndarray, "gates width"]
    from_state: Float[np.ndarray, "gates hidden"]
    token_bias: Float[np.ndarray, "gates"]
    state_bias: Float[np.ndarray, "gates"]
    project: Float[np.ndarray, "width hidden"]
    project_bias: Float[np.ndarray, "width"]

    def __post_init__(self) -> None:
        """Check that the shapes fit; ValueError where they do not."""
        super(Network, self).__post_init__()
        width, hidden = self.project.shape
        wanted = {
            "embedding": (len(self.embedding), width),
            "from_token": (3 * hidden, width),
            "from_state": (3 * hidden, hidden),
            "token_bias": (3 * hidden,),
            "state_bias": (3 * hidden,),
            "project_bias": (width,),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")

    @property
    def hidden(self) -> int:
        """Numbers in a state."""
        return self.project.shape[1]

    @property
    def vocabulary(self) -> int:
        """Tokens that can be read and predicted."""
        return len(self.embedding)

    def start(self, rows: int) -> Float[np.ndarray, "row hidden"]:
        """States before anything is read: zeros."""
        return np.zeros((rows, self.hidden), dtype=np.float32)

    def step(
        self, before: Float[np.ndarray, "row hidden"], ids: Int[np.ndarray, "row"]
    ) -> Float[np.ndarray, "row hidden"]:
        """States after one more token in each row."""
        return self._step(before, self._token_part(ids))[0]

    def read(
        self,
        ids: Int[np.ndarray, "row token"],
        before: Float[np.ndarray, "row hidden"] | None = None,
    ) -> Steps:
        """Read rows of tokens one after the other."""
        state = self.start(len(ids)) if before is None else before
        token_parts, found = self._token_part(ids), []
        for place in range(ids.shape[1]):
            found.append(self._step(state, token_parts[:, place]))
            state = found[-1][0]
        shape = (len(ids), 0, self.hidden)
        parts = [np.stack(part, axis=1) for part in zip(*found, strict=True)]
        return Steps(*(parts or [np.zeros(shape, dtype=np.float32)] * 3))

    def logits(
        self, states: Float[np.ndarray, "*row hidden"]
    ) -> Float[np.ndarray, "*row vocabulary"]:
        """Logits of the token after each state."""
        return (states @ self.project.T + self.project_bias) @ self.embedding.T

    def _token_part(self, ids: np.ndarray) -> np.ndarray:
        return self.embedding[ids] @ self.from_token.T + self.token_bias

    def _step(self, before: np.ndarray, token: np.ndarray) -> tuple[np.ndarray, ...]:
        size = self.hidden
        state = before @ self.from_state.T + self.state_bias
        gates = _sigmoid(token[:, : 2 * size] + state[:, : 2 * size])
        reset, update = gates[:, :size], gates[:, size:]
        proposal = np.tanh(token[:, 2 * size :] + reset * state[:, 2 * size :])
        return (1 - update) * proposal + update * before, update, reset


def _sigmoid(values: np.ndarray) -> np.ndarray:
    # By the hyperbolic tangent: the exponential of a large number would overflow.
    return np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * values))
