"""Tuning and training of one's own on the page: what is shown, what is refused, who may."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine import policy
from engine.errors import Busy
from engine.jobs.registry import Job
from engine.settings import settings
from engine.tuning import running
from engine.tuning.ready import MINE
from tests.pages.conftest import Open, components, crash, sentences

PAGE = "7_Training"


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks may train."""
    monkeypatch.setattr(policy, "may_train", lambda visitor: True)


def said(app: AppTest) -> str:
    every = (*app.caption, *app.info, *app.markdown, *app.error)
    return "\n".join(one.value.replace("\\", "") for one in every)


def drawn(app: AppTest) -> str:
    return "\n".join(one["svg"] for one in components(app, "atlas_picture"))


def labels(app: AppTest) -> list[str]:
    return [one.label for one in app.button]


@pytest.mark.feature(
    "A tuned model before and after on one's prompt, with what was forgotten and a matrix's change"
)
def test_a_tuned_model_is_shown_before_and_after_with_what_it_cost(open_page: Open) -> None:
    app = open_page(PAGE, view="Tuning", adapter="verse", tune_prompt="The old wolf")
    assert not crash(app), crash(app)
    told = said(app)
    assert "196,608 numbers were trained, 3.1 % of 6,443,008" in told
    assert "1.33 → 1.89, 42 % worse" in told and "The text above: 1.19 → 1.85" in told
    assert "8 of 256 singular values above 0" in told
    assert len(components(app, "atlas_picture")) == 4
    before = drawn(app)
    app.number_input(key="draws").set_value(5).run()
    assert not crash(app) and drawn(app) != before
    app.selectbox(key="matrix").set_value("transformer.h.4.mlp.c_proj.weight").run()
    assert "mlp.c_proj of layer 5 (1024 × 256)" in said(app)


def test_a_wrong_link_shows_another_and_says_so(open_page: Open) -> None:
    app = open_page(PAGE, view="Tuning", adapter="../x", matrix="h.9", rank="3", tune_steps="9999")
    assert not crash(app) and len(sentences(app)) >= 4
    app = open_page(PAGE, view="Train one yourself", own_layers="99", own_width="5")
    assert not crash(app) and len(sentences(app)) >= 2


def test_a_long_text_is_not_measured_and_the_rest_is_shown(open_page: Open) -> None:
    app = open_page(PAGE, view="Tuning", text="The fox ran. " * 160)
    assert not crash(app) and "at most 2,000 are compared here" in said(app)
    assert len(components(app, "atlas_picture")) == 4


def test_what_a_tuning_would_train_is_counted_before_it_begins(open_page: Open) -> None:
    app = open_page(PAGE, view="Tuning", rank="4", matrices="attention")
    assert "36,864 numbers to train, 0.6 %" in said(app)
    app = open_page(PAGE, view="Tuning", method="all weights")
    assert "6,443,008 numbers to train, 100.0 %" in said(app)


def test_nobody_trains_in_public(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_MODE", "public")
    settings.cache_clear()
    try:
        for view, button in (("Tuning", "Tune"), ("Train one yourself", "Train")):
            app = open_page(PAGE, view=view)
            assert not crash(app) and button not in labels(app)
            assert "never on a public address" in said(app)
    finally:
        settings.cache_clear()


@pytest.mark.usefixtures("host")
def test_where_packages_lack_the_command_is_said(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.installing, "missing", lambda part: ("torch", "peft"))
    for view in ("Tuning", "Train one yourself"):
        told = said(open_page(PAGE, view=view))
        assert "Training a model needs torch, peft" in told and "make exporter" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "The text is empty"),
        ("The fox ran.", "has 12 characters; at least 500"),
        ("a b\n" * 400, "different characters"),
        ("\x00\x01abc" * 200, "binary"),
    ],
)
@pytest.mark.usefixtures("host")
def test_a_text_that_nothing_can_be_learned_from_is_told_why(
    open_page: Open, text: str, told: str
) -> None:
    app = open_page(PAGE, view="Train one yourself", own_text=MINE)
    if text:
        app.text_area(key="own-text").set_value(text).run()
    assert not crash(app) and told in said(app)
    assert next(one for one in app.button if one.label == "Train").disabled


@pytest.mark.feature(
    "A small model trained on one's own text in a process of its own, kept, saved, deleted"
)
@pytest.mark.usefixtures("host")
def test_a_size_is_counted_and_a_refusal_is_one_sentence(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object, **__: object) -> Job:
        raise Busy("All places for trainings are taken (4). Try again in a while.")

    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(running.registry, "start_process", full)
    settings.cache_clear()
    try:
        app = open_page(PAGE, view="Train one yourself", own_layers="1", own_width="32")
        assert not crash(app) and "parameters (" in said(app) and "seconds on one core" in said(app)
        next(one for one in app.button if one.label == "Train").click().run()
        assert not crash(app) and "All places for trainings are taken (4)" in said(app)
    finally:
        settings.cache_clear()
