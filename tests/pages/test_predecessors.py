"""Before transformers, on Decoding: with its files, without them, with strange texts."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.api import local
from engine.predecessors.windows import Windows
from pages.decoding.predecessors import picture, window_picture, words
from pages.pictures import curves
from tests.engine.predecessors_made import made_predecessors
from tests.pages.conftest import Open, components, sentences

pytestmark = pytest.mark.usefixtures("no_predecessors")  # but those that a test makes

PAGE, VIEW, TEXT = "5_Decoding", "Before transformers", "The milk is bad, my tea tastes"


def shown(open_page: Open, **address: str) -> AppTest:
    return open_page(PAGE, **{"view": VIEW, "model": "tales-gpt", "text": TEXT, **address})


def drawn(app: AppTest, key: str) -> str:
    """The SVG of a picture of the page."""
    return next(one["svg"] for one in components(app, "picture") if one["key"] == key)


def said(app: AppTest) -> str:
    return "\n".join(one.value.replace("\\", "") for one in [*app.markdown, *app.caption])


@pytest.mark.feature("n-grams and a recurrent network beside a transformer")
def test_all_predictors_stand_side_by_side(open_page: Open, models: Path) -> None:
    made_predecessors(models)
    app = shown(open_page)
    assert not app.exception and not sentences(app) and not app.info
    found = local().continuations("tales-gpt", TEXT)
    table = app.dataframe[0].value
    names = [*(f"n-grams (window {n})" for n in (1, 2, 4)), "Tales RNN"]
    assert list(table["predictor"]) == [*names, "Tales GPT"]
    assert list(table["bits per byte, held-out prose"])[3] == "1.750"
    text = said(app)
    best = int(found.best[4, -1, 0])
    word = local().texts("tales-gpt", [best])[0].strip()
    assert "Likeliest next token" in text and word in text
    assert "an n-gram table changes by exactly 0" in text
    assert "moves the state most" in text and "measures all" in text
    assert "What a longer window needs" in text
    assert words.windows_said(local().windows("tales-gpt")) in text


def test_without_files_the_transformer_stands_alone_and_it_says_what_to_run(
    open_page: Open, models: Path
) -> None:
    app = shown(open_page)
    assert not app.exception and not sentences(app)
    told = [box.value.replace("\\", "") for box in app.info]
    assert any("python -m engine.training.tales_ngrams" in one for one in told)
    assert any("python -m engine.training tales-rnn" in one for one in told)
    assert list(app.dataframe[0].value["predictor"]) == ["Tales GPT"]
    assert "moves the state" not in said(app) and "longer window" not in said(app)


def test_the_context_grows_token_by_token(open_page: Open, models: Path) -> None:
    made_predecessors(models)
    app = shown(open_page, context="3")
    assert not app.exception and "After: The milk is" in said(app)
    assert "The text goes on with" in said(app)
    app.slider(key="context").set_value(2).run()
    assert "After: The milk\n" in said(app)
    app = shown(open_page, context="99")
    assert any("99" in one for one in sentences(app)) and "tastes" in said(app)


@pytest.mark.parametrize("text", ["a", "<b>&\"'", "\n\n!", "Ωμέγα 日本", "word " * 200])
def test_short_long_and_hostile_texts_are_drawn(open_page: Open, models: Path, text: str) -> None:
    made_predecessors(models)
    app = shown(open_page, text=text)
    assert not app.exception and not sentences(app)


def test_a_text_that_is_too_long_is_refused_in_a_sentence(open_page: Open) -> None:
    app = shown(open_page, text="word " * 300)
    assert not app.exception and "at most 256 are compared" in sentences(app)[0]


def test_pictures_hold_every_number_and_escape_what_tokens_say(models: Path) -> None:
    made_predecessors(models)
    text = 'The <b>milk</b> & "tea" is bad'
    found = local().continuations("tales-gpt", text)
    called = words.names(local().standings("tales-gpt"))
    ids = sorted({*found.best.ravel().tolist(), *found.tokens.ids.tolist()})
    texts = dict(zip(ids, local().texts("tales-gpt", ids), strict=True))
    for place in (0, len(found.tokens) - 1):
        drawing = ElementTree.fromstring(picture.best_wide(found, called, texts, place, "said"))
        bars = [one for one in drawing.iter() if "data-id" in one.attrib]
        assert len(bars) == 50 and bars[0].attrib["data-id"] == "p0r0"
    asked = local().influence("tales-gpt", text)
    back = [texts[int(one)] for one in found.tokens.ids[::-1]]
    drawing = ElementTree.fromstring(picture.influence_wide(asked, called, back, "said"))
    tips = [one.attrib["data-tip"] for one in drawing.iter() if "data-tip" in one.attrib]
    assert len(tips) == len(found.tokens)
    assert f"Tales GPT: {asked.mean[4, 2]:.3g} bits" in tips[2]
    assert words.reach(asked)[0] <= 1 and words.reach(asked)[1] <= 2
    states = local().hidden_states("tales-gpt", text)
    order = local().texts("tales-gpt", states.tokens.ids.tolist())
    drawing = ElementTree.fromstring(picture.states_wide(states, order, "said"))
    rows = [one for one in drawing.iter() if one.attrib.get("data-id", "").startswith("s")]
    assert len(rows) == len(states.tokens)
    most = order[int(np.argmax(states.moved))].strip()
    assert most in words.states_said(states, order)
    for both in (picture.best(found, called, texts, 1, "said"),
                 picture.influence(asked, called, back, "said"),
                 picture.states(states, order, "said")):  # fmt: skip
        ElementTree.fromstring(both)


def test_longer_windows_are_drawn_with_what_is_measured_and_what_is_not() -> None:
    found = Windows(6144, 9_386_573, np.array([6144, 253_105, 532_519, 314_463, 91_078]),
                    2_211_087, np.array([33.0, 50, 69, 92, 125]) * 1e-6)  # fmt: skip
    lines, axes = window_picture.contexts(found)
    drawing = ElementTree.fromstring(curves.wide(lines, axes, "t", "said"))
    tips = [one.attrib["data-tip"] for one in drawing.iter() if "data-tip" in one.attrib]
    assert len(tips) == 8 and "92 µs, measured" in tips[2] and "predicted" in tips[4]
    assert "possible contexts: 1.4 × 10¹⁵" in tips[3] and "kept in the table: 314,463" in tips[3]
    assert "kept" not in tips[4]
    said = words.windows_said(found)
    assert "keeps 314,463" in said and "125 µs" in said and len(said.split()) <= 60
    table = words.windows_table(found, 8)
    assert table["time is"] == ["measured"] * 4 + ["predicted"] * 4
    assert table["in the text at most"][1:3] == [9_386_573, 9_386_573]
    assert np.isnan(table["kept in the table"]).tolist() == [False] * 4 + [True] * 4


def test_an_encoder_is_not_offered_the_view(open_page: Open) -> None:
    app = open_page(PAGE, model="fr-en", text="Le chat dort.", view=VIEW)
    assert not app.exception and VIEW not in app.button_group(key="view").options
    assert any("Before transformers" in one for one in sentences(app))


def test_home_says_what_they_are_and_no_page_offers_them(open_page: Open, models: Path) -> None:
    made_predecessors(models)
    app = open_page("Home")
    assert not app.exception
    told = [one.value.replace("\\", "") for one in app.caption]
    assert any("Tales RNN is a recurrent network" in one for one in told)
    assert any("Tales n-grams is a table of counted n-grams" in one for one in told)
    app = open_page("3_Attention", model="tales-rnn", text="Once upon a time")
    assert not app.exception and "tales-rnn" not in app.selectbox(key="model").options
    assert any("recurrent network" in one for one in sentences(app))


def test_without_files_the_view_is_there_for_who_asks_and_offered_to_nobody(
    open_page: Open,
) -> None:
    def names(app: AppTest) -> list[str]:
        return list(app.button_group(key="view").options)

    assert "Before transformers" not in names(open_page("5_Decoding", model="tales-gpt"))
    asked = open_page("5_Decoding", model="tales-gpt", view="Before transformers")
    assert "Before transformers" in names(asked)
    assert any("engine.training" in box.value.replace("\\", "") for box in asked.info)
