"""A line: one continuation that is asked for, as columns, links and branches write it.

In: a setting, the number of the run, tokens forced by hand, or the width of a beam search. Out: a
frozen, hashable value that reads back from its own words. Knows nothing of models and texts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.decoding import sampling as draws
from engine.decoding.sampling import Sampling


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
