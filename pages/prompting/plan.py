"""What the Prompting page is asked to show: values of controls and links, put together.

In: words. Out: a frozen `Plan`, and what is to be said of the window. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.decoding.continuation import Line, Task
from engine.decoding.stopping import escaped, unescaped
from engine.prompting import prompt as made
from engine.prompting.prompt import Prompt, Shuffle
from engine.prompting.tasks import ReadyTask

BAR = "|"
STOP_TEXTS = {"line": ("\n",), "blank": ("\n\n",), "never": ()}
LINE_MOST = 8  # examples that the curve goes up to


@dataclass(frozen=True)
class Plan:
    """What is asked for.

    `listed` is the prompt as it was written, `prompt` with its examples shuffled as `shuffle`
    says. `fit` is how many of its whole examples fit into the window beside `length` new tokens,
    -1 where not even the question does. `right` is None where no answer is known to be. `window`
    is in positions. `looked_at` is the number of examples whose prompt is shown.
    """

    model: str
    task: ReadyTask
    listed: Prompt
    prompt: Prompt
    answers: tuple[str, ...]
    right: str | None
    stops: tuple[str, ...]
    length: int
    line: Line
    seed: int
    shuffle: Shuffle
    fit: int
    window: int
    looked_at: int = 0

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of examples that are compared in columns and bars."""
        return made.counts(max(0, self.fit))

    @property
    def every(self) -> tuple[int, ...]:
        """The numbers of examples that the curve goes through."""
        return tuple(range(min(max(0, self.fit), LINE_MOST) + 1))

    @property
    def gradable(self) -> bool:
        """Whether every held-out item's answer is an admissible one."""
        items = self.task.items
        return bool(items) and all(one.answer in self.answers for one in items)

    def looking_at(self, count: int) -> Plan:
        """The plan with the prompt of so many examples in view."""
        return replace(self, looked_at=count)

    def writing(self, ids: Sequence[int]) -> Task:
        """What all columns have in common; `ids` are the prompt's without examples."""
        return Task(self.model, tuple(ids), seed=self.seed, limit=self.length, stops=self.stops)


def read_answers(text: str) -> tuple[str, ...]:
    """Admissible answers as they are typed, each once.

    >>> read_answers("yes | no|")
    ('yes', 'no')
    """
    found = (unescaped(part.strip()).strip() for part in text.split(BAR))
    return tuple(dict.fromkeys(one for one in found if one))


def write_answers(answers: Sequence[str]) -> str:
    """Admissible answers on one line."""
    return f" {BAR} ".join(escaped(one) for one in answers)


def named(count: int) -> str:
    """The title of a column.

    >>> named(0), named(1), named(5)
    ('No example', '1 example', '5 examples')
    """
    return "No example" if not count else f"{count} example{'s' if count > 1 else ''}"


def listing(words: Sequence[str]) -> str:
    """Words in a sentence.

    >>> listing(["1", "2", "5"])
    '1, 2 and 5'
    """
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def left_out(plan: Plan) -> list[str]:
    """Sentences on examples that are not sent, and why."""
    said = []
    partial = [n for n, one in enumerate(plan.prompt.examples, 1) if not one.whole]
    if partial:
        many = len(partial) > 1
        named_ = listing([str(n) for n in partial[:5]]) + (", …" if len(partial) > 5 else "")
        said.append(
            f"Example{'s' if many else ''} {named_} {'have' if many else 'has'} no question or no "
            f"answer and {'are' if many else 'is'} left out."
        )
    places = [n for n, one in enumerate(plan.prompt.examples, 1) if one.whole]
    rest = places[max(0, plan.fit) :]
    if rest:
        which = f"{rest[0]} to {rest[-1]}" if len(rest) > 1 else str(rest[0])
        many = len(rest) > 1
        said.append(
            f"Example{'s' if many else ''} {which} {'do' if many else 'does'} not fit into the "
            f"{plan.window:,} positions and {'are' if many else 'is'} left out."
        )
    return said
