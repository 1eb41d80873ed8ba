"""Loss of a language model from its parameters N and its tokens D, by four published fits.

In: N, D, or FLOP with C = 6 N D. Out: nats a token, and the best N and D of a budget in closed
form. The fits were made on dense decoders of their own time and data: losses of two fits are not
to be compared, shapes of their curves are. Kaplan's N leaves embeddings out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.errors import NotOffered
from engine.landscape.sources import Source, arxiv

PARAMETERS, TOKENS = (1e6, 1e13), (1e8, 1e15)
"""What is drawn: N and D."""
BUDGETS = (1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 3.14e23, 5.76e23, 1e24, 2.53e24, 1e25, 1e26, 1e27)
"""FLOP that are offered: powers of ten; GPT-3's; Gopher's and Chinchilla's; PaLM's."""


@dataclass(frozen=True, slots=True)
class Sum:
    """L = E + A / N^a + B / D^b (Hoffmann et al. 2022, arXiv 2203.15556, section 3.3)."""

    name: str
    source: Source
    e: float
    a: float
    b: float
    alpha: float
    beta: float
    formula: str = "L = E + A / N^α + B / D^β"

    @property
    def constants(self) -> Mapping[str, float]:
        """Its constants by name."""
        return {"E": self.e, "A": self.a, "B": self.b, "α": self.alpha, "β": self.beta}

    def loss(self, parameters: Any, tokens: Any) -> Any:
        """Nats a token."""
        return self.e + self.a / parameters**self.alpha + self.b / tokens**self.beta

    def best_parameters(self, flop: float) -> float:
        """Where a small step in N takes from one term what it adds to the other (equation 4)."""
        both = self.alpha + self.beta
        g = (self.alpha * self.a / (self.beta * self.b)) ** (1 / both)
        return g * (flop / 6) ** (self.beta / both)

    def tokens_at(
        self, loss: float, parameters: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """The D that gives a loss for each N; NaN where none does."""
        left = loss - self.e - self.a / parameters**self.alpha
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(left > 0, (self.b / left) ** (1 / self.beta), np.nan)


@dataclass(frozen=True, slots=True)
class Joint:
    """L = ((N_c / N)^(a_N / a_D) + D_c / D)^a_D (Kaplan et al. 2020, arXiv 2001.08361, 1.5)."""

    name: str
    source: Source
    n_c: float
    d_c: float
    a_n: float
    a_d: float
    formula: str = "L = ((N_c / N)^(α_N / α_D) + D_c / D)^α_D"

    @property
    def constants(self) -> Mapping[str, float]:
        """Its constants by name."""
        return {"N_c": self.n_c, "D_c": self.d_c, "α_N": self.a_n, "α_D": self.a_d}

    def loss(self, parameters: Any, tokens: Any) -> Any:
        """Nats a token."""
        return ((self.n_c / parameters) ** (self.a_n / self.a_d) + self.d_c / tokens) ** self.a_d

    def best_parameters(self, flop: float) -> float:
        """Where the sum inside is least: its derivative by N is zero."""
        r = self.a_n / self.a_d
        return float((r * self.n_c**r * flop / (6 * self.d_c)) ** (1 / (r + 1)))

    def tokens_at(
        self, loss: float, parameters: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """The D that gives a loss for each N; NaN where none does."""
        left = loss ** (1 / self.a_d) - (self.n_c / parameters) ** (self.a_n / self.a_d)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(left > 0, self.d_c / left, np.nan)


Law = Sum | Joint


LAWS: Mapping[str, Law] = {
    "Kaplan": Joint("Kaplan et al. 2020, joint fit", arxiv("2001.08361"),
                    6.4e13, 1.8e13, 0.076, 0.103),
    "Chinchilla": Sum("Chinchilla as printed", arxiv("2203.15556"),
                      1.69, 406.4, 410.7, 0.34, 0.28),
    "Chinchilla, unrounded": Sum("Chinchilla, more digits", arxiv("2203.15556"),
                                 1.6934, 406.4, 410.7, 0.3392, 0.2849),
    "Refit 2024": Sum("Refit of Chinchilla's data, 2024", arxiv("2404.10102"),
                      1.8172, 482.01, 2085.43, 0.3478, 0.3658),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Best:
    """The best model of a budget: N, D, the loss there, and D a parameter."""

    parameters: float
    tokens: float
    loss: float

    @property
    def ratio(self) -> float:
        """Tokens a parameter."""
        return self.tokens / self.parameters


def best(law: Law, flop: float) -> Best:
    """The least loss that a budget buys with 6 N D FLOP. Raises `NotOffered`."""
    if not 1e10 <= flop <= 1e35:
        raise NotOffered(f"{flop:g} FLOP is out of range. Choose 1e10 to 1e35.")
    n = law.best_parameters(flop)
    d = flop / 6 / n
    return Best(n, d, float(law.loss(n, d)))


def along(law: Law, flop: float, count: int = 61) -> dict[str, np.ndarray]:
    """Models of one budget from small to large, as columns: N, D and the loss of each."""
    low = max(PARAMETERS[0], flop / 6 / TOKENS[1])
    high = min(PARAMETERS[1], flop / 6 / TOKENS[0])
    n = np.geomspace(low, high, count)
    d = flop / 6 / n
    return {"parameters": n, "tokens": d, "loss": np.asarray(law.loss(n, d))}
