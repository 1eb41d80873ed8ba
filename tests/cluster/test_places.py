"""A replica's queue and a front's tries, without a cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.api import Reading, Task, local
from engine.cluster import packing, questions
from engine.cluster.packing import Refused, pack
from engine.cluster.places import Places
from engine.cluster.questions import Question, QueueFull, arguments, models_in, version
from engine.errors import BrokenBundle, Busy, EngineUnavailable, NotOffered
from engine.settings import settings
from tests.cluster.asked import GPT, ONE, same, writable
from tests.engine.plain import write_bundle


def test_who_is_one_too_many_is_told_their_place() -> None:
    async def crowd() -> list[str]:
        places, go = Places(2, 3), asyncio.Event()

        async def ask() -> str:
            try:
                async with places.one():
                    await go.wait()
                return "answered"
            except QueueFull as error:
                assert error.wait >= 1
                return str(error)

        asked = [asyncio.create_task(ask()) for _ in range(5)]
        while places.waiting < 3:
            await asyncio.sleep(0)
        refused = await ask()
        asked[-1].cancel()  # who leaves the queue makes room
        while places.waiting == 3:
            await asyncio.sleep(0)
        late = asyncio.create_task(ask())
        while places.waiting < 3:
            await asyncio.sleep(0)
        go.set()
        return [refused, await late, *[await one for one in asked[:-1]]]

    refused, *others = asyncio.run(crowd())
    assert refused.startswith("3 questions wait for this engine") and "number 4." in refused
    assert others == ["answered"] * 5


def test_a_text_has_one_place_and_another_after_each_try() -> None:
    asked = Question(version(), "tokens", arguments("tokens", (ONE,), {}), ((GPT, "abc"),))
    other = Question(version(), "layer", arguments("layer", (ONE, "decoder", 3), {}), asked.models)
    assert asked.route() == other.route() and asked.model == "tales-gpt@abc"
    assert len({asked.route(turn) for turn in range(5)}) == 5
    longer = arguments("tokens", (Reading(GPT, ONE.text + "!"),), {})
    assert Question(version(), "tokens", longer, asked.models).route() != asked.route()
    raw = Question(
        version(), "tokenized", arguments("tokenized", (GPT, ONE.text), {}), asked.models
    )
    assert raw.route() == asked.route()


def test_models_are_found_wherever_they_stand() -> None:
    assert models_in(arguments("foreign", ("a", "b", "text"), {})) == ("a", "b")
    readings = (Reading("a", "x"), Reading("b", "y"), Reading("a", "z"))
    assert models_in(arguments("crowd_map", (readings, True), {})) == ("a", "b")
    assert models_in({"task": Task("c", (1,))}) == ("c",)
    assert models_in(arguments("training_course", (), {})) == ()


def test_a_question_of_another_version_is_refused() -> None:
    Question(version(), "tokens", {}).check()
    with pytest.raises(EngineUnavailable, match="of version 1234abcd, the engines"):
        Question("1234abcdef", "tokens", {}).check()


def test_values_come_back_whole_and_locked() -> None:
    holes = np.arange(24, dtype=np.float32).reshape(4, 6)[:, ::2]
    value = {"a": holes, "b": (np.array([], dtype=np.int64), np.float32(2.5)), "c": [holes.T]}
    found = pack(value).value()
    assert same(found, value) and not writable(found)
    layer = local().layer(ONE, "decoder", 0)
    assert same(pack(layer).value(), layer) and not writable(pack(layer).value())


def test_a_large_matrix_travels_as_its_place_in_the_models_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packing, "MAPPED_FROM", 1000)
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path / "models"))
    settings.cache_clear()
    try:
        write_bundle(tmp_path / "models" / "mine")
        matrix = local().vectors("mine", "token")
        for part in (matrix, matrix[5:], local().vocabulary_space("mine")):
            sent = pack(part)
            assert sum(len(bytes(one)) for one in sent.buffers) < matrix.nbytes / 3
            assert b"weights.bin" in sent.data and same(sent.value(), part)
        (tmp_path / "models" / "mine" / "weights.bin").unlink()
        with pytest.raises(BrokenBundle, match="mine/weights.bin cannot be read here"):
            pack(matrix).value()
    finally:
        settings.cache_clear()


@pytest.mark.parametrize(
    "error", [NotOffered("This model has none."), Busy("Later.", 7.0), ValueError("3 is odd")]
)
def test_a_refusal_travels_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        pack(Refused(error)).value()
    assert str(caught.value) == str(error)
    assert getattr(caught.value, "wait", None) == getattr(error, "wait", None)


def test_a_call_with_arguments_that_do_not_fit_is_a_mistake_at_once() -> None:
    with pytest.raises(TypeError):
        arguments("tokens", (), {"nothing": 1})
    assert arguments("texts", (GPT, [1, 2]), {})["ids"] == (1, 2)
    assert "self" not in str(questions.arguments("models", (), {}))


class Crowded:
    """A link whose replicas are full."""

    def __init__(self, link: Any, free: int) -> None:
        self.turns: list[int] = []
        self._free = free
        link._handle = self.handle

    def handle(self, _question: Question, turn: int) -> int:
        self.turns.append(turn)
        return turn

    def ask(self, turn: int) -> str:
        if turn < self._free:
            raise QueueFull("full", 3.0)
        return f"answered by {turn}"


@pytest.mark.parametrize(("free", "turns"), [(0, [0]), (2, [0, 1, 2]), (3, [0, 1, 2])])
def test_a_full_replica_sends_the_question_on(free: int, turns: list[int]) -> None:
    from engine.cluster.link import Link

    link = Link()
    crowd = Crowded(link, free)
    question = Question(version(), "tokens", {})
    if free < 3:
        assert link.tried(question, crowd.ask) == f"answered by {free}"
    else:
        with pytest.raises(Busy, match="full"):
            link.tried(question, crowd.ask)
    assert crowd.turns == turns
