"""A continuation that is asked for, as columns, links and branches write it.

In: a setting, the number of the run, tokens forced by hand, or the width of a beam search. Out: a
frozen, hashable value that reads back from its own words; and `Task`, what all continuations of a
comparison have in common. Knows nothing of models and texts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.decoding import sampling as draws
from engine.decoding import stopping
from engine.decoding.sampling import Sampling

WIDEST = 8  # beams
PENALTY = (-2.0, 4.0)  # legal length penalties
LENGTH = "length penalty"


@dataclass(frozen=True, slots=True)
class Line:
    """One continuation: how it is drawn, with which noise, and tokens forced by hand.

    `run` numbers samples of one setting. `forced` holds (offset, id): the offset-th new token,
    from 0, is that id whatever is drawn; all before it are as without it. `beams` above 0 is beam
    search of that width instead: it obeys the penalties of the setting, takes no temperature, no
    filter and no forced token, and compares finished texts by their summed log-probability
    divided by length ** `length_penalty`. `prompt` are the ids that this line alone continues,
    where they are not the task's; its words leave it out, as they do its run.
    """

    sampling: Sampling = Sampling()
    run: int = 0
    forced: tuple[tuple[int, int], ...] = ()
    beams: int = 0
    length_penalty: float = 1.0
    prompt: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not 0 <= self.beams <= WIDEST:
            raise ValueError(f"beam must be in [1, {WIDEST}], got {self.beams}")
        if not PENALTY[0] <= self.length_penalty <= PENALTY[1]:
            low, high = PENALTY
            raise ValueError(f"{LENGTH} must be in [{low:g}, {high:g}], got {self.length_penalty}")
        penalties = {one.name for one, _ in self.sampling.penalties}
        others = [name for name, _ in self.sampling.values if name not in penalties]
        if self.beams and (self.forced or others):
            what = draws.label(others[0]) if others else "forced token"
            raise ValueError(f"beam search samples nothing: it takes penalties, and no {what}")
        if self.beams and self.prompt:
            raise ValueError("a beam search continues the task's prompt, and none of its own")
        if self.length_penalty != 1 and not self.beams:
            raise ValueError(f"a {LENGTH} needs a beam search: write beam 4, {LENGTH} 2")
        numbers = [self.run, *(number for pair in self.forced for number in pair)]
        if min(numbers) < 0:
            raise ValueError(f"run, offsets and ids must be 0 or more, got {min(numbers)}")

    @property
    def samples(self) -> bool:
        """Whether chance has a say: neither greedy nor a beam search."""
        return not self.beams and not self.sampling.greedy

    @property
    def setting(self) -> str:
        """How it is decoded in words, forced tokens left out: `greedy, no-repeat 3`."""
        if not self.beams:
            return str(self.sampling)
        parts = [f"beam {self.beams}"]
        if self.length_penalty != 1:
            parts.append(f"{LENGTH} {self.length_penalty:g}")
        return ", ".join([*parts, *([str(self.sampling)] if self.sampling.values else [])])

    def __str__(self) -> str:
        """Write the line in short, as `parse` reads it: `greedy @4=77`; its run is left out."""
        return " ".join([self.setting, *(f"@{offset}={i}" for offset, i in self.forced)])

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
        beams, length, rest = 0, 1.0, []
        for part in (part.strip() for part in setting.split(",")):
            words, _, number = part.lower().rpartition(" ")
            if words == "beam" and number.isdecimal() and len(number) < 4:
                beams = max(1, int(number))
            elif words == LENGTH:
                length = _number(number)
            else:
                rest.append(part)
        drawn = draws.parse(",".join(rest))
        return cls(drawn, forced=tuple(sorted(forced.items())), beams=beams, length_penalty=length)

    def branched(self, offset: int, token_id: int) -> Line:
        """The line with a token forced, and nothing forced after it."""
        before = tuple(pair for pair in self.forced if pair[0] < offset)
        return replace(self, forced=(*before, (offset, token_id)))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{LENGTH} needs a number, got “{text[:20]}”") from None


@dataclass(frozen=True, slots=True)
class Task:
    """What all columns of a comparison have in common; `stops` are texts that end a line.

    `source` are the ids that an encoder reads; `ids` are then what its decoder begins with.
    """

    model: str
    ids: tuple[int, ...]
    source: tuple[int, ...] = ()
    seed: int = 0
    limit: int = 40
    stops: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be in [0, {2**32 - 1:,}], got {self.seed}")
        if self.limit < 1:
            raise ValueError(f"limit must be at least 1, got {self.limit}")
        stopping.check(self.stops)
