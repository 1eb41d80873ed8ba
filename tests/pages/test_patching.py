"""Activation patching on the page Attention: the map, one cell's numbers, links, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.errors import EngineError
from engine.patching.contrast import LONGEST, PARTS, Experiment
from engine.patching.restoring import Patched
from pages.attention.patching import picture as view
from pages.attention.patching import words
from pages.attention.patching.pairs import PAIRS
from pages.attention.patching.words import Called
from pages.shell.cache import engine
from tests.pages.conftest import Open, sentences, tables
from tests.pages.test_attention import picture as drawn
from tests.pages.test_attention import weights_of

PAGE, VIEW = "3_Attention", "Patching"
CLEAN, CORRUPTED = "The girl went to bed, for", "The man went to bed, for"
CALLED = Called((" The", " girl|man", " went", " to", " bed", ",", " for"), (" she", " he"), "next")


def opened(open_page: Open, **address: str) -> AppTest:
    link = {"model": "tales-gpt", "view": VIEW, "text": CLEAN, "corrupted": CORRUPTED, **address}
    app = open_page(PAGE, **link)
    for _ in range(600):
        if all(button.key != "patching-stop" for button in app.button):
            return app
        app.run()
    raise AssertionError("it was never done")


def said(app: AppTest) -> str:
    return "\n".join(one.value.replace("\\", "") for one in [*app.markdown, *app.caption])


@pytest.mark.feature("Activation patching: each (layer, token) restored, how much comes back")
@pytest.mark.parametrize("name", list(words.NAMES.values()))
def test_the_map_holds_what_the_engine_computes(open_page: Open, name: str) -> None:
    app = opened(open_page, restore=name)
    assert not app.exception and not sentences(app)
    part = PARTS[list(words.NAMES.values()).index(name)]
    found = engine().patched(Experiment("tales-gpt", CLEAN, CORRUPTED, part=part))
    svg = drawn(app, "patching-map")["svg"]
    assert np.abs(weights_of(svg) - found.restored).max() < 1e-3
    assert "logit difference" in drawn(app, "patching-cell")["alt"]
    text = said(app)
    assert "Logit of “·she” minus logit of “·he”, next: +3.26 in the clean run" in text
    assert "Restored = (patched − corrupted) / (clean − corrupted)" in text
    assert words.said(found, called(found)) in text and drawn(app, "patching-map")["alt"]


def called(found: Patched) -> Called:
    texts = engine().texts
    clean, corrupted = (texts("tales-gpt", one.ids.tolist()) for one in
                        (found.contrast.clean, found.contrast.corrupted))  # fmt: skip
    she, he = texts("tales-gpt", found.contrast.answers)
    return Called(words.tokens(clean, corrupted), (she, he), "next")


def test_a_pinned_cell_is_in_the_link_and_its_numbers_are_said(open_page: Open) -> None:
    app = opened(open_page, cell="l5 t6")
    found = engine().patched(Experiment("tales-gpt", CLEAN, CORRUPTED))
    share = words.percent(float(found.restored[5, 6]))
    assert "Residual stream after layer 5, “·for” (token 7) restored" in said(app)
    assert f"= {share}." in said(app) and drawn(app, "patching-map")["locked"] == "l5 t6"
    app = opened(open_page, cell="l9 t6")
    assert any("l9 t6 does not exist here" in one for one in sentences(app))


def test_the_table_has_a_line_for_every_cell(open_page: Open) -> None:
    app = opened(open_page)
    app.session_state["table-patching"] = True
    table = tables(app.run())[-1]
    assert len(table["layer"]) == 7 * 7 and table["text"][1] == "girl|man"


def test_an_encoder_is_asked_at_its_mask(open_page: Open) -> None:
    app = opened(
        open_page,
        model="tales-bert",
        text="The girl lost [MASK] shoe.",
        corrupted="The boy lost [MASK] shoe.",
    )
    assert not app.exception and not sentences(app)
    assert "Logit of “her” minus logit of “his”, at the mask" in said(app)


BAD = [
    ({"corrupted": "The man went to his bed, for"}, "7 tokens and the corrupted one 8"),
    ({"corrupted": CLEAN}, "Change a word of the corrupted sentence"),
    ({"corrupted": "The lady went to bed, for"}, "Both answers are “she”"),
    ({"text": " a" * (LONGEST + 2), "corrupted": " b" * (LONGEST + 2)}, "Shorten both by 2"),
    ({"clean_answer": "he", "corrupted_answer": "he"}, "Type two answers"),
]


@pytest.mark.parametrize(("address", "sentence"), BAD)
def test_each_bad_input_is_one_sentence(
    open_page: Open, address: dict[str, str], sentence: str
) -> None:
    app = opened(open_page, **address)
    assert not app.exception
    assert [one for one in sentences(app) if sentence in one], sentences(app)
    assert len(sentences(app)) == 1


def test_without_a_second_sentence_the_ready_pairs_are_offered(open_page: Open) -> None:
    app = opened(open_page, text="Once upon a time", corrupted="")
    assert not app.exception and "needs a second sentence" in app.info[0].value
    app.button(key="patching-pair-below-1").click().run()
    assert not app.exception
    assert app.text_area(key="text").value == PAIRS[0].clean
    assert app.text_input(key="corrupted").value == PAIRS[0].corrupted


@pytest.mark.parametrize("model", ["tales-gpt", "tales-bert"])
def test_three_ready_pairs_or_two_work_well_with_a_shipped_model(model: str) -> None:
    card, worked = engine().card(model), 0
    mask = engine().texts(model, [card.mask])[0] if card.mask is not None else ""
    for pair in (one for one in PAIRS if one.family == card.family):
        one, other = (text.replace("{mask}", mask) for text in (pair.clean, pair.corrupted))
        try:
            clean, corrupted = engine().contrast(Experiment(model, one, other)).differences
        except EngineError:
            continue
        worked += clean > 0 > corrupted
    assert worked >= (3 if model == "tales-gpt" else 2)


def test_two_towers_have_no_such_view(open_page: Open) -> None:
    app = open_page(PAGE, model="fr-en", view=VIEW, text="Le chat dort.")
    assert not app.exception and VIEW not in app.segmented_control(key="view").options


def test_a_sentence_of_the_residual_stream_says_where_it_goes() -> None:
    found = engine().patched(Experiment("tales-gpt", CLEAN, CORRUPTED))
    text = words.said(found, CALLED)
    assert text.startswith("Most comes back first at “·girl|man” (token 2) before layer 1 to after")
    assert "in the end at “·for” (token 7)" in text
    assert len(text.split()) <= 60
    row, token = view.best_cell(found)
    assert 0 < row < 6 and found.restored[row, token] == np.max(found.restored[1:-1])
    assert view.parsed("l6 t6", found) == (6, 6)
    assert view.parsed("l7 t0", found) is view.parsed("t1", found) is view.parsed(None, found)


def test_before_any_layer_is_done_it_says_so() -> None:
    whole = engine().patched(Experiment("tales-gpt", CLEAN, CORRUPTED))
    none = type(whole)(whole.experiment, whole.contrast, np.full((7, 7), np.nan, np.float32))
    assert words.said(none, CALLED) == "The two runs are read; no layer is restored yet."
    assert words.cell_said(none, CALLED, 1, 1).endswith("not restored yet.")
    assert ">masked<" not in view.patching_map(none, CALLED, at=(1, 1), title="t")


def test_hostile_pieces_are_escaped() -> None:
    found = engine().patched(Experiment("tales-gpt", CLEAN, CORRUPTED))
    hostile = Called(("<script>",) * 7, ("<b>", "&"), "next")
    for svg in (
        view.patching_map(found, hostile, at=(1, 1), title="<t>"),
        view.cell_bars(found, hostile, (1, 1), title="<t>"),
    ):
        assert "<script>" not in svg and "<b>" not in svg
