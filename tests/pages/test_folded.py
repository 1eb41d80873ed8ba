"""What is folded away is made when it is opened, and what links say of it is kept all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.proto.Block_pb2 import Block as BlockProto
from streamlit.testing.v1 import AppTest

from engine.learn.reader import shipped
from pages.shell.menu import FILES
from tests.pages.conftest import Open, components, crash, unfolded

ATTENTION = "3_Attention"
TEXT = "The monkey ate that banana because it was too hungry."
PAGES = (
    ("1_Tokenization", {}),
    ("1_Tokenization", {"view": "Vocabulary"}),
    ("1_Tokenization", {"view": "Token + position embeddings"}),
    ("2_Embeddings", {}),
    ("2_Embeddings", {"view": "Through the layers"}),
    (ATTENTION, {}),
    (ATTENTION, {"view": "Lines"}),
    (ATTENTION, {"view": "Patching"}),
    ("4_Translation", {}),
    ("5_Decoding", {}),
)
# Of a head that was chosen for the text its numbers stand in the address.
ALWAYS = {"Find a head"}


def folds(block: Any) -> Iterator[tuple[str, int]]:
    """Every popover and expander: what is written on it, and how much is in it."""
    for child in block.children.values():
        if not hasattr(child, "children"):
            continue
        proto = child.proto
        if isinstance(proto, BlockProto) and proto.WhichOneof("type") == "popover":
            proto = proto.popover
        if isinstance(proto, BlockProto.Popover | BlockProto.Expandable):
            yield proto.label, len(child.children)
        yield from folds(child)


def folded(app: AppTest) -> list[tuple[str, int]]:
    return list(folds(app.main))


@pytest.mark.parametrize(("page", "address"), PAGES)
def test_no_page_makes_what_nobody_opened(
    open_page: Open, page: str, address: dict[str, str]
) -> None:
    app = open_page(page, **address)
    assert not crash(app)
    found = folded(app)
    assert "Share" in {label for label, _ in found}
    assert [one for one in found if one[1] and one[0] not in ALWAYS] == []


def test_an_opened_fold_is_full_and_a_closed_one_empty_again(open_page: Open) -> None:
    app = open_page(ATTENTION, text=TEXT)
    app = unfolded(app, "attention-options", "samples")
    assert dict(folded(app))["Options"] > 5 and dict(folded(app))["Samples"] > 5
    assert app.slider(key="threshold").value == 0
    app.session_state["attention-options"] = False
    app.run()
    assert not crash(app) and dict(folded(app))["Options"] == 0


def test_a_control_in_a_closed_fold_stays_in_the_address_and_says_what_it_said(
    open_page: Open,
) -> None:
    app = open_page(ATTENTION, text=TEXT, threshold="40")
    assert app.slider(key="threshold").value == 40 and dict(folded(app))["Options"] > 5
    app = unfolded(app, "attention-options")
    app.slider(key="threshold").set_value(25).run()
    app.session_state["attention-options"] = False
    app.run()
    assert app.slider(key="threshold").value == 25
    (copied,) = components(app, "atlas_copy")
    assert copied["values"]["threshold"] == "25"


def test_links_name_the_controls_of_a_closed_fold(open_page: Open) -> None:
    for page, keys in (
        (ATTENTION, {"threshold", "scale", "hide", "off", "write"}),
        ("4_Translation", {"beams", "penalty", "stop_when", "begin"}),
        ("5_Decoding", {"length", "seed", "stop"}),
        ("1_Tokenization", {"below", "special"}),
    ):
        assert keys <= set(open_page(page).session_state["atlas"].listed)


def test_what_a_lesson_points_at_is_there(open_page: Open) -> None:
    """In a closed fold too: the ring around it is drawn when the fold is opened."""
    asked = [
        (lesson.id, number, step.page, one.name)
        for lesson in shipped().values()
        for number, step in enumerate(lesson.steps, 1)
        for one in step.highlights
        if one.means == "control" and one.name in ("off", "length")
    ]
    assert {name for *_, name in asked} == {"off", "length"}
    for lesson, number, page, name in asked:
        file = FILES[page].split("/")[-1].removesuffix(".py")
        app = open_page(file, lesson=lesson, lesson_step=str(number), seconds=120)
        assert not crash(app)
        drawn = {str(one.key) for kind in (app.multiselect, app.number_input) for one in kind}
        assert name in drawn
