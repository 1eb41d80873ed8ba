"""Writing: one prompt continued under many settings at once, one model run a step.

In: an opened bundle, the prompt's ids, a `Line` for each continuation wanted (which may have a
prompt of its own). Out: `Step` values as
they come, each with the token that every line got, what it was chosen from and how long it took.
A line depends on its own setting, run number, forced tokens and the seed alone: adding or removing
another changes nothing in it. Knows nothing of texts, but for the stop text that ends a line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.decoding.batch import Decoder, Source, left_padded
from engine.decoding.beams import Beam, Search
from engine.decoding.choosing import Ask, Chooser, End, Ending, Written, choose
from engine.decoding.continuation import Line
from engine.decoding.next_token import banned
from engine.errors import EmptyText, TextTooLong
from engine.models.runtime import Bundle

NOTHING = "There is no text to continue: type a few words."
UNBOUNDED = 1_000_000  # new tokens for a model without a limit of its own


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
    """Continue `ids`, or a line's own prompt, at most `limit` tokens each; one model run a step.

    Where prompts differ in length, the longest says how much room there is. `ends(new_ids)` may
    end a line (a stop text). An encoder-decoder reads its one `source`. Close the iterator to stop
    between two steps. Raises `EmptyText` and `TextTooLong`.
    """
    room = room_left(bundle, longest(ids, lines))
    last: End = "limit" if limit <= room else "window"
    rules = bundle.card.generation
    ending = Ending(frozenset(rules.ends), min(limit, room), last, ends)
    if rules.forced_first is not None and len(ids) == 1:  # a language code, say
        first = ((0, rules.forced_first),)
        lines = [one if one.beams else replace(one, forced=first + one.forced) for one in lines]
    writers = [
        _Paths(bundle, number, line, list(ids), ending, source)
        if line.beams
        else _Text(number, line, list(line.prompt or ids), ending)
        for number, line in enumerate(lines)
    ]
    with Decoder(bundle, source=source) as decoder:
        yield from _write(decoder, writers, seed=seed, ban=banned(bundle.card))


def longest(ids: Sequence[int], lines: Sequence[Line]) -> int:
    """Tokens of the longest prompt among lines that continue `ids` or one of their own."""
    return max((len(line.prompt or ids) for line in lines), default=len(ids))


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
            "which leaves no room for new tokens. Shorten the text."
        )
    return limit - n_tokens


def _write(
    decoder: Decoder,
    writers: Sequence[_Text | _Paths],
    *,
    seed: int,
    ban: Sequence[int],
) -> Generator[Step, None, None]:
    running, index, chooser = list(writers), 0, Chooser(seed=seed, ban=ban)
    begun = time.perf_counter()

    # 1. Each prompt is read once, in one row; every line continues the row of its own.
    prompts = {prompt: row for row, prompt in enumerate(dict.fromkeys(w.prompt for w in writers))}
    starts = [prompts[writer.prompt] for writer in writers]
    ids, real = left_padded(list(prompts))
    logits = decoder.prefill(ids, mask=None if real.all() else real)
    while running:
        # 2. Lines take their tokens from their rows, all at once; a beam search from its rows.
        places = list(zip(running, starts, strict=True))
        texts = [(writer, start) for writer, start in places if isinstance(writer, _Text)]
        written: list[Written] = []
        if texts:
            whole = len(texts) == len(logits)  # every row is a text's: no copy
            own = logits if whole else logits[[start for _, start in texts]]
            written = chooser.choose(own, [writer.ask for writer, _ in texts])
            for (writer, _), token in zip(texts, written, strict=True):
                writer.append(token)
        for writer, start in places:
            if isinstance(writer, _Paths):
                written += writer.advance(logits[start : start + len(writer.rows)])
        now = time.perf_counter()
        yield Step(index, tuple(written), now - begun)

        # 3. Lines that ended leave the batch, the others continue their own rows.
        index, begun = index + 1, time.perf_counter()
        rows = [writer.rows + start for writer, start in places if not writer.done]
        running = [writer for writer in running if not writer.done]
        if running:
            starts = np.cumsum([0, *map(len, rows)])[:-1].tolist()
            added = np.concatenate([writer.added for writer in running])
            logits = decoder.step(added, rows=np.concatenate(rows))


class _Text:
    """A line that is drawn token by token: one row of the batch."""

    rows = np.zeros(1, dtype=np.int64)

    def __init__(self, number: int, line: Line, ids: list[int], ending: Ending) -> None:
        self.ids, self.done, self.prompt = ids, False, tuple(ids)
        self.ask = Ask(line, ids, len(ids), number, ending)  # sees the same ids as they come

    @property
    def added(self) -> list[int]:
        return self.ids[-1:]

    def append(self, token: Written) -> None:
        """Go on with the token that was chosen."""
        self.ids.append(token.id)
        self.done = bool(token.end)


class _Paths:
    """A line that is found by beam search: as many rows as paths; its tokens come at the end."""

    def __init__(
        self,
        bundle: Bundle,
        number: int,
        line: Line,
        ids: list[int],
        ending: Ending,
        source: Source | None,
    ) -> None:
        self.bundle, self.number, self.ids, self.prompt = bundle, number, ids, tuple(ids)
        self.ending, self.source = ending, source
        search = Search(line.beams, line.length_penalty, limit=ending.limit, sampling=line.sampling)
        self.beam = Beam(ids, search, bundle.card.generation)

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
        found = teacher_forced(self.bundle, self.ids, new, source=self.source)
        return [
            replace(
                token, line=self.number, end=self.ending.of(new) if place + 1 == len(new) else ""
            )
            for place, token in enumerate(found)
        ]


def teacher_forced(
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
