"""The game of the next word: where a text stops, what chips say, what is paid in bits."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.api import Engine, local
from engine.decoding.ranking import probabilities
from engine.learn import guessing
from engine.learn.asking import Asked
from engine.learn.guessing import BadBet, Bet, NoGame, Turn

ENGINE = local()
TALE = "Once upon a time there was a poor woodcutter who lived with his wife in a little hut."
BOAT = "The little boat sailed across the dark sea, and the boy said that the little boat"


@pytest.fixture
def asks(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is asked below is this engine."""
    monkeypatch.setitem(globals(), "ENGINE", engine)


def asked(text: str, model: str = "tales-gpt") -> Asked:
    return Asked(ENGINE, model, text)


@pytest.mark.usefixtures("asks")
def test_the_text_stops_before_ten_words_from_the_fourth_on() -> None:
    found = guessing.game(asked(TALE))
    words = "time there was a poor woodcutter who lived with his".split()
    assert [turn.word for turn in found.turns] == words
    assert [turn.number for turn in found.turns] == list(range(1, 11))
    for turn in found.turns:
        assert TALE.startswith(turn.before) and not turn.before.endswith(" ")
        assert TALE[len(turn.before) :].lstrip().startswith(turn.word)


@pytest.mark.usefixtures("asks")
def test_marks_of_punctuation_are_given_and_never_guessed() -> None:
    turns = guessing.game(asked(BOAT)).turns
    after = next(turn for turn in turns if turn.word == "and")
    assert after.before.endswith("sea,") and all(turn.word != "," for turn in turns)


@pytest.mark.parametrize("text", [TALE, BOAT])
@pytest.mark.usefixtures("asks")
def test_the_models_probability_is_that_of_the_word_after_the_text_before_it(text: str) -> None:
    at = asked(text)
    for turn in guessing.game(at).turns:
        ids = at.engine.tokens(asked(turn.before).reading).ids.tolist()
        share = 1.0
        for token in at.engine.bare("tales-gpt", f" {turn.word}").ids.tolist():
            share *= float(probabilities(at.engine.following("tales-gpt", tuple(ids)))[token])
            ids.append(token)
        assert turn.share == pytest.approx(share, rel=1e-3)
        assert turn.tokens == len(ids) - len(at.engine.tokens(asked(turn.before).reading).ids)


@pytest.mark.usefixtures("asks")
def test_what_the_model_expects_is_its_likeliest_tokens_in_their_order() -> None:
    at = asked(TALE)
    turn = guessing.game(at).turns[0]
    ids = tuple(at.engine.tokens(asked(turn.before).reading).ids.tolist())
    chances = probabilities(at.engine.following("tales-gpt", ids))
    best = at.engine.texts("tales-gpt", [int(chances.argmax())])[0].strip()
    assert turn.expected[0].name == best == "time"
    assert turn.expected[0].share == pytest.approx(float(chances.max()), rel=1e-4)
    shares = [one.share for one in turn.expected]
    assert shares == sorted(shares, reverse=True) and len(shares) == guessing.LISTED


@pytest.mark.usefixtures("asks")
def test_a_word_that_a_player_names_has_the_probability_of_all_its_tokens() -> None:
    at = asked(TALE)
    turn = guessing.game(at).turns[4]
    assert guessing.model_share(at, turn, "Poor.") == turn.share
    for word in ("old", "woodcutter"):
        ids = at.engine.tokens(asked(turn.before).reading).ids.tolist()
        share = 1.0
        for token in at.engine.bare("tales-gpt", f" {word}").ids.tolist():
            share *= float(probabilities(at.engine.following("tales-gpt", tuple(ids)))[token])
            ids.append(token)
        assert guessing.model_share(at, turn, word) == pytest.approx(share, rel=1e-3)


def turn(share: float, word: str = "sea") -> Turn:
    return Turn(1, "across the dark", word, 1, share, ())


def test_bits_by_hand() -> None:
    """Half of the chips on the word, the model at 1/2: 0.5 + 0.5 * 0.5 = 0.75."""
    scored = guessing.score(turn(0.5), [Bet("Sea", 5)])
    assert (scored.share, scored.models, scored.hit) == (0.75, 1.0, True)
    assert scored.yours == pytest.approx(log2(4 / 3))
    missed = guessing.score(turn(0.25), [Bet("sky", 5)])
    assert (missed.share, missed.yours, missed.models) == (0.125, 3.0, 2.0)
    assert not missed.hit


def test_who_keeps_all_chips_pays_what_the_model_pays() -> None:
    for share in (1.0, 0.3, 1e-9):
        scored = guessing.score(turn(share), [])
        assert scored.yours == pytest.approx(scored.models)


@given(
    st.lists(st.floats(0.001, 1), min_size=3, max_size=8),
    st.lists(st.integers(0, 3), min_size=3, max_size=3),
)
def test_what_chips_say_is_a_distribution_and_a_miss_costs_at_most_the_chip_kept(
    weights: list[float], chips: list[int]
) -> None:
    models = np.array(weights) / sum(weights)
    words = [f"w{i}" for i in range(len(models))]
    bets = [Bet(word, count) for word, count in zip(words, chips, strict=False)]
    yours = [
        guessing.probability(bets, word, share) for word, share in zip(words, models, strict=True)
    ]
    assert sum(yours) == pytest.approx(1)
    for own, share in zip(yours, models, strict=True):
        assert guessing.surprise(own) <= guessing.surprise(float(share)) + log2(10) + 1e-9


@given(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), st.floats(0.01, 1))
def test_nobody_gains_by_betting_against_what_the_model_knows_to_be_true(
    weights: list[float], stake: float
) -> None:
    """Where the model's probabilities are the true ones, bets cost bits on average (Gibbs)."""
    true = np.array(weights) / sum(weights)
    chips = round(9 * stake)
    yours = [guessing.probability([Bet("w0", chips)], f"w{i}", p) for i, p in enumerate(true)]
    costs = [guessing.surprise(own) for own in yours]
    mine = [guessing.surprise(float(share)) for share in true]
    assert float(true @ np.array(costs)) >= float(true @ np.array(mine)) - 1e-9


def test_bets_are_cleaned_and_joined() -> None:
    bets = [Bet("  Sea ", 3), Bet("sea", 2), Bet("", 4), Bet("sky", 0), Bet("don't", 1)]
    assert guessing.checked(bets) == (Bet("Sea", 5), Bet("don't", 1))


@pytest.mark.parametrize(
    ("bets", "why"),
    [
        ([Bet("sea", 10)], "one stays with the model"),
        ([Bet("sea", 5), Bet("sky", 5)], "these are 10"),
        ([Bet(word, 1) for word in "abcd"], "3 words; these are 4"),
        ([Bet("the sea", 5)], "is not one word"),
        ([Bet("<b>", 5)], "is not one word"),
        ([Bet("x" * 500 + " y", 5)], "is not one word"),
    ],
)
def test_a_bet_that_makes_no_sense_is_refused_with_the_reason(bets: list[Bet], why: str) -> None:
    with pytest.raises(BadBet, match=why):
        guessing.checked(bets)


@pytest.mark.parametrize(
    ("text", "model", "why"),
    [
        ("Two words", "tales-gpt", "has 2 words; the game needs 6"),
        ("1 + 2 = 3 !!! ???", "tales-gpt", "has 3 words"),
        (TALE, "tales-bert", "does not write from left to right"),
        (TALE, "fr-en", "does not write from left to right"),
    ],
)
@pytest.mark.usefixtures("asks")
def test_a_text_or_model_without_a_game_says_why(text: str, model: str, why: str) -> None:
    with pytest.raises(NoGame, match=why):
        guessing.game(asked(text, model))


@pytest.mark.usefixtures("asks")
def test_a_short_text_gives_a_short_game_and_a_hostile_one_none_that_breaks() -> None:
    assert len(guessing.game(asked("The cat sat on the mat")).turns) == 3
    odd = "a <b>bold</b> word—and a \u202etrick\u202c naïve don't-stop 漢字 word here and there now"
    for one in guessing.game(asked(odd)).turns:
        assert one.word and 0 <= one.share <= 1
