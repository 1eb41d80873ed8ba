"""All at once, on Decoding: nothing measured, measured, stopped; with and without a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.api import local
from engine.store import store
from engine.timing.cache_size import CacheSize
from engine.timing.measuring import Timings
from pages.decoding.at_once import picture, words
from pages.pictures import curves
from pages.pictures.curves import Axes, Line
from tests.engine.predecessors_made import made_predecessors
from tests.pages.conftest import Open, components, crash, sentences

PAGE, VIEW, MODEL = "5_Decoding", "All at once", "tales-gpt"
MEMORY = "Memory of keys and values"
SHAPE = CacheSize(2, 3, 4, 4)


def made(*, recurrent: bool = True) -> Timings:
    """Times that can be told by heart: 1, 2, 16 tokens; two turns, the second twice as slow."""
    turns = np.array([[1.0], [2.0]])
    return Timings(
        counts=np.array([1, 2, 16]),
        read=turns * np.array([0.002, 0.002, 0.003]),
        written=turns * np.full(16, 0.002),
        recurred=turns * np.array([0.001, 0.002, 0.016]) if recurrent else None,
        held=np.array([SHAPE.nbytes(n) for n in (1, 2, 16)]),
        wanted=16,
    )


def shown(open_page: Open, **address: str) -> AppTest:
    app = open_page(PAGE, **{"view": VIEW, "model": MODEL, "timed": "16", **address})
    assert not crash(app), crash(app)
    return app


def titles(app: AppTest) -> list[str]:
    """The titles of the pictures, in their order."""
    drawn = [one["svg"] for one in components(app, "atlas_picture")]
    return [one.partition("<title>")[2].partition("</title>")[0] for one in drawn]


def measured(app: AppTest) -> AppTest:
    app.button(key="timing-begin").click().run()
    for _ in range(300):
        job = local().measuring(MODEL, 16)
        if job is not None and job.wait(1):
            break
    return app.run()


def said(app: AppTest) -> str:
    return "\n".join(one.value.replace("\\", "") for one in [*app.markdown, *app.caption])


@pytest.mark.feature("Reading at once, step by step, writing: times measured on this machine")
def test_it_is_measured_by_hand_once_and_drawn_with_its_spread(
    open_page: Open, no_predecessors: None, models: Path
) -> None:
    store().clear()
    made_predecessors(models)
    app = shown(open_page)
    assert "Nothing is measured yet" in app.info[0].value and "a recurrent" in app.info[0].value
    assert titles(app) == [MEMORY]  # the formula needs no clock
    app = measured(app)
    assert not crash(app), crash(app)
    assert not app.info and not sentences(app)
    assert titles(app) == ["All at once", "Keys and values kept or computed anew", MEMORY]
    found = local().timed(MODEL, 16)
    assert found is not None and found.ways == ("at once", "recurrent", "written")
    text = said(app)
    assert words.reading_said(found) in text and words.cache_said(found) in text
    assert "The arrays take exactly that." in text
    app = shown(open_page)  # another visitor
    assert app.button(key="timing-begin").label == "Measure again" and not app.info
    assert local().timed(MODEL, 16) is found
    assert components(app, "atlas_copy")[0]["values"]["timed"] == "16"


@pytest.mark.feature("Keys and values kept or computed anew: bytes and milliseconds, measured")
def test_without_a_network_the_transformer_is_measured_alone(
    open_page: Open, no_predecessors: None, models: Path
) -> None:
    store().clear()
    app = measured(shown(open_page))
    assert not crash(app), crash(app)
    found = local().timed(MODEL, 16)
    assert found is not None and found.ways == ("at once", "written")
    assert words.cache_said(found) in said(app)
    assert "python -m engine.training tales-rnn" in said(app)
    drawn = components(app, "atlas_picture")[0]["svg"]
    assert words.NAMES["written"] in drawn and "Recurrent network" not in drawn


def test_a_length_that_is_not_offered_is_put_right(open_page: Open) -> None:
    app = shown(open_page, timed="100")
    assert any("100" in one for one in sentences(app))
    assert app.button_group(key="timed").value == 256


def test_only_a_decoder_is_offered_the_view(open_page: Open) -> None:
    app = open_page(PAGE, model="fr-en", text="Le chat dort.", view=VIEW)
    assert not crash(app) and VIEW not in app.button_group(key="view").options


def test_a_measurement_that_is_refused_is_a_sentence(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.jobs import registry

    monkeypatch.setattr(registry, "_full", lambda kind, viewer: "All places are taken (1).")
    app = shown(open_page, timed="32")
    app.button(key="timing-begin").click().run()
    assert not crash(app) and any("places are taken" in one for one in sentences(app))


def test_words_say_the_numbers() -> None:
    found = made()
    assert words.reading_said(found) == (
        "16 tokens: the transformer reads them in one run in 3 ms, the recurrent network step by "
        "step in 16.0 ms, writing them one by one takes 32.0 ms. 16 tokens against 1: one run "
        "1.5 times, step by step 16 times, writing 16 times as long."
    )
    assert words.cache_said(found) == (
        "After 16 tokens the next one takes 2 ms with keys and values kept, 3 ms where they are "
        "computed anew: 1.5 times as long. Prefill reads 5,300 tokens a second, decode writes 500."
    )
    assert "exactly" in words.bytes_said(SHAPE, 16, found)
    window = replace(found, held=np.array([192, 384, 384]))
    assert words.bytes_said(SHAPE, 16, window).endswith(
        "The arrays of this model take 384 bytes after 16 tokens, not 3.07 kB."
    )
    for text in (words.reading_said(found), words.cache_said(found)):
        assert len(text.split()) <= 60
    assert words.reading_tips(found)[2].splitlines()[0] == "16 tokens"
    assert "median 4.5 ms, slowest 6 ms" in words.reading_tips(found)[2]
    table = words.reading_table(found)
    assert len(table["way"]) == 18 and table["milliseconds"][2] == pytest.approx(3.0)
    assert len(words.cache_table(found)["turn"]) == 12
    assert words.bytes_table(SHAPE, [1, 2, 16], found)["bytes of the arrays"] == [192, 384, 3072]


def test_pictures_have_a_place_for_every_number_of_tokens() -> None:
    for lines, axes in (picture.reading(made()), picture.cache(made()),
                        picture.held(SHAPE, [1, 2, 16], made()),
                        picture.held(SHAPE, [1, 2, 16], None)):  # fmt: skip
        drawing = ElementTree.fromstring(curves.wide(lines, axes, "Title", "said"))
        places = [one.attrib for one in drawing.iter() if "data-id" in one.attrib]
        assert [one["data-id"] for one in places] == ["x0", "x1", "x2"]
        assert all(float(one["width"]) >= 24 and one["data-tip"] for one in places)
        ElementTree.fromstring(curves.curves(lines, axes, "Title", "said"))
    without, _ = picture.reading(made(recurrent=False))
    assert [one.name for one in without] == [words.NAMES["at once"], words.NAMES["written"]]


def test_a_scale_of_powers_goes_around_all_numbers_and_is_never_empty() -> None:
    def scale(*values: float | None) -> tuple[float, float, list[float]]:
        low, high = curves._ends([Line("a", values)])
        return 10**low, 10**high, curves._ticks(low, high)

    low, high, ticks = scale(3.0, 40.0)
    assert (low, high) == (pytest.approx(2), pytest.approx(50))
    assert ticks == pytest.approx([2, 5, 10, 20, 50])
    low, high, ticks = scale(1.0, 1e30)
    assert len(ticks) <= curves.TICKS and ticks[0] == 1
    for values in ((), (None,), (0.0,), (5.0, 5.0), (1e-9, 1e-9)):
        low, high, ticks = scale(*values)
        assert low < high and ticks
    axes = Axes(["<1>"], "<b>", "&", ["<i>"], str)
    ElementTree.fromstring(curves.wide([Line("<x>", [1.0], formula="a<b")], axes, "<t>", "<s>"))
