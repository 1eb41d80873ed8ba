"""What an author is offered: every live answer can be begun, and what is suggested can be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.api import Engine, local
from engine.errors import EngineError
from engine.learn import grading, offers
from engine.learn.answers import ANSWERS, Asked
from engine.learn.authoring import whole
from engine.learn.drafts import Draft, DraftChoice, DraftStep
from engine.learn.grading import pose
from engine.values import FrozenDict
from tests.engine.test_lessons import check

ENGINE = local()
TEXTS = {
    "decoder": ("tales-gpt", "The old man took the boat, and the boat took him to the sea."),
    "encoder": ("tales-bert", "The river bank was near the bank in the [MASK]."),
    "encoder-decoder": ("fr-en", "Le chat noir dort sur la table."),
}
SLOW = {"held_out_right", "orders_that_agree", "examples_until_half"}


@pytest.fixture
def asks(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is asked below is this engine."""
    monkeypatch.setitem(globals(), "ENGINE", engine)


@pytest.mark.parametrize("name", sorted(ANSWERS))
@pytest.mark.usefixtures("asks")
def test_every_live_answer_can_be_begun_and_asked_in_each_of_its_forms(name: str) -> None:
    live = ANSWERS[name]
    model, text = TEXTS[live.families[0]]
    at = Asked(ENGINE, model, text)
    state = {"model": model, "text": text, "layer": "2", "head": "1", "c1": "top-p 0.9"}
    given = offers.begun(live, at, state)
    assert not live.problem(given), live.problem(given)
    if name in SLOW:
        return
    try:
        answer = live(at, **given)
    except EngineError as why:
        assert str(why).endswith(".")
        return
    forms = offers.forms(live, answer)
    for form in forms[:1] if forms == ("word", "choice") else forms:
        question = replace(offers.posed(live, answer, given, form), ask="What is it?")
        step = DraftStep("Decoding", FrozenDict({"model": model, "text": text}), "Look.", question)
        lesson = whole("own-00000000", Draft("T", 3, "S.", (step, step)))
        posed = pose(lesson.steps[0], at)
        check(posed)


def test_answers_of_the_page_come_first_and_others_families_are_left_out() -> None:
    names = [one.name for one in offers.offered("encoder", ("attention", "tokens"))]
    assert ANSWERS[names[0]].topic == "attention" and "top_token" not in names
    topics = [ANSWERS[name].topic for name in names]
    assert topics.index("tokens") > max(i for i, one in enumerate(topics) if one == "attention")


@pytest.mark.usefixtures("asks")
def test_words_that_come_twice_are_offered_first() -> None:
    at = Asked(ENGINE, *TEXTS["encoder"])
    words = offers.options(ANSWERS["parting_layer"], "word", at, {})
    assert words[:1] == ["bank"] and "." not in words
    assert ANSWERS["parting_layer"](at, **offers.begun(ANSWERS["parting_layer"], at, {}))


@pytest.mark.parametrize(
    ("text", "number", "value", "high", "about"),
    [
        ("about 10", True, 10.0, None, True),
        ("1 to 10", True, 1.0, 10.0, False),
        ("1,000", True, 1000.0, None, False),
        ("10", False, "10", None, False),
        ("two to three", True, "two to three", None, False),
        ("about tea", True, "about tea", None, False),
        ("nan", True, "nan", None, False),
        ("1 to x", True, "1 to x", None, False),
    ],
)
def test_where_a_choice_is_right_is_read_as_typed(text, number, value, high, about) -> None:
    found = offers.right_of(text, number=number)
    assert found == {"value": value, "high": high, "about": about}
    again = offers.right_of(offers.right_words(DraftChoice(**found)), number=number)
    assert again == found


@pytest.mark.usefixtures("asks")
def test_a_text_that_cannot_be_read_offers_no_words() -> None:
    at = Asked(ENGINE, "tales-gpt", "")
    assert offers.options(ANSWERS["rank_of"], "word", at, {}) == []
    assert offers.begun(ANSWERS["rank_of"], at, {}) == {"word": ""}


def test_the_course_shows_how_to_ask() -> None:
    assert offers.example("rank_of") and offers.example("nothing") == ""
    assert grading.MOST == 4
