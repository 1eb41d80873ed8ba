"""Columns shared by those who ask for the same lines; written in one batch, stopped, taken up."""

import time
from typing import Any

import numpy as np
import pytest

from engine.decoding import generated, stopping, writing
from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.decoding.generation import generate
from engine.decoding.sampling import Sampling
from engine.errors import Busy, TextTooLong
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


def job_of(bundle: Bundle, asked: Task, line: Line) -> Any:
    return writing._shelf[writing._key(bundle, asked, line)].job


def written(bundle: Bundle, asked: Task, *lines: Line) -> tuple[Generated, ...]:
    """These lines, when all are written."""
    writing.write(bundle, asked, lines)
    return whole(bundle, asked, *lines)


def whole(bundle: Bundle, asked: Task, *lines: Line) -> tuple[Generated, ...]:
    """Look until nothing is being written any more."""
    for line in lines:
        job = job_of(bundle, asked, line)
        assert job is None or job.wait(30)
    return writing.look(bundle, asked, lines)


def begun(bundle: Bundle, asked: Task, line: Line, viewer: str = "") -> Generated:
    """A line as soon as it has a token."""
    while True:
        (found,) = writing.look(bundle, asked, [line], viewer=viewer)
        if found.tokens:
            return found
        time.sleep(0.005)


def test_columns_fill_with_what_generate_writes(bundle: Bundle):
    found = written(bundle, task(bundle), GREEDY, FREE)
    steps = list(generate(bundle, task(bundle).ids, [GREEDY, FREE], seed=3, limit=12))
    assert [c.ids for c in found] == [[s.written[i].id for s in steps] for i in (0, 1)]
    assert not any(c.writing or c.problem for c in found)
    assert [c.end for c in found] == ["limit", "limit"]


def test_only_a_changed_setting_is_written_anew(bundle: Bundle):
    asked = task(bundle)
    writing.write(bundle, asked, [GREEDY, FREE])
    first = job_of(bundle, asked, GREEDY)
    writing.write(bundle, asked, [GREEDY, COLD])
    assert job_of(bundle, asked, GREEDY) is first is job_of(bundle, asked, FREE)
    assert job_of(bundle, asked, COLD) is not first
    whole(bundle, asked, GREEDY, COLD)


def test_equal_columns_are_one(bundle: Bundle):
    one, two = written(bundle, task(bundle), FREE, FREE)
    assert one.tokens == two.tokens and len(writing._shelf) == 1


def test_another_seed_limit_or_stop_text_is_another_column(bundle: Bundle):
    plain = task(bundle)
    others = [task(bundle, seed=4), task(bundle, limit=13), task(bundle, stops=("x",))]
    for asked in (plain, *others):
        written(bundle, asked, FREE)
    assert len(writing._shelf) == 4


def test_what_was_seen_grows_no_more(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    slow(monkeypatch)
    writing.write(bundle, task(bundle), [FREE])
    part = begun(bundle, task(bundle), FREE)
    count = len(part.tokens)
    assert part.writing
    (later,) = whole(bundle, task(bundle), FREE)
    assert len(part.tokens) == count < len(later.tokens)


def test_looking_begins_nothing(bundle: Bundle):
    (nothing,) = writing.look(bundle, task(bundle), [FREE])
    assert (nothing.line, nothing.tokens, nothing.writing) == (FREE, (), False)
    assert not writing._shelf


def test_a_higher_limit_goes_on_where_the_text_ended(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
):
    (short,) = written(bundle, task(bundle, limit=6), FREE)
    slow(monkeypatch)
    (at_once,) = writing.write(bundle, task(bundle, limit=12), [FREE])
    assert at_once.ids[:5] == short.ids[:5] and at_once.writing
    (long,) = whole(bundle, task(bundle, limit=12), FREE)
    writing._shelf.clear()
    (fresh,) = written(bundle, task(bundle, limit=12), FREE)
    assert long.ids == fresh.ids and long.texts == fresh.texts
    assert [t.end for t in long.tokens] == [""] * 11 + ["limit"]


def test_a_lower_limit_cuts_without_a_run(bundle: Bundle):
    (long,) = written(bundle, task(bundle, limit=12), FREE)
    (short,) = writing.write(bundle, task(bundle, limit=5), [FREE])
    assert short.ids == long.ids[:5] and short.end == "limit" and not short.writing
    assert job_of(bundle, task(bundle, limit=5), FREE) is None


def test_a_text_that_filled_the_window_says_so_under_a_higher_limit(bundle: Bundle):
    room = 64 - len(task(bundle).ids)
    (filled,) = written(bundle, task(bundle, limit=room), GREEDY)
    assert filled.end == "limit"
    (more,) = written(bundle, task(bundle, limit=room + 5), GREEDY)
    assert more.end == "window" and more.ids == filled.ids


def test_a_beam_search_is_made_anew_for_another_limit(bundle: Bundle):
    beam = Line(beams=3)
    written(bundle, task(bundle, limit=6), beam)
    (anew,) = written(bundle, task(bundle, limit=12), beam)
    writing._shelf.clear()
    (fresh,) = written(bundle, task(bundle, limit=12), beam)
    assert anew.ids == fresh.ids


def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make steps take long enough to be looked at in between."""

    def lazily(*arguments: Any, **options: Any):
        for step in generate(*arguments, **options):
            yield step
            time.sleep(0.03)

    monkeypatch.setattr(writing, "generate", lazily)


def test_a_stopped_column_goes_on_where_it_was(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    slow(monkeypatch)
    asked = task(bundle)
    writing.write(bundle, asked, [FREE], viewer="a")
    begun(bundle, asked, FREE, viewer="a")
    writing.stop(bundle, asked, [FREE], viewer="a")
    (part,) = whole(bundle, asked, FREE)
    assert 0 < len(part.ids) < 12 and not (part.end or part.writing or part.problem)
    (again,) = writing.write(bundle, asked, [FREE], viewer="a")
    assert again.ids[: len(part.ids)] == part.ids
    (again,) = whole(bundle, asked, FREE)
    assert again.ids[: len(part.ids)] == part.ids and len(again.ids) == 12


def test_a_stop_leaves_the_writing_to_others_who_look_on(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
):
    slow(monkeypatch)
    asked = task(bundle)
    writing.write(bundle, asked, [FREE], viewer="a")
    writing.write(bundle, asked, [FREE], viewer="b")
    writing.stop(bundle, asked, [FREE], viewer="a")
    assert whole(bundle, asked, FREE)[0].end == "limit"


def test_who_turns_to_other_lines_leaves_those_before(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
):
    slow(monkeypatch)
    asked = task(bundle)
    writing.write(bundle, asked, [FREE, GREEDY], viewer="a")
    both = job_of(bundle, asked, FREE)
    begun(bundle, asked, FREE, viewer="a")
    writing.write(bundle, asked, [FREE, COLD], viewer="a")
    assert not both.cancelled  # it writes a line that is looked at still
    writing.write(bundle, asked, [COLD], viewer="a")
    assert both.cancelled and not job_of(bundle, asked, COLD).cancelled
    whole(bundle, asked, FREE, GREEDY, COLD)


def test_what_went_wrong_is_told_with_the_text(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    def broken(*arguments: Any, **options: Any):
        yield from list(generate(*arguments, **options))[:2]
        raise Busy("too much at once")

    monkeypatch.setattr(writing, "generate", broken)
    (found,) = written(bundle, task(bundle), FREE)
    assert len(found.tokens) == 2 and not found.writing and isinstance(found.problem, Busy)


def test_a_job_that_ends_while_one_looks_leaves_no_text_half_written(bundle: Bundle):
    """Between a look at the tokens and one at the job the last tokens may come."""
    (text,) = written(bundle, task(bundle), FREE)
    column = writing._Column(text.line)

    class Ending:
        """A job that writes what is left and is done, whenever somebody asks."""

        error = None

        @property
        def done(self) -> bool:
            column.tokens, column.texts = list(text.tokens), list(text.texts)
            column.seconds = list(text.seconds)
            return True

    column.tokens, column.texts = list(text.tokens[:3]), list(text.texts[:3])
    column.seconds, column.job = list(text.seconds[:3]), Ending()  # type: ignore[assignment]
    seen = column.now()
    assert not seen.writing and seen.end == text.end != "" and seen.ids == text.ids


def test_pieces_joined_are_the_text(bundle: Bundle):
    (found,) = written(bundle, task(bundle, limit=40), Line(Sampling(temperature=2.0)))
    joined = "".join(found.texts)
    assert joined.rstrip("\ufffd") in detokenize(bundle, found.ids)


def test_a_character_of_several_tokens_comes_with_the_last(bundle: Bundle):
    speller = stopping.Speller(bundle.reader("decoder"))
    ids = tokenize(bundle, "a🙂b").ids.tolist()
    spelt = [speller.add(i) for i in ids]
    assert "".join(spelt) == "a🙂b" and "" in spelt


def test_a_stop_text_ends_a_column(bundle: Bundle):
    (free,) = written(bundle, task(bundle, limit=30), FREE)
    wanted = free.texts[4]
    (cut,) = written(bundle, task(bundle, limit=30, stops=("never ever", wanted)), FREE)
    assert cut.end == "stop" and len(cut.tokens) <= 5


def test_the_shelf_forgets_columns_unused_longest(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writing, "TOKENS_KEPT", 30)
    for seed in range(5):
        written(bundle, task(bundle, seed=seed), FREE)
    writing.write(bundle, task(bundle, seed=4), [FREE])
    assert sum(len(column.tokens) for column in writing._shelf.values()) <= 30


def test_a_prompt_without_room_begins_nothing(bundle: Bundle):
    with pytest.raises(TextTooLong):
        writing.write(bundle, task(bundle, ids=(5,) * 64), [FREE])
    assert not writing._shelf


def test_statistics_are_those_of_the_tokens(bundle: Bundle):
    (real,) = written(bundle, task(bundle), FREE)
    text = Generated(FREE, real.tokens[:3] * 2, real.texts[:3] * 2, (0.1,) * 6)
    found = generated.statistics(text)
    assert found.length == 6 and found.milliseconds == pytest.approx(100)
    assert found.distinct == pytest.approx(3 / 5)  # ab bc ca ab bc
    assert found.repeated == 0  # abca bcab cabc
    assert found.entropy == pytest.approx(sum(t.entropy for t in real.tokens[:3]) / 3)
    own = np.log([t.probability for t in real.tokens[:3]])
    assert found.perplexity == pytest.approx(np.exp(-own.mean()), rel=1e-5)


def test_texts_differ_from_the_first_different_token_on():
    assert generated.first_difference([1, 2, 3], [1, 2, 4]) == 2
    assert generated.first_difference([1, 2], [1, 2, 4]) is None
    assert generated.first_difference([], [1]) is None


@pytest.mark.parametrize("changes", [{"seed": -1}, {"seed": 2**32}, {"limit": 0}, {"stops": ("",)}])
def test_a_task_that_makes_no_sense_is_refused(bundle: Bundle, changes: dict[str, Any]):
    with pytest.raises(ValueError, match="must"):
        task(bundle, **changes)
