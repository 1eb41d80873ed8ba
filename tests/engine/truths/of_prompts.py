"""Answers after solved examples, once more: the prompt put together here, one run a token."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from tests.engine.truths.raw import ENGINE, ids_of, softmax, truth

FILE = Path(__file__).parents[3] / "assets" / "tasks.toml"


def task_of(name: str) -> dict[str, Any]:
    return next(one for one in tomllib.loads(FILE.read_text("utf-8"))["task"] if one["id"] == name)


def prompt(one: dict[str, Any], pairs: list[list[str]], question: str) -> str:
    ask = f"{one['ask']}: " if one["ask"] else ""
    text = one["instruction"] + "\n\n" if one["instruction"] else ""
    for asked, answer in pairs:
        text += f"{ask}{asked}\n{one['reply']}: {answer}\n\n"
    return f"{text}{ask}{question}\n{one['reply']}:"


def shares(model: str, text: str, answers: list[str]) -> np.ndarray:
    """What each answer has after a text: the product over its tokens, each after those before."""
    own = ids_of(model, text)
    found = []
    for answer in answers:
        whole = ids_of(model, f"{text} {answer}")
        assert whole[: len(own)] == own
        steps = range(len(own), len(whole))
        found.append(
            np.prod([softmax(ENGINE.following(model, tuple(whole[:k])))[whole[k]] for k in steps])
        )
    return np.array(found)


def after(model: str, question: str, task: str, examples: int) -> dict[str, float]:
    one = task_of(task)
    text = prompt(one, one["examples"][:examples], question)
    return dict(zip(one["answers"], shares(model, text, one["answers"]).tolist(), strict=True))


@truth
def likeliest_answer(model: str, text: str, task: str, examples: int) -> str:
    found = after(model, text, task, examples)
    return max(found, key=lambda answer: found[answer])


@truth
def answer_probability(model: str, text: str, task: str, answer: str, examples: int) -> float:
    return 100 * after(model, text, task, examples)[answer]


@truth
def examples_until_half(model: str, text: str, task: str, answer: str) -> float | str:
    for count in range(len(task_of(task)["examples"]) + 1):
        if after(model, text, task, count)[answer] >= 0.5:
            return float(count)
    return "never"


@truth
def orders_that_agree(
    model: str, text: str, task: str, answer: str, examples: int, seed: int = 1
) -> float:
    one, agree = task_of(task), 0
    for k in range(6):
        pairs = list(one["examples"])
        random.Random(f"order {seed + k}").shuffle(pairs)
        found = shares(model, prompt(one, pairs[:examples], text), one["answers"])
        agree += one["answers"][int(found.argmax())] == answer
    return float(agree)


@truth
def held_out_right(model: str, text: str, task: str, examples: int) -> float:
    right = 0
    for asked, answer in task_of(task)["items"]:
        found = after(model, asked, task, examples)
        right += max(found, key=lambda one: found[one]) == answer
    return float(right)
