"""The Translation page, run without a browser: steps, links, forcing, comparing, bad input."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine import runtime
from engine.settings import settings
from engine.translation import Translation
from engine.values import Reading
from pages.shell import cache
from pages.views.translation import moments
from tests.engine.checkpoints import Bundles
from tests.engine.tasks import MARKS, NAMES, told
from tests.pages.conftest import Open, crash, sentences

PAGE = "4_Translation"
TEXT = "Il a mangé une pomme rouge."


def pictures(app: AppTest) -> dict[str, str]:
    """The SVG of each of our pictures on the page, by its element id."""
    found = {}
    for element in app.get("bidi_component"):
        data = json.loads(element.proto.json) if element.proto.json else {}
        if "svg" in data:
            found[element.proto.id] = data["svg"]
    return found


def picture(app: AppTest, key: str) -> str:
    return next(svg for name, svg in pictures(app).items() if key in name)


def said(app: AppTest) -> str:
    return " ".join(m.value for m in [*app.markdown, *app.caption]).replace("\\", "")


def translation(text: str = TEXT, **options) -> Translation:
    from engine.beams import Search

    reading = Reading("fr-en", text)
    limit = 20 + 3 * len(cache.cut("fr-en", text))
    search = Search(options.pop("width", 4), limit=limit)
    return cache.translation_trace(reading, search, **options).translation


def test_the_page_opens_on_a_finished_translation(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT)
    assert not crash(app) and not sentences(app)
    found = translation()
    assert app.slider(key="translation-step").value == moments(len(found.written()))
    assert 'data-id="s0"' in picture(app, "translation-stage")
    assert len(app.dataframe[0].value) == len(found.found.hypotheses)


@pytest.mark.parametrize("step", range(1, 9))
def test_each_step_of_the_course_shows_this_sentences_numbers(open_page: Open, step: int) -> None:
    app = open_page(PAGE, text=TEXT, step=str(step))
    assert not crash(app) and not sentences(app)
    found = translation()
    n, written = len(found.source), said(app)
    assert f"**{step} " in written
    expected = {
        1: (f"cut into {n} tokens",),
        2: (f"{n} ids", "256 learned numbers"),
        3: (f"all {n} tokens", "8 heads"),
        4: (f"{n} × 256 = {n * 256:,}",),
        5: (f"the {n} vectors",),
        6: (f"start token, id {found.prompt[0]}",),
        7: ("Token 1: one logit",),
        8: ("Token 2: one logit",),
    }
    assert all(part in written for part in expected[step]), written
    shown = " ".join(pictures(app))
    assert "translation-towers" in shown
    assert ("translation-stage" in shown) == (step >= 7)
    assert (f"translation-part-{step}" in shown) == (step < 7)


def test_moving_in_time_never_runs_the_model(open_page: Open, monkeypatch) -> None:
    app = open_page(PAGE, text=TEXT)
    runs = []
    plain = runtime.Bundle.run
    monkeypatch.setattr(
        runtime.Bundle, "run", lambda *a, **k: (runs.append(a[1]), plain(*a, **k))[1]
    )
    for step in (*range(1, 10), 3):
        app.slider(key="translation-step").set_value(step).run()
        assert not crash(app)
    assert runs == []


def test_greedy_and_beams_are_what_the_engine_finds(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, search="Greedy")
    assert list(app.dataframe[0].value["translation"]) == list(translation(width=1).texts)
    assert app.slider(key="beams").disabled
    app = open_page(PAGE, text=TEXT, beams="8")
    assert list(app.dataframe[0].value["translation"]) == list(translation(width=8).texts)


def test_a_forced_beginning_comes_from_the_link_and_can_be_undone(open_page: Open) -> None:
    own = translation()
    options = own.found.tree.option_ids[0]
    other = next(int(i) for i in options if int(i) != own.written()[0])
    app = open_page(PAGE, text=TEXT, forced=str(other))
    assert not crash(app) and not sentences(app)
    found = translation(prefix=(other,))
    assert list(app.dataframe[0].value["translation"]) == list(found.texts)
    assert "forced" in picture(app, "translation-stage")
    assert "text-decoration" in picture(app, "translation-beside")
    app.button(key="translation-free").click().run()
    assert list(app.dataframe[0].value["translation"]) == list(own.texts)


def test_a_typed_beginning_is_kept(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT)
    app.text_input(key="translation-begin").set_value("She").run()
    assert not crash(app)
    assert all(text.startswith("She") for text in app.dataframe[0].value["translation"])


def test_another_sentence_is_told_from_its_end(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, step="3", place="2")
    assert app.slider(key="translation-step").value == 3
    for text in ("Bonjour.", "Les enfants jouent dans le jardin avec leur petit chien noir."):
        app.text_area(key="text").set_value(text).run()
        assert not crash(app) and not sentences(app)
        slider = app.slider(key="translation-step")
        assert slider.value == slider.max == moments(len(translation(text).written()))
        slider.set_value(2).run()
        assert "**2 Embed.**" in said(app)


def test_the_story_of_another_hypothesis_is_told(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, place="2")
    assert not crash(app) and not sentences(app)
    assert "hypothesis 2 of 4" in said(app)
    assert app.slider(key="translation-step").value == moments(len(translation().written(1)))
    app.text_area(key="text").set_value("Bonjour.").run()
    assert "hypothesis" not in " ".join(c.value for c in app.caption)


def test_alignment_shows_the_chosen_head(open_page: Open) -> None:
    import base64
    import re

    app = open_page(PAGE, text=TEXT, show="Alignment", cross_layer="layer 2", cross_head="head 3")
    assert not crash(app) and not sentences(app)
    svg = picture(app, "translation-alignment")
    data = re.search(r'data-values="([^"]+)"', svg)
    assert data is not None
    from engine.beams import Search

    limit = 20 + 3 * len(cache.cut("fr-en", TEXT))
    trace = cache.translation_trace(Reading("fr-en", TEXT), Search(4, limit=limit))
    drawn = np.frombuffer(base64.b64decode(data[1]), "<f2").reshape(trace.cross[1, 2].shape)
    assert np.allclose(drawn, trace.cross[1, 2], atol=1e-3)


def test_compare_scores_a_reference(open_page: Open) -> None:
    app = open_page(
        PAGE, text=TEXT, show="Compare", reference="He ate a red apple.", against=["greedy"]
    )
    assert not crash(app) and not sentences(app)
    table = app.dataframe[0].value
    assert list(table["which"]) == ["This translation", "greedy"]
    assert ((table["chrF"] >= 0) & (table["chrF"] <= 100)).all()
    assert "Reference" in picture(app, "translation-compared")


def test_what_if_the_sentence_were_another(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, show="Compare", instead="Il a mangé une pomme verte.")
    assert not crash(app)
    assert "With the other sentence" in picture(app, "translation-compared")


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ({"step": "999"}, "Moment 999"),
        ({"cross_layer": "layer 99"}, "layer 99"),
        ({"beams": "abc"}, "Beams"),
        ({"penalty": "7"}, "Length penalty 7"),
        ({"forced": "12-x"}, "Forced beginning"),
        ({"forced": "99999"}, "Forced beginning"),
        ({"search": "dice"}, "Search"),
        ({"pick": 'c0.5" data-on="t0'}, "Pick"),
        ({"text": "   "}, "empty"),
        ({"text": "bonjour " * 5000}, "256"),
    ],
)
def test_bad_links_and_texts_are_a_sentence(open_page: Open, address, part: str) -> None:
    app = open_page(PAGE, **{"text": TEXT, **address})
    assert not crash(app)
    assert any(part in sentence for sentence in sentences(app)), sentences(app)


@pytest.mark.parametrize(
    "text", ['<script>alert(1)</script> & "q"', "猫は眠る 😀", "مرحبا", "\x00\x01 a", "e\u0301" * 9]
)
def test_strange_texts_are_translated_as_well_as_may_be(open_page: Open, text: str) -> None:
    app = open_page(PAGE, text=text)
    assert not crash(app)
    assert not any("<script" in svg for svg in pictures(app).values())


def test_a_replaced_word_stands_beside_the_first_and_is_taken_back(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, swap="15-20:poire")
    assert not crash(app) and not sentences(app)
    other = translation(TEXT.replace("pomme", "poire"))
    assert list(app.dataframe[0].value["translation"]) == list(other.texts)
    beside = picture(app, "translation-beside")
    assert "“poire” for “pomme”" in beside and "Your sentence as it is" in beside
    assert app.text_area(key="text").value == TEXT
    app.button(key="translation-back").click().run()
    assert list(app.dataframe[0].value["translation"]) == list(translation().texts)
    assert "swap" not in app.query_params


def test_a_source_word_is_clicked_typed_over_and_undone(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, pick="s4")
    box = next(b for b in app.text_input if str(b.key).startswith("translation-swap-"))
    old = box.label.split("“")[1].split("”")[0]
    app.text_input(key=str(box.key)).set_value("poire").run()
    assert not crash(app)
    assert app.query_params["swap"].endswith(":poire")
    assert list(app.dataframe[0].value["translation"]) == list(
        translation(TEXT.replace(old, "poire")).texts
    )
    app.text_input(key="translation-begin").set_value("She").run()
    assert all(text.startswith("She") for text in app.dataframe[0].value["translation"])
    app.button(key="translation-back").click().run()
    assert app.query_params["swap"].endswith(":poire") and "begin" not in app.query_params
    app.button(key="translation-back").click().run()
    assert "swap" not in app.query_params


def test_words_that_are_not_there_are_not_replaced(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, swap="900-905:poire")
    assert not crash(app)
    assert any("Replaced words" in sentence for sentence in sentences(app))


@pytest.fixture
def told_models(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """The tiny models with tasks and languages, as if somebody had exported them."""
    for name in NAMES:
        (tmp_path / name).symlink_to(told(bundles, name)[0], target_is_directory=True)
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.timeout(600)
def test_tasks_and_languages_are_offered_and_obeyed(open_page: Open, told_models: None) -> None:
    app = open_page(PAGE, model="t5-tasks", text="The cat sat.")
    assert not crash(app) and not sentences(app)
    assert app.selectbox(key="task").value == "summarize: "
    first = list(app.dataframe[0].value["sum of log-probabilities"])
    app.selectbox(key="task").set_value("as it is").run()
    assert not crash(app)
    assert list(app.dataframe[0].value["sum of log-probabilities"]) != first
    for name, (_, marks) in MARKS.items():
        app = open_page(PAGE, model=name, text="The cat sat.", to=marks[2])
        assert not crash(app) and not sentences(app)
        assert (app.selectbox(key="to").value, app.selectbox(key="from").value) == marks[2:0:-1]
        stage = picture(app, "translation-stage")
        assert f">{marks[2]}<" in stage  # the language's mark is the first token written
        as_english = list(app.dataframe[0].value["sum of log-probabilities"])
        app.selectbox(key="from").set_value(marks[0]).run()
        assert not crash(app)
        assert list(app.dataframe[0].value["sum of log-probabilities"]) != as_english
        app = open_page(PAGE, model=name, text="The cat sat.", to="klingon")
        assert any("klingon" in sentence for sentence in sentences(app))
