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

from engine import filters
from engine import sampling as draws
from engine.beams import Beam, Search
from engine.bundle import Card
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
    from 0, is that id whatever the draw says; all before it are as without it. `beams` above 0 is
    beam search of that width instead, which takes no setting and no forced token.
    """

    sampling: Sampling = Sampling()
    run: int = 0
    forced: tuple[tuple[int, int], ...] = ()
    beams: int = 0

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not 0 <= self.beams <= 8:
            raise ValueError(f"beam must be in [1, 8], got {self.beams}")
        if self.beams and (self.forced or self.sampling != Sampling()):
            raise ValueError("beam search takes no other setting and no forced token")
        numbers = [self.run, *(number for pair in self.forced for number in pair)]
        if min(numbers) < 0:
            raise ValueError(f"run, offsets and ids must be 0 or more, got {min(numbers)}")

    def __str__(self) -> str:
        """Write the line in short, as `parse` reads it: `greedy @4=77`; its run is left out."""
        if self.beams:
            return f"beam {self.beams}"
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
        width = setting.strip().lower().removeprefix("beam ")
        if width != setting.strip().lower() and width.isdecimal() and len(width) < 4:
            return cls(beams=max(1, int(width)), forced=tuple(forced.items()))
        return cls(sampling=draws.parse(setting), forced=tuple(sorted(forced.items())))

    def branched(self, offset: int, token_id: int) -> Line:
        """The line with a token forced, and nothing forced after it."""
        before = tuple(pair for pair in self.forced if pair[0] < offset)
        return replace(self, forced=(*before, (offset, token_id)))


@dataclass(frozen=True, eq=False, slots=True)
class Written(Frozen):
    """Token `place` (from 0) of one line, and what it was chosen from.

    `probability` and `rank` (1 is the likeliest) are the model's own, `after` is the probability
    once penalties, temperature and filters are applied (0 for a forced token that they cut).
    `entropy` in bits and `best`, the model's likeliest ids, are of its own distribution; `kept`
    counts the tokens left after the filters. `best_cut` says which of `sampling.STAGES` cut a
    token, -1 for none. `end` says why the line ends here, "" while it goes on.
    """

    line: int
    place: int
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

    def __post_init__(self) -> None:
        """Lock the arrays, by name: six a step are made, and looking for them took longer."""
        for array in (self.best, self.best_probability, self.best_after, self.best_cut):
            array.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One model run: the token that each line still writing got; `seconds` since the last step.

    A beam search gives all its tokens at its end, when it is known which path won.
    """

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
    rules = bundle.card.generation
    ending = Ending(frozenset(rules.ends), min(limit, room), last, ends)
    if rules.forced_first is not None and len(ids) == 1:  # a language code, say
        first = ((0, rules.forced_first),)
        lines = [one if one.beams else replace(one, forced=first + one.forced) for one in lines]
    writers = [
        _Paths(bundle, number, list(ids), Search(line.beams, limit=ending.limit), ending, source)
        if line.beams
        else _Text(number, line, list(ids), seed, ending, ban=banned(bundle.card))
        for number, line in enumerate(lines)
    ]
    with Decoder(bundle, source=source) as decoder:
        yield from _write(decoder, list(ids), writers)


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


def banned(card: Card) -> tuple[int, ...]:
    """Ids that a model's card forbids to write; its ends are not among them."""
    return tuple(i for i in card.generation.banned if i not in card.generation.ends)


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
    decoder: Decoder, ids: list[int], writers: Sequence[_Text | _Paths]
) -> Generator[Step, None, None]:
    running, starts, index = list(writers), [0] * len(writers), 0
    begun = time.perf_counter()

    # 1. The prompt is read once, in one row; every line continues that row.
    logits = decoder.prefill(np.array([ids], dtype=np.int64))
    while running:
        # 2. Each line takes its token from its row, a beam search from its rows.
        written: list[Written] = []
        for writer, start in zip(running, starts, strict=True):
            written += writer.advance(logits[start : start + len(writer.rows)])
        now = time.perf_counter()
        yield Step(index, tuple(written), now - begun)

        # 3. Lines that ended leave the batch, the others continue their own rows.
        index, begun = index + 1, time.perf_counter()
        places = zip(running, starts, strict=True)
        rows = [writer.rows + start for writer, start in places if not writer.done]
        running = [writer for writer in running if not writer.done]
        if running:
            starts = np.cumsum([0, *map(len, rows)])[:-1].tolist()
            added = np.concatenate([writer.added for writer in running])
            logits = decoder.step(added, rows=np.concatenate(rows))


class _Text:
    """A line that is drawn token by token: one row of the batch."""

    rows = np.zeros(1, dtype=np.int64)

    def __init__(
        self,
        number: int,
        line: Line,
        ids: list[int],
        seed: int,
        ending: Ending,
        ban: tuple[int, ...],
    ) -> None:
        self.number, self.line, self.ids, self.start = number, line, ids, len(ids)
        self.seed, self.ending, self.ban, self.done = seed, ending, ban, False

    @property
    def added(self) -> Int[np.ndarray, "row"]:
        return np.array(self.ids[-1:], dtype=np.int64)

    def advance(self, logits: Float[np.ndarray, "row vocabulary"]) -> list[Written]:
        """Take a token from the logits of its row."""
        token = choose(
            logits[0],
            self.line,
            self.ids,
            start=self.start,
            seed=self.seed,
            ban=self.ban,
            number=self.number,
            ending=self.ending,
        )
        self.ids.append(token.id)
        self.done = bool(token.end)
        return [token]


class _Paths:
    """A line that is found by beam search: as many rows as paths; its tokens come at the end."""

    def __init__(
        self,
        bundle: Bundle,
        number: int,
        ids: list[int],
        search: Search,
        ending: Ending,
        source: Source | None,
    ) -> None:
        self.bundle, self.number, self.ids = bundle, number, ids
        self.ending, self.source = ending, source
        self.beam = Beam(len(ids), search, bundle.card.generation)

    @property
    def done(self) -> bool:
        return self.beam.done

    @property
    def rows(self) -> Int[np.ndarray, "row"]:
        return self.beam.rows

    @property
    def added(self) -> Int[np.ndarray, "row"]:
        return self.beam.ids

    def advance(self, logits: Float[np.ndarray, "row vocabulary"]) -> list[Written]:
        """Weigh one more token of every path; all tokens of the best one when it is over."""
        self.beam.advance(logits)
        if not self.beam.done:
            return []
        new = list(self.beam.found().hypotheses[0].ids)
        for count in range(1, len(new) + 1):  # a stop text cuts what was found
            if self.ending.of(new[:count]):
                new = new[:count]
                break
        found = retold(self.bundle, self.ids, new, source=self.source)
        return [
            replace(
                token, line=self.number, end=self.ending.of(new) if place + 1 == len(new) else ""
            )
            for place, token in enumerate(found)
        ]


def retold(
    bundle: Bundle, ids: Sequence[int], new: Sequence[int], *, source: Source | None = None
) -> list[Written]:
    """What the model says of tokens that it did not draw, `new` after `ids`.

    One step a token over the keys and values of those before.
    """
    line = Line(forced=tuple(enumerate(new)))
    text, found = list(ids), []
    with Decoder(bundle, source=source) as decoder:
        logits = decoder.prefill(np.array([text], dtype=np.int64))
        for token_id in new:
            found.append(
                replace(choose(logits[0], line, text, start=len(ids), seed=0), forced=False)
            )
            text.append(token_id)
            if len(found) < len(new):
                logits = decoder.step([token_id], rows=[0])
    return found


def choose(
    logits: Float[np.ndarray, "vocabulary"],
    line: Line,
    ids: Sequence[int],
    *,
    start: int,
    seed: int,
    ban: Sequence[int] = (),
    number: int = 0,
    ending: Ending | None = None,
) -> Written:
    """Take the token after `ids`, of which the first `start` are the prompt.

    `number` is the line's, `ending` says whether the line is over with this token.
    """
    own = filters.probabilities(logits)
    best = filters.descending(own, CANDIDATES)[:CANDIDATES]

    # 1) what the setting leaves, and which stage cut the best ones
    changed, cut = logits, np.full(len(best), -1, dtype=np.int8)
    for name, now in draws.stages(logits, line.sampling, ids, start=start, ban=ban):
        gone = np.isneginf(now[best]) & ~np.isneginf(changed[best])
        cut[gone], changed = draws.STAGES.index(name), now
    after = own if changed is logits else filters.probabilities(changed)

    # 2) the token: forced, the likeliest, or drawn
    forced = dict(line.forced).get(len(ids) - start) if line.forced else None
    if forced is not None and forced < len(logits):
        chosen = forced
    elif line.sampling.greedy:
        chosen, forced = int(np.argmax(changed)), None
    else:
        chance = draws.noise(seed, line.run, len(ids), len(logits))
        chosen, forced = draws.draw(changed, chance), None
    return Written(
        line=number,
        place=len(ids) - start,
        id=chosen,
        probability=float(own[chosen]),
        after=float(after[chosen]),
        rank=1 + int(np.count_nonzero(own > own[chosen])),
        entropy=draws.entropy(own),
        kept=int(np.count_nonzero(changed > -np.inf)),
        forced=forced is not None,
        end=ending.of([*ids[start:], chosen]) if ending else "",
        best=best,
        best_probability=own[best],
        best_after=after[best],
        best_cut=cut,
    )
