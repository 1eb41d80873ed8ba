"""What `Local` answers, `Remote` answers: every method of the engine, values equal to the bit."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from engine.api import Engine, Line, Reading, Sampling, Search, Task, local
from engine.cluster.questions import ASKED, FOLLOWED, HERE, KEPT, MAPS, PARTS, TASKS
from engine.errors import EngineError, NotOffered
from engine.jobs import registry
from engine.patching.contrast import Experiment
from engine.policy import Visitor
from engine.store import store
from tests.cluster import asked
from tests.cluster.asked import (
    GPT,
    GREEDY,
    NAMED,
    ONE,
    QUESTIONS,
    REFUSED,
    difference,
    ended,
    same,
)

# Asked by a test of their own, as each needs more than arguments.
APART = {
    "is_open", "open", "most_split", "target_scores", "comes_along", "tune", "train_own",
    "finish_training", "tuned_matrices", "tuned_texts", "tuned_bits", "tuned_change",
    "conversation", "routing", "windows", "translation_trace",
}  # fmt: skip


def test_every_method_of_the_engine_has_its_way_and_its_question() -> None:
    assert HERE | FOLLOWED | ASKED == PARTS and not HERE & FOLLOWED
    assert KEPT < ASKED and MAPS < set(TASKS)
    assert {*QUESTIONS, *NAMED, *REFUSED, *APART, *FOLLOWED} == set(PARTS)


@pytest.mark.parametrize("name", [*QUESTIONS, *NAMED])
def test_values_are_equal_to_the_bit(name: str, remote: Engine) -> None:
    args, named = NAMED.get(name) or (QUESTIONS[name], {})
    right = getattr(local(), name)(*args, **named)
    found = getattr(remote, name)(*args, **named)
    assert not difference(found, right)
    assert asked.writable(found) <= asked.writable(right), "a shared value could be written to"


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_the_same_sentences(name: str, remote: Engine) -> None:
    said = []
    for engine in (local(), remote):
        args = REFUSED[name]
        if name == "most_split":  # of a model without an algorithm that splits words
            args = (asked.BOTH, engine.tokens(asked.FRENCH))
        try:
            said.append(getattr(engine, name)(*args))
        except (EngineError, ValueError) as error:
            said.append((type(error), str(error)))
    assert same(said[1], said[0]) and said[0]
    if name not in ("most_split", "layer"):
        assert issubclass(said[0][0], EngineError), said[0]


def test_a_model_is_opened_where_it_runs_and_nowhere_else(remote: Engine) -> None:
    remote.open(GPT)
    assert remote.is_open(GPT)


def test_a_target_is_scored_and_a_word_split_alike(remote: Engine) -> None:
    for engine in (local(), remote):
        found = engine.translated("fr-en", "Le chat dort.")
        assert found.target
    for name in ("sides", "token_names"):
        args = (found, "cross")
        assert not difference(getattr(remote, name)(*args), getattr(local(), name)(*args))
    assert same(remote.attention(found, "cross", 0), local().attention(found, "cross", 0))
    right = local().target_scores(found, found.target)
    assert same(remote.target_scores(found, found.target), right)
    tokens = local().tokens(Reading(GPT, "unbelievably extraordinary"))
    assert same(remote.most_split(GPT, tokens), local().most_split(GPT, tokens))


@pytest.mark.parametrize("width", [1, 3])
def test_a_translation_is_searched_alike(width: int, remote: Engine) -> None:
    found, right = (
        engine.translation_trace(asked.FRENCH, Search(width)) for engine in (remote, local())
    )
    timed = replace(found.translation, seconds=right.translation.seconds)
    assert not difference(replace(found, translation=timed), right)


def test_windows_are_counted_alike_and_timed_where_they_are(remote: Engine) -> None:
    found, right = remote.windows(GPT), local().windows(GPT)
    assert same(replace(found, seconds=right.seconds), right) and (found.seconds > 0).all()


def test_adapters_do_the_same_on_both(remote: Engine) -> None:
    card = local().adapters()[0]
    matrix = local().tuned_matrices(card.name)[0]
    assert remote.tuned_matrices(card.name) == local().tuned_matrices(card.name)
    assert remote.comes_along(card.name) and local().comes_along(card.name)
    how: dict[str, Any] = {"count": 5, "temperature": 0.7, "seed": 3}
    for name, args, named in (
        ("tuned_texts", (card.name, "The king"), how),
        ("tuned_bits", (card.name, "The king said."), {}),
        ("tuned_change", (card.name, matrix), {}),
    ):
        right = getattr(local(), name)(*args, **named)
        assert same(getattr(remote, name)(*args, **named), right), name


# --- Texts ---


def task(engine: Engine, limit: int = 24, seed: int = 0) -> Task:
    return Task(GPT, tuple(engine.tokens(ONE).ids.tolist()), seed=seed, limit=limit)


LINES = (
    GREEDY,
    Line.parse("top-p 0.9"),
    Line(Sampling(temperature=1.0), run=1, forced=((2, 300),)),
    Line(beams=3),
)


def test_texts_are_written_alike_whatever_they_are(remote: Engine) -> None:
    asked_for = task(local())
    right = local().write(asked_for, LINES, viewer="me", patience=240)
    found = remote.write(asked_for, LINES, viewer="me", patience=240)
    for one, other in zip(found, right, strict=True):
        assert one.end == other.end and one.end and not one.writing and one.problem is None
        assert same(one.tokens, other.tokens) and one.texts == other.texts
        assert len(one.seconds) == len(one.tokens)
    again = remote.look(asked_for, LINES, viewer="me")
    assert same(again, found)


def test_a_translation_is_written_alike(remote: Engine) -> None:
    source = tuple(local().tokens(Reading("fr-en", "Le chat dort.")).ids.tolist())
    start = local().card("fr-en").generation.start
    assert start is not None
    asked_for = Task("fr-en", (start,), source=source, limit=12)
    right = local().write(asked_for, LINES[:2], patience=240)
    found = remote.write(asked_for, LINES[:2], patience=240)
    assert all(same(one.tokens, other.tokens) for one, other in zip(found, right, strict=True))


def test_a_text_is_shared_and_looked_at_and_stopped(engine: Engine) -> None:
    long = task(engine, limit=150, seed=7)
    first = engine.write(long, (GREEDY,), viewer="one")
    assert len(first) == 1
    both = engine.write(long, (GREEDY,), viewer="two", patience=240)
    (alone,) = engine.look(long, (GREEDY,), viewer="one")
    assert both[0].end == alone.end == "limit" and same(both[0].tokens, alone.tokens)
    assert engine.texts_under_way() == 0
    (nothing,) = engine.look(task(engine, limit=9, seed=99), (GREEDY,), viewer="one")
    assert not nothing.tokens and not nothing.writing


def test_a_text_without_room_is_refused_at_once(engine: Engine) -> None:
    with pytest.raises(EngineError, match="no room"):
        engine.write(Task(GPT, (1,) * 4000), (GREEDY,))


# --- Tasks ---


def test_patching_shows_itself_and_is_found_again(engine: Engine) -> None:
    experiment = Experiment(GPT, "The king said that he", "The queen said that he", "attention")
    job = ended(engine.patch(experiment, viewer="me"))
    assert engine.patching(experiment) is job and job.error is None
    assert same(job.result, local().patched(experiment))


def test_a_refused_task_is_refused_at_once(engine: Engine) -> None:
    with pytest.raises(EngineError):
        engine.patch(Experiment(GPT, "", ""), viewer="me")


def test_a_measurement_is_kept(engine: Engine) -> None:
    length = engine.lengths_timed(GPT)[0]
    job = ended(engine.measure(GPT, length, viewer="me"))
    assert job.error is None and job.kind == "time"
    assert engine.timed(GPT, length) is not None
    assert engine.timings(GPT, length) is engine.timed(GPT, length)
    with pytest.raises(NotOffered, match="not measured"):
        engine.measure(GPT, 3, viewer="me")


def test_a_long_text_is_read_block_by_block(remote: Engine) -> None:
    reading = Reading(GPT, "The king and the fox went home and sat down to eat. " * 36)
    assert remote.is_long(reading, "decoder") and local().is_long(reading, "decoder")
    begun = remote.overview_so_far(reading, "decoder", viewer="me")
    assert begun.overview.weights.shape[0] == local().stack(GPT, "decoder").layers
    if begun.job is not None:  # a replica may have read it before we looked
        assert ended(begun.job).error is None
    found = remote.overview_so_far(reading, "decoder", viewer="me")
    assert found.whole and found.job is None
    assert same(found.overview, local().overview(reading, "decoder"))
    assert ended(remote.read_on(reading, "decoder", viewer="me")).error is None


def test_nobody_but_the_host_trains(remote: Engine) -> None:
    for engine in (local(), remote):
        assert engine.trainings(Visitor("stranger")) == ()


# --- One question for many ---


def test_a_class_on_one_link_costs_one_answer(remote: Engine) -> None:
    reading = Reading(GPT, "Thirty pupils look at this very sentence.")
    from engine.hosting import figures

    def answers() -> float:
        return sum(figures.by_label("atlas_answers", "replica").values())

    found: list[Any] = []
    before = answers()
    pupils = [
        threading.Thread(target=lambda: found.append(remote.layer(reading, "decoder", 0)))
        for _ in range(30)
    ]
    for one in pupils:
        one.start()
    for one in pupils:
        one.join()
    assert len(found) == 30 and all(one is found[0] for one in found)
    assert answers() - before == 1
    store().clear()
    assert same(remote.layer(reading, "decoder", 0), found[0])
    assert registry.running() == ()
