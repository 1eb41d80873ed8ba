r"""A task in words: an instruction, solved examples, a question, and the text that is sent.

    shown = (Example("Good soup.", "positive"),)
    Prompt("Say how it is.", "Review", "Sentiment", shown, "Bad tea.").text(1)

    Say how it is.

    Review: Good soup.
    Sentiment: positive

    Review: Bad tea.
    Sentiment:

In: texts of people, as they are. Out: frozen values and text. Examples are written in links and
files one a line, `asked => answer`, with \n for a line break inside. Knows nothing of models.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.decoding.stopping import escaped, unescaped

MOST = 200  # examples
LONGEST = 12_000  # characters of all examples as they are written in links
ARROW = "=>"
Shuffle = Literal["none", "order", "labels"]
_HIDDEN = "=\\>"  # an arrow inside a text
_LINES = re.compile(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Example:
    """What is asked and what is to be answered; either may be empty while it is being written."""

    asked: str
    answer: str

    @property
    def whole(self) -> bool:
        """Whether it can stand in a prompt."""
        return bool(self.asked.strip() and self.answer.strip())


@dataclass(frozen=True, slots=True)
class Prompt:
    """A task in words. `ask` and `reply` stand before what is asked and what is answered."""

    instruction: str
    ask: str
    reply: str
    examples: tuple[Example, ...]
    question: str

    @property
    def whole(self) -> tuple[Example, ...]:
        """The examples that can be sent, in order."""
        return tuple(one for one in self.examples if one.whole)

    def text(self, count: int) -> str:
        """The text with the first `count` whole examples, up to the place of the answer."""
        blocks = [self.instruction.strip()] if self.instruction.strip() else []
        blocks += [self._block(one.asked, one.answer) for one in self.whole[:count]]
        return "\n\n".join([*blocks, self._block(self.question, "")])

    def answered_at(self, count: int) -> tuple[tuple[int, int], ...]:
        """Where the answers of the first `count` examples stand in `text(count)`: from, up to."""
        found, at = [], len(self.instruction.strip())
        at += 2 if at else 0
        for one in self.whole[:count]:
            end = at + len(self._block(one.asked, one.answer))
            found.append((end - len(one.answer.strip()), end))
            at = end + 2
        return tuple(found)

    def example_at(self, count: int) -> tuple[tuple[int, int], ...]:
        """Where the first `count` examples stand in `text(count)`: from, up to."""
        found, at = [], len(self.instruction.strip())
        at += 2 if at else 0
        for one in self.whole[:count]:
            end = at + len(self._block(one.asked, one.answer))
            found.append((at, end))
            at = end + 2
        return tuple(found)

    def _block(self, asked: str, answer: str) -> str:
        head = f"{self.ask.strip()}: " if self.ask.strip() else ""
        foot = f"{self.reply.strip()}:" if self.reply.strip() else "=>"
        return f"{head}{asked.strip()}\n{foot} {answer.strip()}".rstrip()


def shuffled(prompt: Prompt, how: Shuffle, seed: int) -> Prompt:
    """The prompt with its examples in another order, or with their answers dealt out anew.

    The same seed deals the same way. Dealt anew, an answer may come back to its own example.
    """
    examples = list(prompt.examples)
    rng = random.Random(f"{how} {seed}")
    if how == "order":
        rng.shuffle(examples)
    elif how == "labels":
        answers = [one.answer for one in examples]
        rng.shuffle(answers)
        pairs = zip(examples, answers, strict=True)
        examples = [replace(one, answer=answer) for one, answer in pairs]
    return replace(prompt, examples=tuple(examples))


def fitting(most: int, room: int, tokens: Callable[[int], int]) -> int:
    """How many examples of `most` fit into `room` tokens; -1 where not even the question does.

    `tokens(n)` counts the prompt with n examples, which grows with n.
    """
    low, high = -1, most
    while low < high:
        middle = (low + high + 1) // 2
        if tokens(middle) <= room:
            low = middle
        else:
            high = middle - 1
    return low


def counts(available: int, wanted: Sequence[int] = (0, 1, 2, 3, 5)) -> tuple[int, ...]:
    """The numbers of examples that are compared: those wanted, as far as there are so many.

    >>> counts(4), counts(9)
    ((0, 1, 2, 3, 4), (0, 1, 2, 3, 5))
    """
    return tuple(dict.fromkeys(min(one, available) for one in wanted))


def read_examples(text: str) -> tuple[Example, ...]:
    r"""Examples as they are written one a line; at most `MOST`, what lies beyond is left out.

    >>> read_examples("Good soup. => positive")
    (Example(asked='Good soup.', answer='positive'),)
    """
    lines = [line for line in _LINES.split(text[:LONGEST]) if line.strip()]
    return tuple(_example(line) for line in lines[:MOST])


def write_examples(examples: Sequence[Example]) -> str:
    """Examples one a line, as `read_examples` reads them."""
    return "\n".join(f"{_hidden(one.asked)} {ARROW} {_hidden(one.answer)}" for one in examples)


def written(text: str) -> str:
    r"""A text of several lines on one, as fields take it: a line break is \n."""
    return escaped(_LINES.sub("\n", text.strip()))


def unwritten(text: str) -> str:
    r"""What was typed on one line: \n is a line break."""
    return unescaped(text).strip()


def _example(line: str) -> Example:
    asked, _, answer = line.partition(ARROW)
    return Example(_seen(asked), _seen(answer))


def _hidden(text: str) -> str:
    # Line separators of other alphabets end a line to some readers: they become line breaks.
    return written(text).replace(ARROW, _HIDDEN)


def _seen(text: str) -> str:
    parts = text.strip().split(_HIDDEN)
    return ARROW.join(unescaped(part) for part in parts).strip()
