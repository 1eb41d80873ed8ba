"""The Training page: targets, guesses, answers; moments of a training; links and bad input."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.models import catalog
from tests.pages.conftest import Open, components, crash, sentences, tables

PAGE = "7_Training"


def said(app: AppTest) -> str:
    return "\n".join(one.value.replace("\\", "") for one in (*app.caption, *app.info))


def drawn(app: AppTest, number: int = 0) -> str:
    return components(app, "atlas_picture")[number]["svg"]


@pytest.mark.feature(
    "Four training targets on one text, filled first, then the loss of each hidden token"
)
def test_a_learner_fills_first_and_then_sees_what_each_token_costs(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="The fox ran away.", hidden="2")
    assert not crash(app) and "nats" not in said(app)
    assert "·ran" not in drawn(app) and "·fox" in drawn(app)
    app.text_input(key="guess").set_value("was").run()
    app.toggle(key="reveal").set_value(True).run()
    assert not crash(app) and "·ran" in drawn(app)
    assert "4 predictions" in said(app) and "Your guess “·was” has probability" in said(app)
    assert "chance 8.72 nats" in drawn(app)


def test_masked_tokens_say_how_they_were_hidden(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-bert", reveal="true", train_seed="3")
    assert not crash(app) and ("masked" in drawn(app) or "replaced" in drawn(app))
    assert len(components(app, "atlas_picture")) == 2


@pytest.mark.parametrize(
    ("model", "objective", "words"),
    [
        ("tales-gpt", "Masked tokens", "no mask token"),
        ("tales-gpt", "Spans", "no sentinel tokens"),
        ("tales-bert", "Next sentence", "no next-sentence head"),
        ("tales-bert", "Next token", "Models here that can: tales-gpt"),
    ],
)
def test_a_model_without_the_head_shows_the_example_and_says_so(
    open_page: Open, model: str, objective: str, words: str
) -> None:
    app = open_page(PAGE, model=model, objective=objective, reveal="true")
    assert not crash(app) and words in said(app)
    assert "nats" not in drawn(app) and app.toggle(key="reveal").disabled


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"text": " "}, "The text is empty"),
        ({"text": "The"}, "one token long"),
        ({"text": "the fox ran " * 60}, "an example has at most 96 here"),
        ({"objective": "Translation"}, "has one tower"),
        ({"objective": "Next sentence", "text": "One sentence only."}, "a text of two sentences"),
        ({"objective": "Nonsense"}, "is none of Next token"),
        ({"hidden": "99"}, "Hidden token 99"),
    ],
)
def test_bad_input_is_a_sentence(open_page: Open, address: dict[str, str], words: str) -> None:
    app = open_page(PAGE, **{"model": "tales-gpt"} | address)
    assert not crash(app) and words in " ".join(sentences(app))


def test_a_hostile_text_stays_text(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="<b>a</b> & “x”", reveal="true", guess="<img>")
    assert not crash(app) and "<b>" not in drawn(app) and "<img>" not in drawn(app, 1)


def test_the_table_is_read_aloud(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="The fox ran away.", reveal="true")
    app.session_state["table-targets"] = True
    (table,) = tables(app.run())
    assert table["answer"] == ["fox", "ran", "away", "."]
    assert len(table["loss nats"]) == 4


# ---------------------------------------------------------------------------- moments

FOX = "Once upon a time there was a little girl"


@pytest.mark.feature("One training kept at moments: text, heads, embeddings, surprise, loss curve")
@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("Text", "of its words are words"),
        ("Attention", "to the previous token before training"),
        ("Embeddings", "Before training the nearest to"),
        ("Surprise", "nats on average, before training"),
    ],
)
def test_every_moment_is_asked_the_same(
    open_page: Open, moments: Path, part: str, words: str
) -> None:
    chosen = {"words": "king queen fox said girl"} if part == "Embeddings" else {}
    app = open_page(PAGE, view="Moments", part=part, text=FOX, moment="40", **chosen)
    assert not crash(app) and not sentences(app) and words in said(app)
    assert len(components(app, "atlas_picture")) == 2
    assert "1,200" in drawn(app, 1) and 'data-id="m2"' in drawn(app, 1)
    assert "the loss has gone from 7.50 to 6.25 nats" in said(app)


def test_a_step_is_chosen_by_its_handle(open_page: Open, moments: Path) -> None:
    app = open_page(PAGE, view="Moments", text=FOX)
    assert app.session_state["moment"] == 1200 and "tales-mini-001200" in said(app)
    app.button_group(key="moment").set_value(0).run()
    assert "Untrained is a model like any other (untrained)" in said(app)


def test_a_moment_opens_on_every_page_and_stays_out_of_the_list(
    open_page: Open, moments: Path
) -> None:
    app = open_page("3_Attention", model="untrained", text=FOX)
    assert not crash(app) and not sentences(app)
    assert app.selectbox(key="model").value == "untrained"
    plain = open_page("3_Attention", text=FOX)
    assert "untrained" not in plain.selectbox(key="model").options
    app = open_page("4_Translation", model="untrained")
    assert any("cannot be shown on this page" in one for one in sentences(app))


def test_without_moments_the_view_says_what_to_run(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MOMENTS", tmp_path)
    app = open_page(PAGE, view="Moments")
    assert not crash(app)
    assert any("python -m engine.training.moments" in one for one in sentences(app))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"text": " "}, "The text is empty"),
        ({"text": "girl " * 120}, "continue at most 96"),
        ({"moment": "41"}, "is none of 0, 40, 1,200"),
        ({"part": "Embeddings", "words": "girl"}, "a map needs 3"),
        ({"part": "Attention", "moment_head": "9.9"}, "Head=9.9"),
    ],
)
def test_bad_input_to_the_moments_is_a_sentence(
    open_page: Open, moments: Path, address: dict[str, str], words: str
) -> None:
    app = open_page(PAGE, **{"view": "Moments", "text": FOX} | address)
    assert not crash(app) and words in " ".join(sentences(app))
