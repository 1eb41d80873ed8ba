"""Live answers about a ready task's question after no, one, a few of its examples."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from engine.learn.asking import (
    Answer,
    Asked,
    Candidate,
    NoQuestion,
    counted,
    first_of,
    live,
    percent,
)
from engine.prompting import accuracy
from engine.prompting.accuracy import Trial
from engine.prompting.answers import Scores
from engine.prompting.prompt import Prompt, shuffled
from engine.prompting.tasks import ReadyTask, ready_tasks

DECODER = ("decoder",)
HALF = 0.5
ORDERS = 6  # shuffled orders that are compared
BLOCK = 8  # held-out questions in one batch


def _task(value: Any) -> str:
    names = [one.id for one in ready_tasks()]
    return "" if value in names else f"one of {', '.join(names)}"


Task = Annotated[str, _task]
"""A ready task by its id, `sentiment`; the text is its question."""


@live(families=DECODER, facts=("best",))
def likeliest_answer(at: Asked, task: Task, examples: int) -> Answer:
    """The most probable of a task's answers after the first so many of its examples."""
    one = _ready(task)
    shares = _scores(at, one, [_prompt(at, one)], [_known(one, examples)]).raw[0]
    return first_of(
        [
            Candidate(name, float(share), percent(float(share)))
            for name, share in zip(one.answers, shares, strict=True)
        ],
        lambda best: f"{_with(examples)} “{best.name}” is most probable: {best.shown}.",
    )


@live(families=DECODER, facts=("examples",))
def answer_probability(at: Asked, task: Task, answer: str, examples: int) -> Answer:
    """How probable an answer of a task is after so many of its examples, in percent."""
    one = _ready(task)
    place = _place(one, answer)
    found = _scores(at, one, [_prompt(at, one)], [_known(one, examples)])
    share = float(found.raw[0, place])
    return Answer(
        100 * share,
        percent(share),
        f"{_with(examples)} the model gives “{answer}” {percent(share)}.",
        facts={"examples": counted(examples, "example")},
    )


@live(families=DECODER, facts=("before", "share"), counts=True)
def examples_until_half(at: Asked, task: Task, answer: str) -> Answer:
    """How many examples until an answer first has half of the probability, or "never"."""
    one = _ready(task)
    place, every = _place(one, answer), list(range(len(one.examples) + 1))
    shares = _scores(at, one, [_prompt(at, one)] * len(every), every).raw[:, place].tolist()
    reached = next((count for count in every if shares[count] >= HALF), None)
    if reached is None:
        most = max(every, key=lambda count: shares[count])
        shown = percent(shares[most])
        return Answer(
            "never",
            f"not with {every[-1]}",
            f"“{answer}” never has half of the probability. It has most {_with(most).lower()}: "
            f"{shown}.",
            facts={"before": percent(shares[0]), "share": shown},
        )
    shown, before = percent(shares[reached]), percent(shares[max(0, reached - 1)])
    less = f"; {_with(reached - 1).lower()} it was {before}" if reached else ""
    return Answer(
        float(reached),
        counted(reached, "example"),
        f"{_with(reached)} “{answer}” has {shown}{less}.",
        facts={"before": before, "share": shown},
    )


@live(families=DECODER, facts=("of", "lowest", "highest"), counts=True)
def orders_that_agree(at: Asked, task: Task, answer: str, examples: int, seed: int = 1) -> Answer:
    """In how many of six shuffled orders of the examples an answer is the most probable."""
    one = _ready(task)
    place, count = _place(one, answer), _known(one, examples)
    asked = [shuffled(_prompt(at, one), "order", seed + k) for k in range(ORDERS)]
    found = _scores(at, one, asked, [count] * ORDERS)
    agree = sum(best == place for best in found.best)
    shares = found.normalized[:, place].tolist()
    low, high = percent(min(shares)), percent(max(shares))
    return Answer(
        float(agree),
        f"{agree} of {ORDERS}",
        f"{_with(examples)} “{answer}” is most probable in {agree} of {ORDERS} orders; its share "
        f"among the answers goes from {low} to {high}.",
        facts={"of": str(ORDERS), "lowest": low, "highest": high},
    )


@live(families=DECODER, facts=("of", "low", "high"), counts=True)
def held_out_right(at: Asked, task: Task, examples: int) -> Answer:
    """How many of a task's held-out items get the right answer after so many examples."""
    one = _ready(task)
    if not one.items:
        raise NoQuestion(f"“{one.name}” has no held-out items: no fixed answers are right.")
    count = _known(one, examples)
    trial = Trial(at.model, replace(one.prompt, question=""), one.answers, one.items, (count,))
    *_, last = accuracy.grade(
        trial, lambda asked, n: _scores(at, one, list(asked), [n] * len(asked)), block=BLOCK
    )
    right, total = int(last.correct[0]), len(one.items)
    low, high = (f"{100 * end:.0f} %" for end in accuracy.wilson(right, total))
    return Answer(
        float(right),
        f"{right} of {total}",
        f"{_with(examples)} {right} of {total} are right; the interval goes from {low} to {high}.",
        facts={"of": str(total), "low": low, "high": high},
    )


def _ready(task: str) -> ReadyTask:
    return next(one for one in ready_tasks() if one.id == task)


def _prompt(at: Asked, one: ReadyTask) -> Prompt:
    if not at.text.strip():
        raise NoQuestion("The question is empty.")
    return replace(one.prompt, question=at.text)


def _known(one: ReadyTask, examples: int) -> int:
    if not 0 <= examples <= len(one.examples):
        raise NoQuestion(
            f"“{one.name}” has {counted(len(one.examples), 'example')}; the question is of "
            f"{examples}."
        )
    return examples


def _place(one: ReadyTask, answer: str) -> int:
    if answer not in one.answers:
        raise NoQuestion(f"“{answer}” is none of the answers of “{one.name}”.")
    return one.answers.index(answer)


def _scores(at: Asked, one: ReadyTask, prompts: list[Prompt], counts: list[int]) -> Scores:
    return at.engine.answer_scores(at.model, prompts, counts, one.answers)


def _with(examples: int) -> str:
    return f"With {counted(examples, 'example') if examples else 'no example'}"
