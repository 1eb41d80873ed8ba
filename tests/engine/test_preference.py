"""Preferences: choices, a learnt reward and its doubt, best of n and its divergence, the judge."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import policy
from engine.api import Engine, Local, Reading
from engine.decoding.batch import Decoder
from engine.decoding.continuation import Line, Task
from engine.decoding.generation import generate
from engine.decoding.sampling import parse
from engine.errors import BrokenBundle, EmptyText, NotAllowed, NotOffered, TextTooLong
from engine.local.models import bundle as shipped
from engine.preference import best_of_n, choices, judges, measures, samples
from engine.preference.hidden import representations
from engine.preference.reward import PRIOR, fit
from engine.settings import settings
from engine.trace import tracing
from engine.training import lessons
from engine.training.judges import manners

MODEL = "tales-gpt"
THINGS = set(lessons.data()["words"]["things"])
PROMPT = 'The miller looked at the old woman and said: "'


# Choices


def test_a_link_holds_a_letter_for_each_pair_and_nonsense_is_refused() -> None:
    assert choices.read_choices("abx") == "abx"
    with pytest.raises(ValueError, match="“c” is no choice"):
        choices.read_choices("abc")
    with pytest.raises(ValueError, match="33 choices are given; at most 32"):
        choices.read_choices("a" * 33)


def test_who_won_is_told_pair_by_pair_and_undecided_ones_are_left_out() -> None:
    every = choices.pairs(["one", "two", "three", "four", "five", "six", "seven"])
    assert every == ((0, 1), (2, 3), (4, 5))
    assert choices.decided(every, "axb") == (((0, 1), (5, 4)), "ab")
    assert choices.decided(every, "") == ((), "")


# The reward


def made(seed: int, count: int = 12, width: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def test_the_reward_is_where_the_penalised_likelihood_is_flat() -> None:
    """The gradient of -log posterior, written out by hand, is zero at the weights."""
    vectors, won = made(1), [(0, 1), (3, 2), (4, 5), (7, 6)]
    reward = fit(vectors, won)
    gradient = PRIOR * reward.weights
    for difference in reward.differences:
        gradient = gradient - difference / (1 + math.exp(difference @ reward.weights))
    assert np.abs(gradient).max() < 1e-5
    assert np.abs(reward.weights).max() > 0.1
    values = reward.values(vectors)
    assert all(values[a] > values[b] for a, b in won)


def test_the_doubt_is_laplaces_and_mackays() -> None:
    vectors, won = made(2), [(0, 1), (3, 2), (4, 5)]
    reward = fit(vectors, won)
    hessian = PRIOR * np.eye(5)
    for difference in reward.differences:
        chance = 1 / (1 + math.exp(-difference @ reward.weights))
        hessian += chance * (1 - chance) * np.outer(difference, difference)
    asked = (vectors[8] - vectors[9]).astype(np.float64)
    mean = asked @ reward.weights / reward.scale
    spread = math.sqrt(asked @ np.linalg.inv(hessian) @ asked) / reward.scale
    doubt = reward.doubt(vectors[8] - vectors[9])
    expected = 1 / (1 + math.exp(-mean / math.sqrt(1 + math.pi * spread**2 / 8)))
    assert doubt.probability == pytest.approx(expected, abs=1e-6)
    assert doubt.low == pytest.approx(1 / (1 + math.exp(spread - mean)), abs=1e-6)
    assert doubt.high == pytest.approx(1 / (1 + math.exp(-spread - mean)), abs=1e-6)


def test_without_choices_nothing_is_preferred_and_choices_make_it_surer() -> None:
    vectors = made(3, 40)
    told = [fit(vectors, [(2 * k, 2 * k + 1) for k in range(n)]) for n in (0, 5, 20)]
    doubts = [one.doubt(vectors[0] - vectors[1]) for one in told]
    assert doubts[0].probability == 0.5 and not told[0].values(vectors).any()
    assert doubts[0].high - doubts[0].low > doubts[2].high - doubts[2].low


def test_a_taste_that_is_linear_is_learnt_from_sixteen_choices() -> None:
    """Whoever always prefers the larger first number: of 100 new pairs 70 come out right."""
    vectors = made(4, 232)
    won = [(a, a + 1) if vectors[a, 0] > vectors[a + 1, 0] else (a + 1, a) for a in range(0, 32, 2)]
    values = fit(vectors, won).values(vectors)
    new = [(a, a + 1) for a in range(32, 232, 2)]
    right = sum((values[a] > values[b]) == (vectors[a, 0] > vectors[b, 0]) for a, b in new)
    assert right >= 70


# Best of n


@given(st.lists(st.integers(0, 4), min_size=1, max_size=7), st.data())
def test_the_chance_of_each_is_that_of_all_drawings_one_by_one(
    rewards: list[int], data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, len(rewards)))
    found = best_of_n.chances(np.array(rewards, dtype=float), n)
    counted = np.zeros(len(rewards))
    every = list(combinations(range(len(rewards)), n))
    for drawn in every:
        top = max(rewards[place] for place in drawn)
        first = [place for place in drawn if rewards[place] == top]
        for place in first:
            counted[place] += 1 / len(first) / len(every)
    # Those of equal reward share what they have together, drawn or not.
    for level in set(rewards):
        places = [place for place, one in enumerate(rewards) if one == level]
        assert found[places] == pytest.approx(np.full(len(places), counted[places].mean()))
    assert found.sum() == pytest.approx(1)


def test_one_of_one_is_the_model_itself_and_n_is_bounded_by_what_was_drawn() -> None:
    rewards = np.array([3.0, 1.0, 2.0])
    assert best_of_n.chances(rewards, 1) == pytest.approx([1 / 3] * 3)
    assert best_of_n.chances(rewards, 3).tolist() == [1, 0, 0]
    assert best_of_n.best(rewards, 2) == 0 and best_of_n.kl_bound(1) == 0
    with pytest.raises(ValueError, match=r"n must be in \[1, 3\], got 4"):
        best_of_n.chances(rewards, 4)


def test_the_exact_divergence_is_that_of_all_drawings_of_a_loaded_die() -> None:
    p = np.array([0.5, 0.2, 0.2, 0.1])
    rewards, n = np.array([0.0, 1.0, 1.0, 2.0]), 3
    q = np.zeros(4)
    for drawn in product(range(4), repeat=n):
        place = max(drawn, key=lambda one: rewards[one])  # of equals the first drawn
        q[place] += math.prod(p[list(drawn)])
    expected = float((q * np.log(q / p)).sum())
    assert best_of_n.kl_exact(p, rewards, n) == pytest.approx(expected)
    assert expected < best_of_n.kl_bound(n)


def test_where_no_two_are_alike_the_measured_divergence_is_the_bound() -> None:
    """log n - (n - 1) / n, the integral of n F^(n - 1) log(n F^(n - 1)) from 0 to 1."""
    rng = np.random.default_rng(5)
    for n in (1, 2, 16, 64):
        found = best_of_n.kl_measured(np.full(64, -60.0), rng.normal(size=64), n, range(64))
        assert found == pytest.approx(best_of_n.kl_bound(n), abs=1e-9)


def every_text(ids: list[int], kept: int) -> dict[tuple[int, ...], float]:
    """All texts of two tokens under top-k `kept` with their probabilities, by enumeration."""

    def shares(logits: np.ndarray) -> dict[int, float]:
        best = np.argsort(-logits)[:kept]
        powers = np.exp(logits[best] - logits[best].max())
        return dict(zip(best.tolist(), (powers / powers.sum()).tolist(), strict=True))

    found: dict[tuple[int, ...], float] = {}
    with Decoder(shipped(MODEL)) as decoder:
        first = shares(decoder.prefill(np.array([ids]))[0])
        logits = decoder.step(list(first), rows=[0] * len(first))
        for row, (token, share) in enumerate(first.items()):
            for other, rest in shares(logits[row]).items():
                found[token, other] = share * rest
    return found


@pytest.mark.parametrize("n", [2, 4, 8, 16])
def test_measured_divergence_agrees_with_the_exact_one_on_a_toy_vocabulary(n: int) -> None:
    """Nine texts, all that three tokens a place leave, against samples that the engine wrote.

    Each estimate is of 64 completions, as on the page; ten of them are averaged.
    """
    ids = Local().tokens(Reading(MODEL, PROMPT)).ids.tolist()
    whole = every_text(ids, 3)
    assert len(whole) == 9 and sum(whole.values()) == pytest.approx(1, abs=1e-5)

    def reward(text: tuple[int, ...]) -> float:
        return math.sin(3.7 * text[0] + 1.3 * text[1])

    texts = list(whole)
    exact = best_of_n.kl_exact(
        np.array([whole[one] for one in texts]), np.array([reward(one) for one in texts]), n
    )
    lines = samples.lines(parse("top-k 3"), 64)
    found = []
    for seed in range(10):
        drawn: dict[int, list[Any]] = {k: [] for k in range(64)}
        for step in generate(shipped(MODEL), ids, lines, seed=seed, limit=2):
            for token in step.written:
                drawn[token.line].append(token)
        tuples = [tuple(token.id for token in one) for one in drawn.values()]
        logs = np.array([sum(math.log(t.after) for t in one) for one in drawn.values()])
        for text, log in zip(tuples, logs, strict=True):
            assert log == pytest.approx(math.log(whole[text]), abs=1e-4)
        rewards = np.array([reward(one) for one in tuples])
        found.append(best_of_n.kl_measured(logs, rewards, n, tuples))
    assert np.mean(found) == pytest.approx(exact, abs=0.03)
    assert exact < best_of_n.kl_bound(n) - 0.005


def test_all_rewards_equal_move_nothing_away_from_the_model() -> None:
    logs = np.log(np.full(8, 0.05))
    assert best_of_n.kl_measured(logs, np.zeros(8), 8, range(8)) == 0
    assert best_of_n.chances(np.zeros(8), 4) == pytest.approx(np.full(8, 1 / 8))


# Vectors


def test_a_vector_is_the_mean_of_the_completions_normalized_states(engine: Engine) -> None:
    before = engine.tokens(Reading(MODEL, PROMPT)).ids.tolist()
    cut = [engine.tokenized(MODEL, text).ids.tolist() for text in (" Good day.", " Out, you fool!")]
    found = representations(shipped(MODEL), before, cut)
    for row, completion in zip(found, cut, strict=True):
        reading = Reading(MODEL, "-", target=(*before, *completion))
        states = tracing.hidden(shipped(MODEL), reading).states[-1][len(before) :]
        normed = (states - states.mean(1, keepdims=True)) / states.std(1, keepdims=True)
        assert row == pytest.approx(normed.mean(axis=0), abs=2e-4)


def test_what_cannot_be_read_is_refused_with_a_sentence(engine: Engine) -> None:
    with pytest.raises(NotOffered, match="does not continue a text"):
        engine.representations("tales-bert", (1, 2), ((3,),))
    with pytest.raises(EmptyText, match="no token"):
        engine.representations(MODEL, (1, 2), ((),))
    with pytest.raises(TextTooLong, match="reads at most 512"):
        engine.representations(MODEL, (5,) * 511, ((6, 7),))
    with pytest.raises(NotOffered, match="33 choices are given; at most 32"):
        engine.learned_reward(MODEL, (1, 2), ((3,), (4,)), [(0, 1)] * 33)


@pytest.mark.parametrize("count", [0, -1, samples.MOST + 1, 10**6])
def test_no_more_completions_are_drawn_than_a_batch_holds(count: int) -> None:
    with pytest.raises(ValueError, match="completions must be 1 to 64"):
        samples.lines(samples.SETTING, count)
    assert len(samples.lines(samples.SETTING, 64)) == 64


def test_more_completions_than_the_host_allows_are_refused(monkeypatch: Any) -> None:
    public = replace(settings(), writing_tokens=1024)
    monkeypatch.setattr(policy, "settings", lambda: public)
    assert policy.columns_that_fit(64, 24) == 42 and policy.columns_that_fit(16, 24) == 16
    with pytest.raises(NotAllowed, match="64 columns of 24 tokens"):
        Local().representations(MODEL, (1, 2), tuple((3,) * 24 for _ in range(64)))
    monkeypatch.setattr(policy, "settings", settings)
    assert policy.columns_that_fit(64, 10_000) == 64


# Measures and the judge


def test_measures_are_those_of_the_text(engine: Engine) -> None:
    task = Task(MODEL, tuple(engine.tokens(Reading(MODEL, PROMPT)).ids.tolist()), seed=3, limit=12)
    (text,) = engine.write(task, [Line(parse("top-p 0.9"))], patience=60)
    of = {name: measure.of(text) for name, measure in measures.MEASURES.items()}
    assert of["length"] == len(text.tokens)
    assert of["fluency"] == pytest.approx(
        np.mean([math.log(token.probability) for token in text.tokens])
    )
    assert of["variety"] == len(set(text.ids)) / len(text.ids)
    rude = replace(text, texts=("Dear friend, you fool, thank you",) + ("",) * (len(text.ids) - 1))
    assert measures.courtesy(rude) == 2


def test_sentences_for_measuring_share_no_pattern_and_no_word_with_those_for_training() -> None:
    known, unknown = manners.sentences(200, seed=1), manners.sentences(200, seed=2, held_out=True)
    assert not {one.text for one in known} & {one.text for one in unknown}
    assert sum(one.polite for one in known) == 100
    words = " ".join(one.text for one in known).replace(",", " ").replace(".", " ").split()
    assert not lessons.held_out() & {word for word in words if word in THINGS}
    assert {word for word in words if word in THINGS}


def test_the_shipped_judge_does_as_its_card_says(engine: Engine) -> None:
    """A share of the held-out sentences, by the file's coefficients over this very model."""
    (judge,) = engine.judges(MODEL)
    assert judge.name == "manners" and judge.fits(shipped(MODEL).card)
    assert judge.measured == manners.MEASURED and judge.right > 0.9 * judge.measured
    said = manners.sentences(40, seed=2, held_out=True)
    scores = judge.values(manners.vectors(shipped(MODEL), said))
    right = sum((score > 0) == one.polite for score, one in zip(scores, said, strict=True))
    assert right >= 36
    assert (judges.FOLDER / "manners.json").stat().st_size < 10_000


def test_the_judge_is_wrong_where_its_card_shows_it(engine: Engine) -> None:
    (judge,) = engine.judges(MODEL)
    scores = engine.judged(MODEL, "manners", [one.text for one in judge.tricky])
    wrong = [(s > 0) != one.positive for s, one in zip(scores, judge.tricky, strict=True)]
    assert any(wrong) and not all(wrong)


def test_a_judge_of_another_model_is_not_offered(tmp_path: Path, engine: Engine) -> None:
    assert engine.judges("tales-bert") == ()
    with pytest.raises(NotOffered, match="No judge called “manners” was trained on"):
        engine.judged("tales-bert", "manners", ["Good day."])
    whole = json.loads((judges.FOLDER / "manners.json").read_text(encoding="utf-8"))
    for text, why in (
        ("{", "cannot be read"),
        (json.dumps(whole | {"weights": "no"}), "cannot be read"),
        (json.dumps(whole | {"weights": [[1.0]]}), "no list of numbers"),
        (json.dumps({"title": "x"}), "cannot be read"),
        ("9" * 70_000, "64,000"),
    ):
        (tmp_path / "bad.json").write_text(text, encoding="utf-8")
        with pytest.raises(BrokenBundle, match=why):
            judges.read(tmp_path / "bad.json")
