"""Prompts with examples: the text sent, how probable the answers are, how often they are right."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import Engine, Local
from engine.decoding.continuation import Line
from engine.decoding.generation import following, generate
from engine.decoding.sampling import Sampling
from engine.errors import EmptyText, NotOffered, TextTooLong
from engine.local import prompts
from engine.local.models import bundle as shipped
from engine.models.runtime import Bundle, open_bundle
from engine.prompting import accuracy, answers, prompt, sources, tasks
from engine.prompting.accuracy import Trial, balanced, wilson
from engine.prompting.prompt import Example, Prompt, read_examples, shuffled, write_examples
from engine.settings import settings
from engine.tokenizers.tokens import tokenize

SOUP = Example("Good soup.", "positive")
TEA = Example("Bad tea.", "negative")
PROMPT = Prompt("Say how it is.", "Review", "Sentiment", (SOUP, TEA), "Fine bread.")
MODEL = "tales-gpt"


@pytest.fixture(scope="module")
def bundle(bundles: Any) -> Bundle:
    return open_bundle(bundles("gpt2"))


# The text


def test_a_prompt_is_written_as_one_reads_it() -> None:
    assert PROMPT.text(1) == (
        "Say how it is.\n\n"
        "Review: Good soup.\nSentiment: positive\n\n"
        "Review: Fine bread.\nSentiment:"
    )
    bare = replace(PROMPT, instruction=" ", ask="", examples=())
    assert bare.text(5) == "Fine bread.\nSentiment:"


def test_the_places_of_examples_and_answers_are_those_in_the_text() -> None:
    text = PROMPT.text(2)
    assert [text[a:b] for a, b in PROMPT.answered_at(2)] == ["positive", "negative"]
    assert [text[a:b].split("\n")[0] for a, b in PROMPT.example_at(2)] == [
        "Review: Good soup.",
        "Review: Bad tea.",
    ]


def test_an_example_without_an_answer_is_not_sent() -> None:
    half = replace(PROMPT, examples=(SOUP, Example("Odd.", " "), TEA))
    assert half.whole == (SOUP, TEA) and "Odd" not in half.text(3)


words = st.text(st.characters(codec="utf-8"), max_size=30).map(str.strip)


@given(st.lists(st.tuples(words, words), max_size=6))
def test_examples_read_back_as_they_were_written(pairs: list[tuple[str, str]]) -> None:
    written = write_examples([Example(*pair) for pair in pairs])
    read = read_examples(written)
    assert write_examples(read) == written and len(read) == len(pairs)
    for one, (asked, answer) in zip(read, pairs, strict=True):
        if not set(asked + answer) & set("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):
            assert (one.asked, one.answer) == (asked, answer)


def test_arrows_and_line_breaks_inside_are_kept() -> None:
    (one,) = read_examples(r"a =\> b\nc => d => e")
    assert one == Example("a => b\nc", "d => e")
    assert len(read_examples("a => b\n" * 500)) == prompt.MOST


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(0, 300))
def test_as_many_examples_fit_as_counting_one_by_one_says(sizes: list[int], room: int) -> None:
    total = [5 + sum(sizes[:n]) for n in range(len(sizes) + 1)]
    slow = max((n for n, size in enumerate(total) if size <= room), default=-1)
    assert prompt.fitting(len(sizes), room, total.__getitem__) == slow


def test_examples_are_shuffled_by_the_seed_alone() -> None:
    many = replace(PROMPT, examples=tuple(Example(f"q{n}", f"a{n}") for n in range(8)))
    once = shuffled(many, "order", 3)
    assert once == shuffled(many, "order", 3) != shuffled(many, "order", 4)
    assert set(once.examples) == set(many.examples) and once.examples != many.examples
    dealt = shuffled(many, "labels", 3)
    assert [one.asked for one in dealt.examples] == [one.asked for one in many.examples]
    assert sorted(one.answer for one in dealt.examples) == [f"a{n}" for n in range(8)]
    assert dealt.examples != many.examples and shuffled(many, "none", 3) == many


# Ready tasks


def test_the_ready_tasks_are_what_the_page_promises() -> None:
    found = {task.id: task for task in tasks.ready_tasks()}
    assert {"sentiment", "ganymede", "names", "dialogue", "french", "essay", "python", "tale"} == (
        set(found)
    )
    assert "Ganymede" in found["ganymede"].question
    assert MODEL in found["tale"].taught
    assert len(found["sentiment"].items) == tasks.ITEMS == 60
    graded = {name for name, task in found.items() if task.items}
    assert graded == {"sentiment", "ganymede", "tale"}
    for task in found.values():
        assert all(one.whole for one in (*task.examples, *task.items))
        assert len(write_examples(task.examples)) < prompt.LONGEST


GOOD = """[[task]]
id = "a"
name = "A"
why = "w"
instruction = ""
ask = ""
reply = "R"
stop = "line"
length = 4
taught = []
question = "q"
right = "x"
answers = ["x", "y"]
examples = [["e", "x"]]
items = [["i", "x"], ["j", "y"]]
"""


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('id = "a"', 'id = "a b"', "letters and digits"),
        ('why = "w"', "", "why is missing"),
        ('why = "w"', "why = 3", "why must be a text"),
        ('why = "w"', 'why = "w"\nmore = 1', "'more' is unknown"),
        ('name = "A"', f'name = "{"A" * 41}"', "at most 40 characters"),
        ('question = "q"', 'question = ""', "question is empty"),
        ("length = 4", "length = 65", "length must be 1 to 64"),
        ("length = 4", "length = true", "length must be 1 to 64"),
        ('stop = "line"', 'stop = "never"', "stop must be"),
        ('right = "x"', 'right = "z"', "right is none of the answers"),
        ('["x", "y"]\n', '["x", "x"]\n', "twice"),
        ('["x", "y"]\n', '["x"]\n', "a list of 2 to"),
        ('[["e", "x"]]', "[]", "a list of 1 to"),
        ('[["e", "x"]]', '[["e"]]', "pairs of two texts"),
        ('[["e", "x"]]', '[["i", "x"]]', "is asked twice"),
        ('[["e", "x"]]', '[["e", "z"]]', "an example has none"),
        (', ["j", "y"]]', "]", "equally often"),
        ("[[task]]", "[[tasks]]", "nothing else"),
        ("length = 4", "length = = 4", "no TOML"),
    ],
)
def test_a_file_of_tasks_with_a_fault_is_refused(old: str, new: str, why: str) -> None:
    assert len(tasks.read_tasks(GOOD)) == 1
    assert old in GOOD
    with pytest.raises(tasks.BadTasks, match=why):
        tasks.read_tasks(GOOD.replace(old, new, 1))
    with pytest.raises(tasks.BadTasks, match="two tasks"):
        tasks.read_tasks(GOOD * 2)


# Prompts of different length in one batch


def test_columns_with_their_own_prompts_are_written_as_if_alone(bundle: Bundle) -> None:
    texts = ["The cat", "Once upon a time there was a king who", "a"]
    prompts = [tuple(tokenize(bundle, text).ids.tolist()) for text in texts]
    for setting in (Sampling(temperature=0), Sampling(temperature=0.8)):
        lines = [Line(setting, prompt=ids) for ids in prompts] + [Line(setting)]
        steps = list(generate(bundle, prompts[0], lines, seed=4, limit=12))
        together = [[t.id for s in steps for t in s.written if t.line == i] for i in range(4)]
        for ids, found in zip((*prompts, prompts[0]), together, strict=True):
            alone = list(generate(bundle, ids, [Line(setting)], seed=4, limit=12))
            assert found == [t.id for s in alone for t in s.written]


def test_the_longest_prompt_says_how_much_room_there_is(bundle: Bundle) -> None:
    limit = bundle.card.limit
    assert limit is not None
    long = Line(Sampling(temperature=0), prompt=(5,) * (limit - 3))
    steps = list(generate(bundle, [5], [Line(Sampling(temperature=0)), long], seed=0, limit=9))
    last = steps[-1].written
    assert len(steps) <= 3 and {t.end for t in last} <= {"window", "end"}
    with pytest.raises(TextTooLong):
        list(generate(bundle, [5], [replace(long, prompt=(5,) * limit)], seed=0, limit=1))
    with pytest.raises(ValueError, match="beam search"):
        Line(beams=2, prompt=(1, 2))


# Answers


def slow(bundle: Bundle, ids: list[int], answer: tuple[int, ...]) -> float:
    """Token by token, each from a run of its own over the whole text."""
    total = 0.0
    for place, token in enumerate(answer):
        logits = following(bundle, [*ids, *answer[:place]]).astype(np.float64)
        total += logits[token] - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
    return total


def test_probabilities_of_answers_equal_a_slow_reference(bundle: Bundle) -> None:
    texts = ["The cat", "Once upon a time there was", "a"]
    ids = [tokenize(bundle, text).ids.tolist() for text in texts]
    given = [(7,), (7, 9, 11), (7, 9), (3, 1), (7, 9, 12, 5, 6)]
    found = answers.scores(bundle, ids, given)
    assert found.log.shape == (3, 5) and found.tokens == (1, 3, 2, 2, 5)
    for row, text in enumerate(ids):
        for column, answer in enumerate(given):
            assert found.log[row, column] == pytest.approx(slow(bundle, text, answer), abs=1e-4)
    assert found.normalized.sum(axis=1) == pytest.approx(np.ones(3))
    assert (found.raw <= found.normalized + 1e-12).all()


def test_probabilities_of_the_ready_tasks_equal_the_slow_reference_on_the_shipped_model(
    engine: Engine,
) -> None:
    task = tasks.ready_tasks()[0]
    found = engine.answer_scores(MODEL, [task.prompt] * 3, [0, 1, 3], task.answers)
    opened = shipped(MODEL)
    for row, count in enumerate((0, 1, 3)):
        text = task.prompt.text(count)
        ids = tokenize(opened, text).ids.tolist()
        for column, answer in enumerate(task.answers):
            whole = tokenize(opened, f"{text} {answer}").ids.tolist()
            assert whole[: len(ids)] == ids
            expected = slow(opened, ids, tuple(whole[len(ids) :]))
            assert found.log[row, column] == pytest.approx(expected, abs=1e-4)
    # What this page is about: examples tell the small model which words are wanted.
    right = task.answers.index(task.right)
    assert found.raw[0, right] < 0.5 < found.raw[2, right]


def test_all_words_of_a_vocabulary_have_probability_one_together(bundle: Bundle) -> None:
    ids = [tokenize(bundle, "The cat").ids.tolist()]
    every = [(token,) for token in range(bundle.card.vocabulary)]
    assert answers.scores(bundle, ids, every).raw.sum() == pytest.approx(1, abs=1e-6)


def test_answers_that_cannot_be_compared_are_refused(engine: Engine) -> None:
    with pytest.raises(NotOffered, match="0 answers"):
        engine.answer_scores(MODEL, [PROMPT], [0], [])
    with pytest.raises(NotOffered, match="25 answers"):
        engine.answer_scores(MODEL, [PROMPT], [0], [f"a{n}" for n in range(25)])
    with pytest.raises(EmptyText, match="empty"):
        engine.answer_scores(MODEL, [PROMPT], [0], ["a", " "])
    with pytest.raises(TextTooLong, match="Shorten"):
        engine.answer_scores(MODEL, [PROMPT], [0], ["word " * 40, "b"])
    long = replace(PROMPT, question="word " * 700)
    with pytest.raises(TextTooLong, match="512"):
        engine.answer_scores(MODEL, [long], [0], ["a"])
    assert engine.examples_that_fit(MODEL, long, 8) == -1


def test_two_hundred_examples_fit_as_far_as_the_window_goes(engine: Engine) -> None:
    many = replace(PROMPT, examples=tuple(Example(f"Dish {n}.", "positive") for n in range(200)))
    fit = engine.examples_that_fit(MODEL, many, 8)
    count = [len(engine.tokenized(MODEL, many.text(n))) for n in (fit, fit + 1)]
    assert 0 < fit < 200 and count[0] <= 512 - 8 < count[1]


def test_the_hosts_limit_holds_where_it_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Local()
    assert engine.window(MODEL) == 512
    monkeypatch.setenv("ATLAS_MAX_TOKENS", "64")
    settings.cache_clear()
    try:
        assert engine.window(MODEL) == 64
        fit = engine.examples_that_fit(MODEL, tasks.ready_tasks()[0].prompt, 8)
        text = tasks.ready_tasks()[0].prompt.text(fit)
        assert fit < 6 and len(engine.tokenized(MODEL, text)) <= 56
        with pytest.raises(TextTooLong, match="64 positions"):
            engine.answer_scores(MODEL, [tasks.ready_tasks()[0].prompt], [6], ["a"])
    finally:
        settings.cache_clear()


def test_many_prompts_are_scored_in_batches_as_if_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, task = Local(), tasks.ready_tasks()[0]
    every = [replace(task.prompt, question=item.asked) for item in task.items[:10]]
    monkeypatch.setattr(prompts, "BATCH", 200)
    found = engine.answer_scores(MODEL, every, [1] * 10, ("positive", "negative", "odd one"))
    opened = shipped(MODEL)
    ids = [tokenize(opened, one.text(1)).ids.tolist() for one in every]
    cut = answers.answer_ids(opened, every[0].text(1), ("positive", "negative", "odd one"))
    assert found.log == pytest.approx(answers.scores(opened, ids, cut).log, abs=1e-4)


# Accuracy


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    # From the formula by hand: Wilson's interval of 8 of 10 and of 15 of 60; 0 and all of 20.
    [(8, 10, 0.4902, 0.9433), (15, 60, 0.1579, 0.3723), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1)],
)
def test_the_interval_is_wilsons(correct: int, total: int, low: float, high: float) -> None:
    assert wilson(correct, total) == pytest.approx((low, high), abs=2e-4)


def test_the_interval_covers_a_fair_coin_nineteen_times_in_twenty() -> None:
    """Exact: the binomial weight of all counts whose interval holds 0.5, for 60 throws."""
    inside = [k for k in range(61) if wilson(k, 60)[0] <= 0.5 <= wilson(k, 60)[1]]
    assert 0.93 < sum(math.comb(60, k) for k in inside) / 2**60 < 0.97
    assert wilson(0, 0) == (0.0, 1.0)


def test_items_are_drawn_by_the_seed_each_answer_equally_often() -> None:
    every = tasks.ready_tasks()[0].items
    some = balanced(every, 20, 5)
    assert some == balanced(every, 20, 5) != balanced(every, 20, 6)
    assert [one.answer for one in some].count("positive") == 10
    assert set(balanced(every, 60, 5)) == set(every)


def test_grading_is_reproducible_and_equals_scoring_one_item_after_the_other(
    engine: Engine,
) -> None:
    task = tasks.ready_tasks()[0]
    items = balanced(task.items, 12, 1)
    trial = Trial(MODEL, task.prompt, task.answers, items, (0, 2))
    job = engine.grade(trial, viewer="one")
    assert job.wait(60) and job.error is None
    found = job.result
    assert engine.grading(trial) is job
    assert found.done.tolist() == [12, 12]
    for row, count in enumerate(trial.counts):
        for column, item in enumerate(items):
            asked = replace(task.prompt, question=item.asked)
            alone = engine.answer_scores(MODEL, [asked], [count], task.answers)
            assert found.picked[row, column] == alone.best[0]
            own = task.answers.index(item.answer)
            assert found.share[row, column] == pytest.approx(alone.normalized[0, own], abs=1e-5)
    again = list(
        accuracy.grade(
            trial,
            lambda asked, n: engine.answer_scores(MODEL, asked, [n] * len(asked), trial.answers),
        )
    )
    assert again[0].done.sum() == 0 and (again[-1].picked == found.picked).all()
    assert again[-1].correct.tolist() == found.correct.tolist()


def test_a_trial_that_cannot_be_graded_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to 60 items"):
        Trial(MODEL, PROMPT, ("a",), (), (0,))
    with pytest.raises(ValueError, match="none of the answers"):
        Trial(MODEL, PROMPT, ("a",), (SOUP,), (0,))
    with pytest.raises(ValueError, match="1 to 60 items"):
        Trial(MODEL, PROMPT, ("positive",), (SOUP,) * 61, (0,))


# Attention to the examples


def test_what_the_answer_attends_to_is_the_last_row_of_every_head(engine: Engine) -> None:
    task = tasks.ready_tasks()[0]
    found = engine.sources(MODEL, task.prompt, 3)
    layers, heads, count = found.weights.shape
    assert (layers, heads, count) == (6, 8, len(found.tokens))
    assert found.weights.sum(axis=2) == pytest.approx(np.ones((6, 8)), abs=1e-5)
    text = found.tokens.text
    for places, (start, end) in zip(found.answers, task.prompt.answered_at(3), strict=True):
        spans = found.tokens.spans[list(places)]
        assert text[spans[0][0] : spans[-1][1]].strip() == text[start:end]
    logits = engine.following(MODEL, tuple(found.tokens.ids.tolist()))
    assert found.next_id == int(logits.argmax())
    layer, head = found.copying
    chosen = [k for places, same in zip(found.answers, found.same, strict=True) if same
              for k in places]  # fmt: skip
    assert found.to_same[layer, head] == pytest.approx(found.weights[layer, head, chosen].sum())
    assert found.to_same.max() == found.to_same[layer, head]
    # The head that copies: far above what even attention would give.
    assert found.to_same[layer, head] > 3 * found.uniform


def test_tokens_of_a_stretch_are_those_that_cover_it() -> None:
    tokens = Local().bare(MODEL, "one two three")
    assert [tokens.pieces[k] for k in sources.tokens_at(tokens, (4, 7))] == ["Ġtwo"]
    assert sources.tokens_at(tokens, (3, 3)) == ()
