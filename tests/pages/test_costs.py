"""What a page costs under a crowd: how often it runs, what it copies, how often it looks."""

from __future__ import annotations

import pytest
from streamlit.elements.widgets import slider

from engine.api import Local
from pages.decoding import generate
from tests.pages.conftest import Open

PAGES = (
    "1_Tokenization",
    "2_Embeddings",
    "3_Attention",
    "4_Translation",
    "5_Decoding",
    "6_Prompting",
    "7_Training",
    "8_Models",
)


def test_a_short_run_is_drawn_once_and_whole(open_page: Open, monkeypatch: pytest.MonkeyPatch):
    """It was drawn growing: two runs of the page and looks in between."""
    monkeypatch.setattr(generate, "SOON", 30.0)
    app = open_page("5_Decoding", text="The hen found a boat behind the garden.")
    assert not app.exception
    _, texts = app.session_state["decoding-shown"]
    assert [len(text.tokens) for text in texts] == [20, 20, 20]
    assert app.button(key="decoding-stop").disabled


def test_a_long_run_is_shown_while_it_grows(open_page: Open, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(generate, "SOON", 30.0)
    app = open_page("5_Decoding", text="The fox ran into the wood.", length="200")
    assert not app.exception
    _, texts = app.session_state["decoding-shown"]
    assert any(text.writing for text in texts)
    assert not app.button(key="decoding-stop").disabled


@pytest.mark.parametrize(("under_way", "seconds"), [(0, 0.1), (1, 0.1), (4, 0.4), (60, 1.0)])
def test_who_look_at_the_same_time_share_the_looks(
    monkeypatch: pytest.MonkeyPatch, under_way: int, seconds: float
):
    monkeypatch.setattr(Local, "texts_under_way", lambda _self: under_way)
    assert generate.every(0.1) == pytest.approx(seconds)


@pytest.mark.parametrize("page", PAGES)
def test_no_slider_copies_the_session(open_page: Open, monkeypatch: pytest.MonkeyPatch, page: str):
    """A slider without a value does, to see whether there is one: 0.4 ms each."""

    def copied() -> None:
        raise AssertionError("a slider was given no value")

    monkeypatch.setattr(slider, "get_session_state", copied)
    assert not open_page(page).exception


def test_a_fresh_page_leaves_the_processor_to_who_asked_for_a_text(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
):
    """Where three are writing the first run waits for Generate; what is there is shown."""
    text = "A crowd of pupils opened one page"
    monkeypatch.setattr(Local, "texts_under_way", lambda self: generate.CROWD)
    app = open_page("5_Decoding", text=text)
    assert not any(one.tokens for one in app.session_state[generate.SHOWN][1])
    app.button(key="decoding-write").click().run()
    shown = app.session_state[generate.SHOWN][1]
    assert len(shown) == 3 and all(one.tokens or one.writing for one in shown)
    other = open_page("5_Decoding", text=text)
    assert all(one.tokens or one.writing for one in other.session_state[generate.SHOWN][1])
