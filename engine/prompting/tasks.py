"""Ready tasks, read strictly from `assets/tasks.toml`: what they ask, show, and grade with.

In: the file. Out: frozen `ReadyTask`s. Whatever is unknown, missing, of a wrong type or out of
bounds refuses the file with the task and the key, so that no page has to look twice.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from engine.prompting import answers as scoring
from engine.prompting.prompt import Example, Prompt

FILE = Path(__file__).parents[2] / "assets" / "tasks.toml"
Stop = Literal["line", "blank"]
TASKS, EXAMPLES, ITEMS = 40, 12, 60  # at most
WORDS = {"id": 20, "name": 40, "why": 120, "ask": 30, "reply": 30}  # characters at most
LONG = {"instruction": 400, "question": 600, "right": 200}
LENGTHS = range(1, 65)  # new tokens
NEEDED = {*WORDS, *LONG, "stop", "length", "taught", "answers", "examples"}
MAY_BE_EMPTY = {"instruction", "ask"}


class BadTasks(ValueError):
    """The file of tasks is not as it must be; the message names the task and the key."""


@dataclass(frozen=True, slots=True)
class ReadyTask:
    """A task to start from.

    `right` is one of `answers`, the admissible ones for `question`. `items` are held out: what is
    graded; empty where no fixed answers are wanted. `length` are new tokens, `taught` the shipped
    models that were trained on lessons of this kind.
    """

    id: str
    name: str
    why: str
    instruction: str
    ask: str
    reply: str
    stop: Stop
    length: int
    taught: tuple[str, ...]
    question: str
    right: str
    answers: tuple[str, ...]
    examples: tuple[Example, ...]
    items: tuple[Example, ...]

    @property
    def prompt(self) -> Prompt:
        """The task in words, with all its examples."""
        return Prompt(self.instruction, self.ask, self.reply, self.examples, self.question)


@cache
def ready_tasks() -> tuple[ReadyTask, ...]:
    """Every ready task, in the order of the file."""
    return read_tasks(FILE.read_text(encoding="utf-8"))


def read_tasks(text: str) -> tuple[ReadyTask, ...]:
    """Tasks as they are written in TOML; raises `BadTasks`."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadTasks(f"it is no TOML: {error}") from None
    rows = found.get("task")
    if set(found) != {"task"} or not isinstance(rows, list) or not 0 < len(rows) <= TASKS:
        raise BadTasks(f"1 to {TASKS} [[task]] and nothing else are needed")
    tasks = tuple(_task(row, number) for number, row in enumerate(rows, 1))
    for what in ("id", "name"):
        twice = [one for one, n in Counter(getattr(t, what) for t in tasks).items() if n > 1]
        if twice:
            raise BadTasks(f"two tasks have the {what} {twice[0]!r}")
    return tasks


def _task(row: Any, number: int) -> ReadyTask:
    where = f"task {number}"
    if not isinstance(row, dict):
        raise BadTasks(f"{where} is no table")
    if missing := NEEDED - set(row):
        raise BadTasks(f"{where}: {min(missing)} is missing")
    if strange := set(row) - NEEDED - {"items"}:
        raise BadTasks(f"{where}: {min(strange)!r} is unknown")
    words = {key: _text(row, key, most, where) for key, most in (WORDS | LONG).items()}
    where = f"task {words['id']}"
    if not words["id"].isascii() or not words["id"].isidentifier():
        raise BadTasks(f"{where}: id must be letters and digits")
    if row["stop"] not in ("line", "blank"):
        raise BadTasks(f"{where}: stop must be 'line' or 'blank', got {row['stop']!r}")
    if isinstance(row["length"], bool) or row["length"] not in LENGTHS:
        raise BadTasks(f"{where}: length must be 1 to {LENGTHS[-1]}, got {row['length']!r}")
    task = ReadyTask(
        **words,
        stop=row["stop"],
        length=row["length"],
        taught=_texts(row, "taught", 0, 10, where),
        answers=_texts(row, "answers", 2, scoring.MOST, where),
        examples=_pairs(row, "examples", 1, EXAMPLES, where),
        items=_pairs(row, "items", 1, ITEMS, where) if "items" in row else (),
    )
    _check(task, where)
    return task


def _check(task: ReadyTask, where: str) -> None:
    if len(set(task.answers)) < len(task.answers):
        raise BadTasks(f"{where}: an answer stands there twice")
    if task.right not in task.answers:
        raise BadTasks(f"{where}: right is none of the answers")
    asked = Counter(one.asked for one in (*task.examples, *task.items))
    asked[task.question] += 1
    if (often := asked.most_common(1)[0])[1] > 1:
        raise BadTasks(f"{where}: {often[0][:40]!r} is asked twice")
    by_answer = Counter(one.answer for one in task.items)
    if by_answer and (set(by_answer) != set(task.answers) or len(set(by_answer.values())) > 1):
        raise BadTasks(f"{where}: the items do not have each of the answers equally often")
    if task.items and any(one.answer not in task.answers for one in task.examples):
        raise BadTasks(f"{where}: an example has none of the answers")


def _text(row: Mapping[str, Any], key: str, most: int, where: str) -> str:
    value = row[key]
    if not isinstance(value, str) or len(value) > most or value != value.strip():
        raise BadTasks(f"{where}: {key} must be a text of at most {most} characters, stripped")
    if not value and key not in MAY_BE_EMPTY:
        raise BadTasks(f"{where}: {key} is empty")
    return value


def _texts(row: Mapping[str, Any], key: str, least: int, most: int, where: str) -> tuple[str, ...]:
    values = row[key]
    if not isinstance(values, list) or not least <= len(values) <= most:
        raise BadTasks(f"{where}: {key} must be a list of {least} to {most} texts")
    return tuple(_text({key: value}, key, LONG["right"], where) for value in values)


def _pairs(
    row: Mapping[str, Any], key: str, least: int, most: int, where: str
) -> tuple[Example, ...]:
    values = row[key]
    if not isinstance(values, list) or not least <= len(values) <= most:
        raise BadTasks(f"{where}: {key} must be a list of {least} to {most} pairs")
    for pair in values:
        if not isinstance(pair, list) or len(pair) != 2:
            raise BadTasks(f"{where}: {key} must hold pairs of two texts")
    return tuple(
        Example(
            _text({key: asked}, key, LONG["question"], where),
            _text({key: answer}, key, LONG["right"], where),
        )
        for asked, answer in values
    )
