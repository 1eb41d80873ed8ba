"""Preference: choices, the learnt reward, best of n, the judge; links and bad input."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.preference import reward
from pages.training.preference.section import PROMPT
from tests.pages.conftest import Open, components, crash, sentences

PAGE = "7_Training"
FEW = {"view": "Preference", "model": "tales-gpt", "drawn": "16", "draw_length": "8"}
LEARNED = {"reward": "Learned from your choices"}


def ready(open_page: Open, **address: Any) -> AppTest:
    """The view with its completions written."""
    return waited(open_page(PAGE, **(FEW | address)))


def waited(app: AppTest) -> AppTest:
    while any(one.value.startswith("Generating") for one in app.caption):
        app.run()
    assert not crash(app)
    return app


def said(app: AppTest) -> str:
    shown = (*app.markdown, *app.caption, *app.info)
    return "\n".join(str(one.value).replace("\\", "") for one in shown)


def pictures(app: AppTest) -> list[str]:
    return [one["svg"] for one in components(app, "atlas_picture")]


@pytest.mark.feature(
    "Best of n by a reward: n on a slider, KL against its bound, what a second measure does"
)
def test_n_moves_without_a_run_of_the_model(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = ready(open_page, best_of="4")
    assert "Best of 4" in said(app) and "This is best-of-n sampling, not PPO" in said(app)
    assert len(pictures(app)) == 3 and "at most 0.64" in pictures(app)[1]

    def ran() -> None:
        raise AssertionError("the model ran")

    monkeypatch.setattr("engine.policy.check_run", ran)
    app.slider(key="best_of").set_value(16).run()
    assert not crash(app) and not app.error
    assert "Best of 16" in said(app) and "at most 1.84" in pictures(app)[1]
    app.selectbox(key="second").set_value("courtesy").run()
    assert not app.error and "courtesy" in said(app)


def test_the_judges_mistakes_are_shown_with_its_scores(open_page: Open) -> None:
    app = ready(open_page)
    assert "wrong in 5 of these 8" in said(app)
    assert pictures(app)[2].count("✗ wrong") == 2 * 5  # in the wide form and in the narrow one


@pytest.mark.feature("A reward learnt live from choices between completions, with its doubt")
def test_one_chooses_undoes_and_clears_and_the_link_holds_it(open_page: Open) -> None:
    app = ready(open_page, **LEARNED)
    assert "Pair 1 of" in said(app) and "No choice yet" in said(app) and not pictures(app)
    app.button(key="preference-a").click().run()
    app.button(key="preference-b").click().run()
    assert app.query_params["choices"] == "ab" and "Pair 3 of" in said(app)
    assert "Before your last choice the reward gave it" in said(app)
    assert pictures(app)[0].count('data-id="c') == 2 * 2  # in two widths
    app.button(key="preference-x").click().run()
    assert app.query_params["choices"] == "abx" and pictures(app)[0].count('data-id="c') == 4
    app.button(key="preference-undo").click().run()
    assert app.query_params["choices"] == "ab"
    app.button(key="preference-clear").click().run()
    assert "choices" not in app.query_params and app.button(key="preference-undo").disabled

    again = ready(open_page, **LEARNED, choices="ab")
    assert "Pair 3 of" in said(again) and pictures(again)[0].count('data-id="c') == 4


def test_choices_of_other_completions_are_left_behind_and_that_is_said(open_page: Open) -> None:
    app = ready(open_page, **LEARNED, choices="abab")
    waited(app.number_input(key="draw_seed").set_value(9).run())
    assert "Pair 1 of" in said(app) and "choices" not in app.query_params


def test_all_choices_for_one_side_are_said_to_teach_nothing_of_the_side(open_page: Open) -> None:
    app = ready(open_page, **LEARNED, choices="aaaaa")
    assert "All 5 choices are for A" in said(app)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"best_of": "999"}, "Best of n 999: 16 completions are drawn; showing Best of n 16."),
        ({"choices": "abq"}, "“q” is no choice: write a, b or x for each pair"),
        ({"choices": "a" * 40}, "40 choices are given; at most 32 are taken"),
        ({"draw_length": "500"}, "a completion has at most 48 tokens here"),
        ({"text": " "}, "The text is empty. Type a word or choose a sample."),
        ({"text": "word " * 600}, "Shorten"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    open_page: Open, address: dict[str, str], words: str
) -> None:
    app = open_page(PAGE, **(FEW | LEARNED | address))
    assert not crash(app)
    assert words in " ".join(sentences(app)).replace("\\", "")


def test_equal_completions_leave_nothing_to_choose(open_page: Open) -> None:
    short = {"text": "Once upon a", "draw_length": "1", "draw_setting": "temperature 0.7"}
    app = ready(open_page, **LEARNED, **short)
    whole = said(app)
    assert "are equal pair by pair" in whole or "have two equal completions" in whole


def test_a_host_bounds_how_many_are_drawn(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_WRITING_TOKENS", "160")
    from engine.settings import settings

    settings.cache_clear()
    app = ready(open_page, drawn="64", best_of="64")
    assert "at most 20 completions of this length are written at once here" in " ".join(
        sentences(app)
    ).replace("\\", "")
    assert app.slider(key="best_of").max == 20
    settings.cache_clear()


def test_without_scikit_learn_the_judge_works_and_learning_says_what_is_missing(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reward, "find_spec", lambda _name: None)
    app = ready(open_page, **LEARNED, choices="ba", draw_seed="77")
    assert "which is not installed here" in " ".join(sentences(app))
    assert not ready(open_page).error


def test_the_view_brings_its_own_prompt_until_somebody_types(open_page: Open) -> None:
    app = ready(open_page)
    assert app.session_state["text"] == PROMPT
    app = ready(open_page, text="The fox said")
    assert app.session_state["text"] == "The fox said"
