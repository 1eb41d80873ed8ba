"""How long a decoder and a recurrent network take for 1, 2, 4 ... tokens, measured now.

In: an opened bundle, perhaps a network, how far to go. Out: `Timings`, by the clock. Four ways:

    at once      one run reads all n tokens, and gives the scores of the next
    written      n runs, a token each, keys and values of those before kept; each token is the
                 one that the run before found likeliest
    recurrent    n steps of a recurrent network, and the scores after the last
    anew         what one token more costs without what was kept: all n are read in one run again,
                 so that is what "at once" takes

The ways take turns, so that what else the machine does meets all of them; the first turn is not
counted, as memory is first taken there. Times hold whatever a run waits for: other people's runs
too. Nothing here knows of texts; which tokens are read does not matter to the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from engine import machine
from engine.decoding.batch import Decoder
from engine.models.runtime import Bundle
from engine.predecessors.gru import Network
from engine.values import Frozen

TURNS, LEAST = 5, 3  # that are counted; where it takes too long, as few as that
SECONDS = 40.0  # that all turns may take; what is too long for that is left out
REPEATED, SHORT = 3, 0.02  # a run of less than so many seconds is timed so often in a turn
NEAR = 8  # the fastest of the last eighth of the steps up to n stands for step n
Way = Literal["at once", "recurrent", "written"]
Clock = Callable[[], float]
Told = Callable[[float, str], None]


@dataclass(frozen=True, eq=False, slots=True)
class Timings(Frozen):
    """What was measured, in seconds.

    `read[t, i]` is one run over `counts[i]` tokens in turn t, `written[t, k]` the run that read
    token k, counted from 0, of a text that grows; `recurred[t, i]` what a recurrent network took
    for `counts[i]` tokens, None where there is none. `held[i]` are the bytes of the arrays of keys
    and values after `counts[i]` tokens. `wanted` is how far it was to go: what was too slow for
    `SECONDS` is left out of `counts`.
    """

    counts: Int[np.ndarray, "count"]
    read: Float[np.ndarray, "turn count"]
    written: Float[np.ndarray, "turn token"]
    recurred: Float[np.ndarray, "turn count"] | None
    held: Int[np.ndarray, "count"]
    wanted: int

    @property
    def ways(self) -> tuple[Way, ...]:
        """What was measured."""
        return tuple(
            way for way in get_args(Way) if way != "recurrent" or self.recurred is not None
        )

    def total(self, way: Way) -> Float[np.ndarray, "turn count"]:
        """Seconds for each number of tokens."""
        if way == "written":
            return np.cumsum(self.written, axis=1)[:, self.counts - 1]
        found = self.read if way == "at once" else self.recurred
        if found is None:
            raise ValueError("no recurrent network was measured")
        return found

    def next_token(self, *, kept: bool) -> Float[np.ndarray, "turn count"]:
        """Seconds for one token after so many: with keys and values kept, or computed anew."""
        if not kept:
            return self.read
        spans = [slice(n - max(1, n // NEAR), n) for n in self.counts.tolist()]
        return np.stack([self.written[:, span].min(axis=1) for span in spans], axis=1)


def spread(
    found: Float[np.ndarray, "turn count"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The fastest of the turns, their median, the slowest.

    The fastest says what the work takes; whatever is above it, the machine did besides.
    """
    return found.min(axis=0), np.median(found, axis=0), found.max(axis=0)


def powers(longest: int) -> list[int]:
    """1, 2, 4, ... up to `longest`.

    >>> powers(10)
    [1, 2, 4, 8]
    """
    return [2**k for k in range(max(0, longest).bit_length())]


def measure(
    bundle: Bundle,
    network: Network | None,
    longest: int,
    told: Told,
    *,
    clock: Clock = time.perf_counter,
    turns: int = TURNS,
    seconds: float = SECONDS,
) -> Timings:
    """Measure everything; `told(share, stage)` is called between any two runs and may raise."""
    machine.settle()
    counts, each = powers(longest), seconds / (turns + 1)
    bundle.session("model")  # opening takes seconds, and is no part of any turn
    begun = clock()
    ids, held, counts = _first(bundle, network, counts, clock, each, told, turns)
    found: list[tuple[list[float], ...]] = []
    for turn in range(turns):
        if turn >= LEAST and clock() - begun > seconds:
            break  # the machine has become slower than in the first turn
        stage = f"Turn {turn + 1} of {turns}"

        def tell(share: float, turn: int = turn, stage: str = stage) -> None:
            told((turn + 1 + share) / (turns + 1), stage)

        # Each way goes first, in the middle and last in turn.
        parts: list[Callable[[], list[float]]] = [
            lambda tell=tell: _read(bundle, ids, counts, clock, tell),
            lambda tell=tell: list(_write(bundle, ids, clock, tell)),
            lambda tell=tell: _recur(network, ids, counts, clock, tell) if network else [],
        ]
        order = [(turn + k) % len(parts) for k in range(len(parts))]
        done = {k: parts[k]() for k in order}
        found.append(tuple(done[k] for k in range(len(parts))))
    read, written, recurred = (np.array(part) for part in zip(*found, strict=True))
    return Timings(
        np.array(counts),
        read,
        written,
        recurred if network else None,
        np.array(held),
        longest,
    )


def _first(
    bundle: Bundle,
    network: Network | None,
    counts: Sequence[int],
    clock: Clock,
    each: float,
    told: Told,
    turns: int,
) -> tuple[np.ndarray, list[int], list[int]]:
    """The turn that is not counted: the tokens that are written, what is held, how far it goes."""
    start, ids, held = clock(), [_begin(bundle)], []
    with Decoder(bundle) as decoder:
        logits = decoder.prefill(np.array([ids]))
        while True:
            if len(ids) in counts:
                held.append(decoder.nbytes)
            # At least two numbers of tokens are compared, however slow it is.
            if len(ids) == counts[-1] or (len(ids) > 1 and clock() - start > each):
                break
            told(len(ids) / counts[-1] / (turns + 1), "Writing the tokens that are read")
            ids.append(int(logits[0].argmax()))
            logits = decoder.step(ids[-1:], [0])
    counts, start = [count for count in counts if count <= len(ids)], clock()
    for place, count in enumerate(counts):
        if place > 1 and clock() - start > each:
            counts = counts[:place]
            break
        _read(bundle, np.array(ids), [count], clock, lambda _: told(1 / (turns + 1), "Reading"))
    if network:
        _recur(network, np.array(ids), counts, clock, lambda _: None)
    return np.array(ids[: counts[-1]]), held[: len(counts)], counts


def _begin(bundle: Bundle) -> int:
    said = bundle.card.generation
    return next((one for one in (said.start, *said.ends) if one is not None), 0)


def _read(
    bundle: Bundle,
    ids: np.ndarray,
    counts: Sequence[int],
    clock: Clock,
    tell: Callable[[float], None],
) -> list[float]:
    """One run over the first n tokens, for each n; the fastest of a few where it is short."""
    found = []
    for place, count in enumerate(counts):
        tell(place / len(counts) / 3)
        tried: list[float] = []
        with Decoder(bundle) as decoder:
            while len(tried) < REPEATED and max(tried, default=0.0) < SHORT:
                start = clock()
                decoder.prefill(ids[None, :count])
                tried.append(clock() - start)
        found.append(min(tried))
    return found


def _write(
    bundle: Bundle, ids: np.ndarray, clock: Clock, tell: Callable[[float], None]
) -> Iterator[float]:
    """A run a token; which one is likeliest is looked up, as whoever writes must."""
    with Decoder(bundle) as decoder:
        for place in range(len(ids)):
            tell((1 + place / len(ids)) / 3)
            start, token = clock(), ids[place : place + 1]
            logits = decoder.step(token, [0]) if place else decoder.prefill(token[None])
            logits[0].argmax()
            yield clock() - start


def _recur(
    network: Network,
    ids: np.ndarray,
    counts: Sequence[int],
    clock: Clock,
    tell: Callable[[float], None],
) -> list[float]:
    """A step a token, and the scores after the last: for each n what all of that took."""
    found, state, gone = [], network.start(1), 0.0
    for place in range(len(ids)):
        start = clock()
        state = network.step(state, ids[place : place + 1])
        gone += clock() - start
        if place + 1 in counts:
            tell((2 + place / len(ids)) / 3)
            start = clock()
            network.logits(state)
            found.append(gone + clock() - start)
    return found
