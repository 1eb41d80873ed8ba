"""What a replica sends of a text that is written, without a cluster."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from engine.api import Line, Sampling, Task, local
from engine.cluster.questions import Question, arguments, version
from engine.cluster.replicas import News, Reader
from engine.decoding.generated import Generated
from engine.errors import Busy
from tests.cluster.asked import GPT, ONE, same

LINES = (Line(Sampling(temperature=1.0)),)


@pytest.fixture(scope="module")
def text() -> tuple[Task, Generated]:
    task = Task(GPT, tuple(local().tokens(ONE).ids.tolist()), seed=5, limit=12)
    (found,) = local().write(task, LINES, patience=240)
    assert found.end and len(found.tokens) >= 6
    return task, found


class Stalls:
    """An engine that writes three tokens, then is stopped, as nobody looked; again from there."""

    def __init__(self, whole: Generated, refuses: bool = False) -> None:
        self.begun, self._whole, self._count, self._refuses = 0, whole, 0, refuses
        self._going = False

    def write(self, task: Task, lines: Any, *, viewer: str) -> None:
        self.begun += 1
        if self.begun > 1 and self._refuses:
            raise Busy("Too much is written here.", 3.0)
        self._going = True

    def look(self, task: Task, lines: Any, *, viewer: str) -> tuple[Generated, ...]:
        if self._going:
            self._count += 1
            self._going = self._count % 3 != 0 and self._count < len(self._whole.tokens)
        n = self._count
        part = replace(self._whole, tokens=self._whole.tokens[:n], texts=self._whole.texts[:n],
                       seconds=self._whole.seconds[:n], writing=self._going)  # fmt: skip
        return (part,)

    def stop_writing(self, task: Task, lines: Any, *, viewer: str) -> None:
        self._going = False


def sent(engine: Stalls, task: Task) -> list[News]:
    """All that a front gets of a text."""
    replica = object.__new__(Reader)
    replica.name, replica._engine, replica._streams = "here/1", engine, 0
    replica._numbers, replica._pool = itertools.count(), ThreadPoolExecutor(1)
    replica._origins, replica._counting, replica._node = Counter(), threading.Lock(), ""
    given = {"task": task, "lines": LINES}
    question = Question(version(), "write", given, viewer="me")

    async def collected() -> list[News]:
        return [one async for packed in replica.write(question, (0,)) for one in packed.value()]

    try:
        return asyncio.run(collected())
    finally:
        replica._pool.shutdown()
        assert replica._streams == 0 and not engine._going


def test_a_text_that_was_stopped_as_unwatched_goes_on_while_somebody_listens(
    text: tuple[Task, Generated],
) -> None:
    task, whole = text
    assert arguments("write", (task, LINES), {})["lines"] == LINES
    engine = Stalls(whole)
    news = sent(engine, task)
    assert engine.begun == -(-len(whole.tokens) // 3)
    tokens = [token for one in news for token in one.tokens]
    assert same(tuple(tokens), whole.tokens)
    assert [one.start for one in news] == sorted({one.start for one in news})


def test_where_it_cannot_go_on_the_reason_is_told(text: tuple[Task, Generated]) -> None:
    with pytest.raises(Busy, match="Too much is written"):
        sent(Stalls(text[1], refuses=True), text[0])
