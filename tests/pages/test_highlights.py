"""Highlights on the pages: every one of every step is found in a picture or a control."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.learn.reader import shipped
from pages.shell.menu import FILES
from tests.pages.conftest import Open, components, crash

LESSONS = shipped()
POINTING = [
    (one.id, n)
    for one in LESSONS.values()
    for n, step in enumerate(one.steps, 1)
    if step.highlights
]


def opened(open_page: Open, lesson: str, number: int, **more: str) -> AppTest:
    step = LESSONS[lesson].steps[number - 1]
    page = Path(FILES[step.page]).stem
    app = open_page(page, lesson=lesson, lesson_step=str(number), **more)
    assert not crash(app), crash(app)
    return app


def pointed(app: AppTest) -> str:
    """All that pictures of the page are given, and the rings of its maps, in one text."""
    svgs = [one["svg"] for one in components(app, "atlas_picture")]
    rings = [ring for one in components(app, "atlas_space") for ring in one["rings"]]
    return "\n".join([*svgs, *(f'data-highlight="{ring["name"]}" {ring["id"]}' for ring in rings)])


def keys(app: AppTest) -> set[str]:
    """The keys of all widgets that are drawn."""
    return {str(one.key) for one in app.main if hasattr(one, "key")} | {
        str(getattr(one, "key", "")) for one in app
    }


@pytest.mark.feature("Guided panel synchronised with the view")
@pytest.mark.parametrize(("lesson", "number"), POINTING, ids=[f"{a}-{b}" for a, b in POINTING])
def test_every_highlight_of_a_step_is_found_on_its_page(
    open_page: Open, lesson: str, number: int
) -> None:
    app = opened(open_page, lesson, number)
    svgs = pointed(app)
    for one in LESSONS[lesson].steps[number - 1].highlights:
        if one.means == "control":
            assert keys(app) & {one.name, f"set-{one.name}"}, f"{one} is no control that is drawn"
            style = " ".join(element.proto.body for element in app.get("html"))
            assert f".st-key-{one.name},.st-key-set-{one.name}" in style
        else:
            assert f'data-highlight="{one}"' in svgs, f"{one} is in no picture of the page"


def test_a_text_of_ones_own_is_pointed_at_where_it_has_the_word(open_page: Open) -> None:
    app = opened(open_page, "1.4", 1, text="A bank, and a bank, and a bank.")
    assert pointed(app).count('data-highlight="word:bank"') == 6  # in the text and in the chips
    app = opened(open_page, "1.4", 1, text="Nothing of that.")
    assert "data-highlight" not in pointed(app)


def test_a_row_follows_the_head_and_a_lesson_that_was_left_points_at_nothing(
    open_page: Open,
) -> None:
    app = opened(open_page, "3.1", 1, layer="2", head="3")
    assert 'data-highlight="row:it"' in pointed(app)
    app.button(key="lesson-leave").click().run()
    assert "data-highlight" not in pointed(app)


@pytest.mark.parametrize("view", ["Through the layers", "Vocabulary"])
def test_a_word_is_ringed_in_the_maps_of_vectors_and_in_their_drawings(
    open_page: Open, view: str
) -> None:
    app = opened(open_page, "1.4", 3, view=view)
    (data,) = components(app, "atlas_space")
    both = ((group["ids"], group["texts"]) for group in data["marks"])
    own = {one: name for ids, names in both for one, name in zip(ids, names, strict=True)}
    assert [ring["name"] for ring in data["rings"]] == ["word:bank", "word:bank"]
    assert all("bank" in own[ring["id"]] for ring in data["rings"])
    app.button(key="lesson-leave").click().run()
    (data,) = components(app, "atlas_space")
    assert data["rings"] == []


def test_a_step_of_another_page_points_at_nothing_here(open_page: Open) -> None:
    app = open_page("1_Tokenization", lesson="3.1", lesson_step="1")
    assert not crash(app) and "data-highlight" not in pointed(app)
