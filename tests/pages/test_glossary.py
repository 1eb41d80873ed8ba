"""The glossary on Learn: grouped, searched, each term with its picture and its lesson."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from engine.learn.glossary import terms
from engine.learn.reader import shipped
from pages.shell.lesson import course, dotted
from pages.shell.menu import FILES
from tests.pages.conftest import Open, components, crash

TERMS = terms()


def links(app: AppTest) -> dict[str, list[tuple[str, dict[str, list[str]]]]]:
    """Page links by label: the page's file, and what its address says."""
    found: dict[str, list[tuple[str, dict[str, list[str]]]]] = {}
    for element in app.get("page_link"):
        proto = element.proto
        found.setdefault(proto.label, []).append((proto.page, parse_qs(proto.query_string)))
    return found


def shown(app: AppTest) -> list[str]:
    """The names of the terms that are listed."""
    texts = (one.value for one in app.markdown)
    return [text.split(":**")[0].removeprefix("**") for text in texts if ":**" in text]


def test_the_first_group_is_listed_and_another_may_be_chosen(open_page: Open) -> None:
    app = open_page("0_Learn")
    assert not crash(app), crash(app)
    first = [one.name for one in TERMS.values() if one.group == "Text and tokens"]
    assert [name.replace("\\", "") for name in shown(app)] == first
    app.button_group(key="glossary-group").set_value("Attention").run()
    assert not crash(app), crash(app)
    names = shown(app)
    assert "softmax" in names and "token" not in names


@pytest.mark.feature("Glossary")
def test_every_group_lists_its_terms_with_picture_and_lesson(open_page: Open) -> None:
    app = open_page("0_Learn")
    seen = 0
    for group in dict.fromkeys(term.group for term in TERMS.values()):
        app.button_group(key="glossary-group").set_value(group).run()
        assert not crash(app), crash(app)
        there = links(app)
        for term in (one for one in TERMS.values() if one.group == group):
            step = shipped()[term.lesson].steps[term.step - 1]
            label = next(one for one in there if one.replace("\\", "") == f"See {term.name}")
            ((_, state),) = there[label]
            assert state == {key: [value] for key, value in step.state.items()}, term.name
            lessons = [state for _, state in there[f"Lesson {term.lesson}"]]
            assert {"lesson": [term.lesson], "lesson_step": [str(term.step)]} in lessons
            seen += 1
    assert seen == 80


def test_a_search_goes_over_all_groups(open_page: Open) -> None:
    app = open_page("0_Learn")
    app.text_input(key="glossary-search").set_value("beam").run()
    assert "beam search" in shown(app) and "length penalty" in shown(app)
    app.text_input(key="glossary-search").set_value("").run()
    assert "token" in shown(app)


@pytest.mark.parametrize("typed", ["<img src=x onerror=alert(1)>", "**b**", "](javascript:x)"])
def test_what_strangers_search_for_is_escaped(open_page: Open, typed: str) -> None:
    app = open_page("0_Learn")
    app.text_input(key="glossary-search").set_value(typed).run()
    assert not crash(app), crash(app)
    said = next(one.value for one in app.caption if "No terms" in one.value)
    assert "<img" not in said.replace("\\<img", "") and "**b**" not in said.replace("\\*", "")
    assert not shown(app)


def test_a_picture_link_opens_the_page_as_its_step_does(open_page: Open) -> None:
    """One of each page, opened: no complaint, and no lesson in the way."""
    pages = {}
    for term in TERMS.values():
        step = shipped()[term.lesson].steps[term.step - 1]
        pages.setdefault(step.page, step)
    assert set(pages) == set(FILES) - {"Home", "Learn"}
    for step in pages.values():
        app = open_page(FILES[step.page].split("/")[-1].removesuffix(".py"), **step.state)
        assert not crash(app), crash(app)
        assert not [one for one in app.button if str(one.key).startswith("lesson-")]


@pytest.mark.parametrize("page", ["Home", "0_Learn", "1_Tokenization", "3_Attention", "5_Decoding"])
def test_the_browser_is_told_the_terms_once_on_every_page(open_page: Open, page: str) -> None:
    app = open_page(page)
    assert not crash(app), crash(app)
    (data,) = components(app, "atlas_terms")
    assert [one["forms"][0] for one in json.loads(data["terms"])] == list(TERMS)
    assert len(json.dumps(data)) < 20_000


def test_a_step_that_a_browser_names_is_opened_where_there_is_one(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, int]] = []
    monkeypatch.setattr(course, "open_step", lambda lesson, step: opened.append((lesson.id, step)))
    for told in (
        {"lesson": "4.4", "step": 2},
        {"lesson": "9.9", "step": 1},
        {"lesson": "4.4", "step": 99},
        {"lesson": "4.4", "step": True},
        {"lesson": ["x"], "step": "2"},
        None,
    ):
        monkeypatch.setattr(dotted.st, "session_state", {dotted.KEY: {"lesson": told}})
        dotted._open()
    assert opened == [("4.4", 2)]
