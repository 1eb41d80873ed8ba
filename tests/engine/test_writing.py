"""Columns shared by those who ask for the same lines; written in one batch, stopped, taken up."""

import time
from typing import Any

import numpy as np
import pytest

from engine.decoding import writing
from engine.decoding.continuation import Line
from engine.decoding.generation import generate
from engine.decoding.sampling import Sampling
from engine.decoding.writing import Column, Task
from engine.errors import TextTooLong
from engine.models.runtime import Bundle, open_bundle
from engine.tokenizers.tokens import detokenize, tokenize

GREEDY, FREE, COLD = Line(Sampling(temperature=0)), Line(), Line(Sampling(temperature=0.5))


@pytest.fixture(scope="module")
def bundle(bundles: Any) -> Bundle:
    return open_bundle(bundles("gpt2"))


@pytest.fixture(autouse=True)
def empty_shelf():
    writing._shelf.clear()


def task(bundle: Bundle, **changes: Any) -> Task:
    ids = tuple(tokenize(bundle, "Once upon a time").ids.tolist())
    return Task(**({"model": "gpt2", "ids": ids, "seed": 3, "limit": 12} | changes))


def wait(columns: tuple[Column, ...]) -> None:
    for column in columns:
        assert column.job is not None and column.job.wait(30)


def test_columns_fill_with_what_generate_writes(bundle: Bundle):
    found = writing.columns(bundle, task(bundle), [GREEDY, FREE])
    wait(found)
    steps = list(generate(bundle, task(bundle).ids, [GREEDY, FREE], seed=3, limit=12))
    assert [c.ids for c in found] == [[s.written[i].id for s in steps] for i in (0, 1)]
    assert writing.finished(found) and writing.problem(found) is None
    assert [c.end for c in found] == ["limit", "limit"]


def test_only_a_changed_setting_is_written_anew(bundle: Bundle):
    first = writing.columns(bundle, task(bundle), [GREEDY, FREE])
    second = writing.columns(bundle, task(bundle), [GREEDY, COLD])
    assert second[0] is first[0]
    assert second[1].job is not first[1].job
    wait(second)


def test_equal_columns_are_one(bundle: Bundle):
    one, two = writing.columns(bundle, task(bundle), [FREE, FREE])
    assert one is two


def test_another_seed_limit_or_stop_text_is_another_column(bundle: Bundle):
    plain = task(bundle)
    others = [task(bundle, seed=4), task(bundle, limit=13), task(bundle, stop="x")]
    (first,) = writing.columns(bundle, plain, [FREE])
    assert all(writing.columns(bundle, other, [FREE])[0] is not first for other in others)


def test_a_frozen_column_grows_no_more(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    slow(monkeypatch)
    (column,) = writing.columns(bundle, task(bundle), [FREE])
    while not column.tokens:
        time.sleep(0.005)
    part = column.frozen()
    count = len(part.tokens)
    wait((column,))
    assert len(part.tokens) == count < len(column.tokens)
    assert not part.writing and writing.finished([part])


def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make steps take long enough to be looked at in between."""

    def lazily(*arguments: Any, **options: Any):
        for step in generate(*arguments, **options):
            yield step
            time.sleep(0.03)

    monkeypatch.setattr(writing, "generate", lazily)


def test_a_stopped_column_goes_on_where_it_was(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    slow(monkeypatch)
    (column,) = writing.columns(bundle, task(bundle), [FREE], viewer="a")
    while not column.tokens:
        time.sleep(0.005)
    writing.stop([column], "a")
    wait((column,))
    part = column.ids
    assert 0 < len(part) < 12 and not column.end and not column.writing
    assert writing.problem([column]) is None
    (again,) = writing.columns(bundle, task(bundle), [FREE], viewer="a")
    wait((again,))
    assert again is column and again.ids[: len(part)] == part and len(again.ids) == 12


def test_a_stop_leaves_the_writing_to_others_who_look_on(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
):
    slow(monkeypatch)
    (column,) = writing.columns(bundle, task(bundle), [FREE], viewer="a")
    writing.columns(bundle, task(bundle), [FREE], viewer="b")
    writing.stop([column], "a")
    wait((column,))
    assert column.end == "limit"


def test_pieces_joined_are_the_text(bundle: Bundle):
    (column,) = writing.columns(bundle, task(bundle, limit=40), [Line(Sampling(temperature=2.0))])
    wait((column,))
    joined = "".join(column.texts)
    assert joined.rstrip("\ufffd") in detokenize(bundle, column.ids)


def test_a_character_of_several_tokens_comes_with_the_last(bundle: Bundle):
    speller = writing.Speller(bundle)
    ids = tokenize(bundle, "a🙂b").ids.tolist()
    spelt = [speller.add(i) for i in ids]
    assert "".join(spelt) == "a🙂b" and "" in spelt


def test_a_stop_text_ends_a_column(bundle: Bundle):
    (whole,) = writing.columns(bundle, task(bundle, limit=30), [FREE])
    wait((whole,))
    wanted = whole.texts[4]
    (cut,) = writing.columns(bundle, task(bundle, limit=30, stop=wanted), [FREE])
    wait((cut,))
    assert cut.end == "stop" and len(cut.tokens) <= 5


def test_the_shelf_forgets_columns_unused_longest(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writing, "TOKENS_KEPT", 30)
    for seed in range(5):
        wait(writing.columns(bundle, task(bundle, seed=seed), [FREE]))
    writing.columns(bundle, task(bundle, seed=4), [FREE])
    assert sum(len(column.tokens) for column in writing._shelf.values()) <= 30


def test_a_prompt_without_room_begins_nothing(bundle: Bundle):
    with pytest.raises(TextTooLong):
        writing.columns(bundle, task(bundle, ids=(5,) * 64), [FREE])
    assert not writing._shelf


def test_statistics_are_those_of_the_tokens(bundle: Bundle):
    column = Column(FREE)
    (real,) = writing.columns(bundle, task(bundle), [FREE])
    wait((real,))
    column.tokens, column.seconds = real.tokens[:3] * 2, [0.1] * 6
    found = writing.statistics(column)
    assert found.length == 6 and found.milliseconds == pytest.approx(100)
    assert found.distinct == pytest.approx(3 / 5)  # ab bc ca ab bc
    assert found.repeated == 0  # abca bcab cabc
    assert found.entropy == pytest.approx(sum(t.entropy for t in real.tokens[:3]) / 3)
    own = np.log([t.probability for t in real.tokens[:3]])
    assert found.perplexity == pytest.approx(np.exp(-own.mean()), rel=1e-5)


def test_texts_part_at_the_first_different_token():
    assert writing.parting([1, 2, 3], [1, 2, 4]) == 2
    assert writing.parting([1, 2], [1, 2, 4]) is None
    assert writing.parting([], [1]) is None


@pytest.mark.parametrize("changes", [{"seed": -1}, {"seed": 2**32}, {"limit": 0}])
def test_a_task_that_makes_no_sense_is_refused(bundle: Bundle, changes: dict[str, int]):
    with pytest.raises(ValueError, match="must be"):
        task(bundle, **changes)
