"""The game on Learn: reached, played and counted; nothing of the text is told before its time."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.api import local
from engine.learn import guessing
from engine.learn.asking import Asked
from engine.learn.guessing import Bet
from pages.learn.game import rules, section
from pages.learn.game.section import _ready
from tests.pages.conftest import Open, components, crash

TALE = _ready()["A woodcutter"]


def opened(open_page: Open, **query: str) -> AppTest:
    app = open_page("0_Learn", game="guess", **query)
    assert not crash(app), crash(app)
    return app


def bet(app: AppTest, number: int, *bets: tuple[str, int]) -> AppTest:
    for place, (word, chips) in enumerate(bets, 1):
        app.text_input(key=f"guess-word-{number}-{place}").set_value(word)
        app.number_input(key=f"guess-chips-{number}-{place}").set_value(chips)
    app.button(key=f"guess-show-{number}").click().run()
    assert not crash(app), crash(app)
    return app


def words(app: AppTest) -> str:
    told = [one.value for one in (*app.markdown, *app.caption, *app.info, *app.warning, *app.error)]
    return "\n".join(told).replace("\\", "")


def test_it_is_reached_from_lesson_and_course(open_page: Open) -> None:
    for app in (
        open_page("0_Learn"),
        open_page("5_Decoding", lesson="1.2", lesson_step="1"),
    ):
        links = [one.proto for one in app.get("page_link")]
        (game,) = (one for one in links if one.label == "Play it as a game")
        assert game.query_string == "game=guess" and "Learn" in game.page
    other = open_page("5_Decoding", lesson="4.1", lesson_step="1")
    assert "Play it as a game" not in [one.proto.label for one in other.get("page_link")]


def test_ready_texts_are_samples_that_are_long_enough_for_ten_words(open_page: Open) -> None:
    app = opened(open_page)
    names = [one.label for one in app.button if str(one.key).startswith("guess-text-")]
    assert names == list(_ready()) and len(names) >= 5
    for text in _ready().values():
        assert len(guessing.game(Asked(local(), "tales-gpt", text)).turns) == guessing.TURNS
        assert text not in words(app)


def test_the_text_stops_and_nothing_of_the_rest_is_on_the_page(open_page: Open) -> None:
    app = opened(open_page, passage="A woodcutter")
    assert "Once upon a _____" in words(app) and "time" not in words(app).split("**Chips")[0][:60]
    everything = words(app) + "".join(str(one) for one in app.text_area)
    assert "woodcutter who lived" not in everything and not components(app, "atlas_picture")


@pytest.mark.feature("Guess the next word, scored in bits")
def test_ten_words_are_played_and_counted_as_the_engine_counts_them(open_page: Open) -> None:
    game = guessing.game(Asked(local(), "tales-gpt", TALE))
    app = opened(open_page, passage="A woodcutter")
    played = []
    for turn in game.turns:
        bets = (("time", 5), ("day", 2)) if turn.number == 1 else ((turn.word, turn.number % 3),)
        played.append(guessing.score(turn, [Bet(*one) for one in bets]))
        app = bet(app, turn.number, *bets)
        assert rules.turn_said(played[-1]) in words(app)
        assert rules.so_far(played) in words(app)
        (shown,) = components(app, "atlas_picture")
        assert f"✓ {turn.word}" in shown["svg"]
        app.button(key="guess-on").click().run()
    assert rules.verdict(played) in words(app)
    yours = sum(one.yours for one in played)
    assert f"{yours:.1f} bits" in rules.verdict(played)
    assert "You were closer" in words(app)  # who names every word with chips knows better
    assert app.query_params["turn"] == "end"


def test_both_distributions_stand_beside_each_other(open_page: Open) -> None:
    game = guessing.game(Asked(local(), "tales-gpt", TALE))
    app = bet(opened(open_page, passage="A woodcutter"), 1, ("day", 5))
    (shown,) = components(app, "atlas_picture")
    yours = guessing.probability([Bet("day", 5)], "time", game.turns[0].share)
    assert (
        f"time: you {100 * yours:.0f} %, the model {100 * game.turns[0].share:.0f} %"
        in (shown["svg"])
    )
    assert "day: you 50 %" in shown["svg"]


def test_a_bet_that_makes_no_sense_is_said_and_the_word_may_be_tried_again(
    open_page: Open,
) -> None:
    app = opened(open_page, passage="A woodcutter")
    app = bet(app, 1, ("time", 9), ("day", 4))
    assert "one stays with the model; these are 13" in words(app)
    assert "came" not in words(app)
    app = bet(app, 1, ("<img src=x>", 5), ("", 0))
    assert "is not one word" in words(app) and "\\<img" in "".join(w.value for w in app.warning)
    app = bet(app, 1, ("time", 9), ("", 0))
    assert "You named it" in words(app)


def test_a_text_of_ones_own_is_played_against_the_model_chosen(open_page: Open) -> None:
    app = opened(open_page)
    app.text_area(key="guess-own").set_value("My grandmother bakes the best bread in the village.")
    app.button(key="guess-start").click().run()
    assert not crash(app), crash(app)
    assert "My grandmother bakes _____" in words(app) and "Word 1 of 6" in words(app)
    assert app.query_params["passage"] == "own"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"passage": "own", "text": "Too short"}, "has 2 words"),
        ({"passage": "nonsense"}, "nonsense does not exist"),
        ({"passage": "A woodcutter", "turn": "99"}, "Word 99 does not exist"),
        ({"passage": "A woodcutter", "opponent": "tales-bert"}, "tales-bert is none of"),
        ({"passage": "A woodcutter", "turn": "end"}, "No word was played"),
    ],
)
def test_links_that_make_no_sense_are_said(
    open_page: Open, query: dict[str, str], said: str
) -> None:
    assert said in words(opened(open_page, **query))


def test_a_link_opens_at_its_word_and_only_played_words_are_counted(open_page: Open) -> None:
    app = opened(open_page, passage="A woodcutter", turn="10")
    assert "Word 10 of 10" in words(app)
    app = bet(app, 10, ("his", 5))
    app.button(key="guess-on").click().run()
    assert "9 words of 10 were not played" in words(app)


def test_the_rules_say_the_formula_and_its_sources_from_the_beginning(open_page: Open) -> None:
    said = words(opened(open_page))
    for part in ("log₂(1 / probability)", "chips on it / 10 + chips kept / 10", "Shannon 1951"):
        assert part in said
    assert "Cover and King 1978" in said and "10.1109/TIT.1978.1055912" in said


def test_the_program_beside_the_picture_counts_the_same_bits() -> None:
    at = Asked(local(), "tales-gpt", TALE)
    bets = {1: (Bet("time", 5),), 3: (Bet("don't", 2), Bet("was", 3))}
    play = section.Play(at, guessing.game(at), bets)
    scope: dict[str, Any] = {}
    exec(section._lines(play), scope)
    assert scope["table"]["your_bits"] == [one.yours for one in play.played]
    assert scope["table"]["word"] == ["time", "was"]


def test_for_teachers_a_lesson_is_chosen_and_presented(open_page: Open) -> None:
    app = open_page("0_Learn")
    app.selectbox(key="teachers-lesson").set_value("3.1").run()
    (link,) = (one.proto for one in app.get("page_link") if one.proto.label.startswith("Present "))
    assert link.query_string == "lesson=3.1&lesson_step=1&present=question"
    assert "Attention" in link.page
