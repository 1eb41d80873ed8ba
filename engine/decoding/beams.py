"""Beam search that keeps its whole tree, one source at a time.

In: what the decoder says next for each running hypothesis (logits), step by step. Out: `Found`,
the hypotheses that ended, best first, and the `Tree` of every candidate that was weighed on the
way, pruned ones too. Greedy search is width 1.

The rules are those of `transformers.generate` (5.23), so that results are equal token for token:
a step weighs the best `max(2, 1 + ends) * width` continuations of all running hypotheses; those
among the first `width` that end are set aside with `sum of log-probabilities / new tokens **
length_penalty`; the best `width` that do not end run on. Penalties change log-probabilities, which
are not normalized again. Knows nothing of models or text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from engine.decoding.filters import Before
from engine.decoding.ranking import best, best_of_heads, heads_of
from engine.decoding.sampling import Sampling
from engine.models.bundle import Generation
from engine.values import Frozen

PRUNED, KEPT, FINISHED = 0, 1, 2  # what became of a candidate
OPTIONS = 10  # best next tokens remembered of each running hypothesis
ROOT = -1  # parent of the first candidates: the prompt


@dataclass(frozen=True, slots=True)
class Search:
    """How to search: `width` 1 is greedy; `limit` is the most new tokens, the end included.

    `early_stopping` True stops at `width` finished hypotheses, False when the best running one
    could no longer win at its present length, "never" when it could not at any length. Of
    `sampling` the penalties count alone.
    """

    width: int = 1
    length_penalty: float = 1.0
    early_stopping: bool | Literal["never"] = False
    limit: int = 128
    sampling: Sampling = Sampling()

    def __post_init__(self) -> None:
        """Refuse settings that make no sense, with the legal range and the value given."""
        if not 1 <= self.width <= 64:
            raise ValueError(f"width must be in [1, 64], got {self.width}")
        if not -10.0 <= self.length_penalty <= 10.0:
            raise ValueError(f"length_penalty must be in [-10, 10], got {self.length_penalty}")
        if self.early_stopping not in (True, False, "never"):
            raise ValueError(f"early_stopping: True, False or 'never', got {self.early_stopping}")
        if self.limit < 1:
            raise ValueError(f"limit must be at least 1, got {self.limit}")


@dataclass(frozen=True, eq=False, slots=True)
class Tree(Frozen):
    """Every candidate that a search weighed, one node each, in the order of the steps.

    `parent` is a node, `ROOT` for the first step; `step` counts from 0. `log` is the
    log-probability of the node's token after its parent, `running` the sum along its path,
    `score` that sum with the length penalty, as if the path ended here. `fate` is PRUNED, KEPT
    or FINISHED. Row r of the second group belongs to the hypothesis that runs through node
    `expanded[r]`: its best next tokens with the model's own log-probabilities (nothing banned or
    forced), and its entropy in bits.
    """

    step: Int[np.ndarray, "node"]
    parent: Int[np.ndarray, "node"]
    token: Int[np.ndarray, "node"]
    log: Float[np.ndarray, "node"]
    running: Float[np.ndarray, "node"]
    score: Float[np.ndarray, "node"]
    fate: Int[np.ndarray, "node"]
    expanded: Int[np.ndarray, "row"]
    expanded_step: Int[np.ndarray, "row"]
    option_ids: Int[np.ndarray, "row option"]
    option_logs: Float[np.ndarray, "row option"]
    entropy: Float[np.ndarray, "row"]

    def path(self, node: int) -> list[int]:
        """The nodes from the first step to this one."""
        nodes = []
        while node != ROOT:
            nodes.append(node)
            node = int(self.parent[node])
        return nodes[::-1]

    def row(self, node: int) -> int:
        """The row of the options weighed after this node."""
        return int(np.flatnonzero(self.expanded == node)[0])


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A finished path: its new ids, their summed log-probability, its score, how it ended.

    `ended` is False where the limit cut it.
    """

    node: int
    ids: tuple[int, ...]
    log_probability: float
    score: float
    ended: bool


@dataclass(frozen=True, eq=False, slots=True)
class Found(Frozen):
    """The result of one search: what finished, best first, and everything that was weighed."""

    tree: Tree
    hypotheses: tuple[Hypothesis, ...]


class Beam:
    """A search under way: give `advance` the logits of `ids` until `done`, then take `found()`.

    `ids[i]` is the newest token of running hypothesis i and `rows[i]` which row of the previous
    call it continues; before the first call there is one row, the prompt.
    """

    def __init__(self, prompt: Sequence[int], search: Search, generation: Generation) -> None:
        """Start behind the ids of a prompt (for a translation: start token and forced prefix)."""
        self.search, self.generation, self.prompt = search, generation, list(prompt)
        self.done = False
        self.ids = np.zeros(0, np.int64)
        self.rows = np.zeros(1, np.int64)
        self._banned = [i for i in generation.banned if i not in generation.ends]
        self._running = np.array([ROOT])  # node of each running hypothesis
        self._paths: list[list[int]] = [[]]  # its new ids
        self._sums = np.zeros(1, np.float32)
        self._length = 0  # new tokens so far
        self._nodes = 0
        self._finished: list[Hypothesis] = []
        self._steps: list[dict[str, np.ndarray]] = []
        self._rows: list[dict[str, np.ndarray]] = []

    def advance(self, logits: Float[np.ndarray, "row vocabulary"]) -> None:
        """Go one step on with what the model predicts after each running hypothesis."""
        width = self.search.width
        own, entropy = predicted(logits.astype(np.float32, copy=False))
        count = max(2, 1 + len(self.generation.ends)) * width
        heads = heads_of(own, max(OPTIONS, count), ties="low")
        self._remember_options(own, entropy, heads)

        # 1) the best continuations of all running hypotheses together: mostly they are in the heads
        used, found = own, None
        if self._changes_nothing_but_bans():
            found = best_of_heads(own, self._sums, heads, count, self._banned)
        if found is None:
            used = self._ruled(own)
            found = best(used + self._sums[:, None], count)
        row, token, running = found
        self._length += 1
        score = running / np.float32(self._length**self.search.length_penalty)

        # 2) which of them end, which run on
        last = self._length >= self.search.limit
        over = np.array([last or one in self.generation.ends for one in token.tolist()], dtype=bool)
        finished = over & (np.arange(len(token)) < width)
        kept = np.flatnonzero(~over)[:width]
        fate = np.where(finished, FINISHED, PRUNED)
        fate[kept] = KEPT
        parent, log = self._running[row], used[row, token]
        self._remember_step(parent, token, log, running, score, fate)

        # 3) hypotheses that ended compete with those that ended before
        first = self._nodes - len(token)
        self._finished += [
            Hypothesis(first + int(i), (), float(running[i]), float(score[i]), False)
            for i in np.flatnonzero(finished)
        ]
        self._finished = sorted(self._finished, key=lambda h: -h.score)[:width]

        # 4) the next call, unless nothing better can come
        self.ids, self.rows = token[kept], row[kept]
        grown = zip(self.rows.tolist(), self.ids.tolist(), strict=True)
        self._paths = [[*self._paths[place], new] for place, new in grown]
        self._running, self._sums = first + kept, running[kept]
        self.done = not len(kept) or self._hopeless()

    def found(self) -> Found:
        """The hypotheses, best first, and the tree."""
        tree = Tree(
            **{key: np.concatenate([part[key] for part in self._steps]) for key in self._steps[0]},
            **{key: np.concatenate([part[key] for part in self._rows]) for key in self._rows[0]},
        )
        hypotheses = []
        for found in self._finished:
            ids = tuple(int(i) for i in tree.token[tree.path(found.node)])
            ended = ids[-1] in self.generation.ends
            hypotheses.append(
                Hypothesis(found.node, ids, found.log_probability, found.score, ended)
            )
        return Found(tree, tuple(hypotheses))

    def _hopeless(self) -> bool:
        """Whether no running hypothesis can still enter the finished ones."""
        search = self.search
        if len(self._finished) < search.width:
            return False
        if search.early_stopping is True or search.width == 1:
            return True
        long = search.early_stopping == "never" and search.length_penalty > 0
        length = search.limit if long else self._length
        possible = self._sums[0] / np.float32(length**search.length_penalty)
        return not possible > np.float32(self._finished[-1].score)

    def _changes_nothing_but_bans(self) -> bool:
        """Whether no penalty and no forced id has a say in this step."""
        return not self.search.sampling.penalties and self._forced() is None

    def _forced(self) -> int | None:
        """The id that the model's card wants here."""
        rules = self.generation
        if self._length == self.search.limit - 1 and rules.forced_last is not None:
            return rules.forced_last
        return rules.forced_first if len(self.prompt) + self._length == 1 else None

    def _ruled(self, own: Float[np.ndarray, "row vocabulary"]) -> np.ndarray:
        """The log-probabilities with penalties and the model's banned and forced ids applied."""
        used = own.copy()
        for one, value in self.search.sampling.penalties:
            for row, path in enumerate(self._paths):
                before = Before([*self.prompt, *path], len(self.prompt))
                used[row] = one.apply(used[row], value, before)
        used[:, self._banned] = -np.inf
        forced = self._forced()
        if forced is not None:
            used[:] = -np.inf
            used[:, forced] = 0.0
        return used

    def _remember_options(
        self,
        own: Float[np.ndarray, "row vocabulary"],
        entropy: Float[np.ndarray, "row"],
        heads: Sequence[Int[np.ndarray, "id"]],
    ) -> None:
        ids = np.array([head[:OPTIONS] for head in heads])
        self._rows.append(
            {
                "expanded": self._running,
                "expanded_step": np.full(len(ids), self._length),
                "option_ids": ids,
                "option_logs": np.take_along_axis(own, ids, axis=1),
                "entropy": entropy,
            }
        )

    def _remember_step(
        self,
        parent: np.ndarray,
        token: np.ndarray,
        log: np.ndarray,
        running: np.ndarray,
        score: np.ndarray,
        fate: np.ndarray,
    ) -> None:
        step = np.full(len(token), self._length - 1)
        self._nodes += len(token)
        self._steps.append(
            {
                "step": step,
                "parent": parent,
                "token": token,
                "log": log,
                "running": running,
                "score": score,
                "fate": fate,
            }
        )


def predicted(
    logits: Float[np.ndarray, "row vocabulary"],
) -> tuple[Float[np.ndarray, "row vocabulary"], Float[np.ndarray, "row"]]:
    """Log-probabilities of each row in float32, and the row's entropy in bits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    shares = np.exp(shifted)
    total = shares.sum(axis=1, keepdims=True)
    # What is shut out has share 0 and no logarithm; float32 has no share below exp(-104).
    sums = np.einsum("rv,rv->r", shares, np.maximum(shifted, -104))
    entropy = np.log(total[:, 0]) - sums / total[:, 0]
    return shifted - np.log(total), entropy / np.float32(np.log(2))
