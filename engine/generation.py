"""Writing: one prompt continued under many settings at once, one model run a step.

In: an opened bundle, the prompt's ids, a `Line` for each continuation wanted. Out: `Step` values as
they come, each with the token that every line got, what it was chosen from and how long it took.
A line depends on its own setting, run number, forced tokens and the seed alone: adding or removing
another changes nothing in it. Knows nothing of texts, but for the stop text that ends a line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Int8

from engine import sampling as draws
from engine.decoding import Decoder, Source
from engine.errors import EmptyText, TextTooLong
from engine.runtime import Bundle
from engine.sampling import Sampling
from engine.values import Frozen

NOTHING = "There is no text to continue: type a few words."
UNBOUNDED = 1_000_000  # new tokens for a model without a limit of its own
CANDIDATES = 8  # best tokens kept of each step and line, whatever was cut of them

End = Literal["", "end", "limit", "window", "stop"]


@dataclass(frozen=True, slots=True)
class Line:
    """One continuation: how it is drawn, with which noise, and tokens forced by hand.

    `run` numbers samples of one setting. `forced` holds (offset, id): the offset-th new token,
    from 0, is that id whatever the draw says; all before it are as without it.
    """

    sampling: Sampling = Sampling()
    run: int = 0
    forced: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        """Refuse negative numbers."""
        numbers = [self.run, *(number for pair in self.forced for number in pair)]
        if min(numbers) < 0:
            raise ValueError(f"run, offsets and ids must be 0 or more, got {min(numbers)}")

    def __str__(self) -> str:
        """Write the line in short, as `parse` reads it: `greedy @4=77`; its run is left out."""
        return " ".join([str(self.sampling), *(f"@{offset}={i}" for offset, i in self.forced)])

    @classmethod
    def parse(cls, text: str) -> Line:
        """Read a line as `str(line)` writes it; `ValueError` says what was not understood."""
        setting, *marks = text.split("@")
        forced = {}
        for mark in marks:
            offset, _, token_id = mark.strip().partition("=")
            if not (offset.isdecimal() and token_id.isdecimal()) or len(mark) > 20:
                raise ValueError(f"“@{mark[:20]}” is no forced token: write @position=id")
            forced[int(offset)] = int(token_id)
        return cls(sampling=draws.parse(setting), forced=tuple(sorted(forced.items())))

    def branched(self, offset: int, token_id: int) -> Line:
        """The line with a token forced, and nothing forced after it."""
        before = tuple(pair for pair in self.forced if pair[0] < offset)
        return replace(self, forced=(*before, (offset, token_id)))


@dataclass(frozen=True, eq=False, slots=True)
class Written(Frozen):
    """One token of one line, and what it was chosen from.

    `probability` and `rank` (1 is the likeliest) are the model's own, `after` is the probability
    once penalties, temperature and filters are applied (0 for a forced token that they cut).
    `entropy` in bits and `best`, the model's likeliest ids, are of its own distribution; `kept`
    counts the tokens left after the filters. `best_cut` says which of `sampling.STAGES` cut a
    token, -1 for none. `end` says why the line ends here, "" while it goes on.
    """

    line: int
    id: int
    probability: float
    after: float
    rank: int
    entropy: float
    kept: int
    forced: bool
    end: End
    best: Int[np.ndarray, "candidate"]
    best_probability: Float[np.ndarray, "candidate"]
    best_after: Float[np.ndarray, "candidate"]
    best_cut: Int8[np.ndarray, "candidate"]


@dataclass(frozen=True, slots=True)
class Step:
    """One model run: the token that each line still writing got; `seconds` since the last step."""

    index: int
    written: tuple[Written, ...]
    seconds: float


def generate(
    bundle: Bundle,
    ids: Sequence[int],
    lines: Sequence[Line],
    *,
    seed: int,
    limit: int,
    ends: Callable[[Sequence[int]], bool] | None = None,
    source: Source | None = None,
) -> Generator[Step, None, None]:
    """Continue `ids` in every line, at most `limit` tokens each; one model run a step.

    `ends(new_ids)` may end a line (a stop text). An encoder-decoder reads its one `source`. Close
    the iterator to stop between two steps. Raises `EmptyText` and `TextTooLong`.
    """
    room = room_left(bundle, len(ids))
    last: End = "limit" if limit <= room else "window"
    ending = Ending(frozenset(bundle.card.generation.ends), min(limit, room), last, ends)
    with Decoder(bundle, source=source) as decoder:
        yield from _write(decoder, list(ids), lines, seed=seed, ending=ending)


def following(
    bundle: Bundle, ids: Sequence[int], *, source: Source | None = None
) -> Float[np.ndarray, "vocabulary"]:
    """Logits of the token that comes after `ids`: one model run."""
    if not ids:
        raise EmptyText(NOTHING)
    with Decoder(bundle, source=source) as decoder:
        logits = decoder.prefill(np.array([ids], dtype=np.int64))[0].copy()
    logits.setflags(write=False)
    return logits


def room_left(bundle: Bundle, n_tokens: int) -> int:
    """How many tokens fit after a prompt; raises when there is no prompt or no room."""
    limit = bundle.card.limit
    if not n_tokens:
        raise EmptyText(NOTHING)
    if limit is None:
        return UNBOUNDED
    if n_tokens >= limit:
        raise TextTooLong(
            f"The text has {n_tokens:,} tokens and {bundle.card.title} has {limit:,} positions, "
            "which leaves no room to write. Shorten the text."
        )
    return limit - n_tokens


@dataclass(frozen=True, slots=True)
class Ending:
    """When a line is over: an end id, a number of tokens (and why that number), a test of ids."""

    ids: frozenset[int]
    limit: int
    reason: End
    test: Callable[[Sequence[int]], bool] | None = None

    def of(self, new: Sequence[int]) -> End:
        """Why a line with these new ids ends, "" if it does not."""
        if new[-1] in self.ids:
            return "end"
        if self.test and self.test(new):
            return "stop"
        return self.reason if len(new) >= self.limit else ""


def _write(
    decoder: Decoder, ids: list[int], lines: Sequence[Line], *, seed: int, ending: Ending
) -> Generator[Step, None, None]:
    texts = [list(ids) for _ in lines]
    running = list(range(len(lines)))  # lines that still write, and the batch row of each
    rows = [0] * len(lines)
    index, begun = 0, time.perf_counter()

    # 1. The prompt is read once, in one row; every line continues that row.
    logits = decoder.prefill(np.array([ids], dtype=np.int64))
    while running:
        # 2. Each line takes its token.
        written: list[Written] = []
        for number, row in zip(running, rows, strict=True):
            token = choose(
                logits[row], lines[number], texts[number], start=len(ids), seed=seed, number=number
            )
            texts[number].append(token.id)
            written.append(replace(token, end=ending.of(texts[number][len(ids) :])))
        now = time.perf_counter()
        yield Step(index, tuple(written), now - begun)

        # 3. Lines that ended leave the batch, the others continue their own row.
        on = [i for i, token in enumerate(written) if not token.end]
        rows, running = [rows[i] for i in on], [running[i] for i in on]
        index, begun = index + 1, time.perf_counter()
        if running:
            logits = decoder.step([texts[number][-1] for number in running], rows)
            rows = list(range(len(running)))


def choose(
    logits: Float[np.ndarray, "vocabulary"],
    line: Line,
    ids: Sequence[int],
    *,
    start: int,
    seed: int,
    number: int = 0,
) -> Written:
    """Take the token after `ids`, of which the first `start` are the prompt."""
    own = draws.probabilities(logits)
    changed, cut = draws.cuts(logits, line.sampling, ids, start=start)
    after = draws.probabilities(changed)
    forced = dict(line.forced).get(len(ids) - start)
    if forced is None or forced >= len(logits):
        forced = None
        chosen = draws.draw(changed, draws.noise(seed, line.run, len(ids), len(logits)))
    else:
        chosen = forced
    best = draws.descending(own, CANDIDATES)[:CANDIDATES]
    return Written(
        line=number,
        id=chosen,
        probability=float(own[chosen]),
        after=float(after[chosen]),
        rank=1 + int(np.count_nonzero(own > own[chosen])),
        entropy=draws.entropy(own),
        kept=int(np.count_nonzero(cut < 0)),
        forced=forced is not None,
        end="",
        best=best,
        best_probability=own[best],
        best_after=after[best],
        best_cut=cut[best],
    )
