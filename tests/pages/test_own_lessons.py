"""Own lessons on the pages: views are added, written about, tried, saved, opened and shared."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.api import local
from engine.learn.authoring import drafted, opened, written
from engine.learn.drafts import Draft, DraftQuestion, DraftStep
from engine.learn.reader import LessonError, read, shipped
from engine.links.state import SharedState
from engine.links.store import links
from engine.settings import settings
from engine.values import FrozenDict
from pages.shell.controls import REGISTRY
from pages.shell.lesson import printing
from pages.shell.lesson.own import keeper, shelf
from pages.shell.lesson.own.checking import LOCKS, check, of_page
from pages.shell.lesson.own.shelf import Own
from pages.shell.links import making
from pages.shell.menu import FILES, PAGES
from tests.pages.conftest import Open, components, crash, sentences

A = DraftStep(
    "Decoding",
    FrozenDict({"model": "tales-gpt", "text": "Once upon a", "c1": "greedy", "length": "8"}),
    "Look at the **bars**.",
    DraftQuestion("top_token", form="word", ask="Which token is first?"),
)
B = DraftStep(
    "Attention",
    FrozenDict({"model": "tales-bert", "text": "The monkey ate it.", "layer": "2", "head": "3"}),
    "Who attends to whom?",
    highlights=("row:it",),
)
MINE = Draft("Mine", 3, "One thing.", (A, B))
NAME = "own-00000001"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store of links of its own, and an address that may make them."""
    monkeypatch.setattr(making, "count_new", lambda: None)  # AppTest has no address
    monkeypatch.setenv("ATLAS_LINKS", str(tmp_path / "links.sqlite"))
    settings.cache_clear()
    links.cache_clear()
    yield tmp_path
    settings.cache_clear()
    links.cache_clear()


def held(app: AppTest) -> Own:
    return app.session_state["own-lessons"]


def with_lesson(app: AppTest, draft: Draft = MINE, at: int | None = None) -> AppTest:
    """A session that has a lesson, open at a step."""
    own = Own(told=True, drafts={NAME: draft}, latest=NAME)
    own.editing = None if at is None else (NAME, at)
    app.session_state["own-lessons"] = own
    app.run()
    assert not crash(app), crash(app)
    return app


def keyed(app: AppTest, kind: str, begins: str):
    return next(one for one in getattr(app, kind) if str(one.key).startswith(begins))


def test_a_view_is_added_from_a_page_and_is_that_very_view(open_page: Open) -> None:
    app = open_page(
        "3_Attention", layer="2", head="3", text="The monkey ate it.", model="tales-bert"
    )
    app.session_state["share-panel"] = True
    with_lesson(app, Draft("Mine"), 0)
    app.button(key="own-add").click().run()
    assert not crash(app), crash(app)
    (step,) = held(app).drafts[NAME].steps
    assert step.page == "Attention" and step.state["layer"] == "2" and step.state["head"] == "3"
    assert step.state["text"] == "The monkey ate it." and step.state["model"] == "tales-bert"
    assert held(app).editing == (NAME, 0)
    shown = components(app, "atlas_copy")[0]
    for key, value in step.state.items():
        assert shown["values"][key] == value, key


def test_what_is_typed_is_the_steps_and_can_be_undone(open_page: Open) -> None:
    app = with_lesson(open_page("5_Decoding", **dict(A.state)), at=0)
    keyed(app, "text_area", "own-text-").set_value("Another **text**.").run()
    keyed(app, "text_input", "own-title-").set_value("A new title").run()
    draft = held(app).drafts[NAME]
    assert (draft.steps[0].text, draft.title) == ("Another **text**.", "A new title")
    app.button(key="own-undo").click().run()
    app.button(key="own-undo").click().run()
    assert held(app).drafts[NAME] == MINE
    assert keyed(app, "text_area", "own-text-").value == "Look at the **bars**."


def test_a_question_is_chosen_from_live_answers_and_its_answer_is_shown(open_page: Open) -> None:
    app = with_lesson(open_page("5_Decoding", **dict(A.state)), at=0)
    chosen = keyed(app, "selectbox", "own-question-")
    assert chosen.value == "top_token"
    assert any("Right here" in one.value and "time" in one.value for one in app.caption)
    chosen.set_value("rank_of").run()
    assert not crash(app), crash(app)
    question = held(app).drafts[NAME].steps[0].question
    assert question is not None and question.given["word"] in ("Once", "upon", "a")
    keyed(app, "selectbox", "own-with-word-").set_value("upon").run()
    question = held(app).drafts[NAME].steps[0].question
    assert question is not None and question.given == {"word": "upon"}
    assert any("Right here" in one.value and "upon" in one.value for one in app.caption)
    keyed(app, "text_area", "own-ask-").set_value("Which rank?").run()
    keyed(app, "selectbox", "own-form-").set_value("number").run()
    question = held(app).drafts[NAME].steps[0].question
    assert question is not None and (question.ask, question.form) == ("Which rank?", "number")
    keyed(app, "selectbox", "own-question-").set_value("No question").run()
    assert held(app).drafts[NAME].steps[0].question is None


def test_choices_are_written_with_a_reason_each(open_page: Open) -> None:
    app = with_lesson(open_page("5_Decoding", **dict(A.state)), at=0)
    keyed(app, "selectbox", "own-form-").set_value("choice").run()
    app.button(key="own-choices-write").click().run()
    assert not crash(app), crash(app)
    keyed(app, "text_input", "own-choice-1-").set_value("Sleep").run()
    keyed(app, "text_input", "own-right-1-").set_value("sleep").run()
    keyed(app, "text_input", "own-because-1-").set_value("It is {answer}.").run()
    app.button(key="own-choices-drop-3").click().run()
    question = held(app).drafts[NAME].steps[0].question
    assert question is not None and len(question.choices) == 3
    assert (question.choices[1].text, question.choices[1].value) == ("Sleep", "sleep")
    assert question.choices[1].because == "It is {answer}."
    keyed(app, "text_input", "own-right-0-").set_value("zebra").run()
    assert any("is not among the choices" in one.value for one in app.caption)


def test_where_the_text_gives_no_answer_that_is_said(open_page: Open) -> None:
    app = with_lesson(open_page("3_Attention", **dict(B.state)), at=1)
    keyed(app, "selectbox", "own-question-").set_value("parting_layer").run()
    assert not crash(app), crash(app)
    assert any("only once" in one for one in sentences(app))


def test_steps_are_moved_deleted_and_brought_back(open_page: Open) -> None:
    app = with_lesson(open_page("5_Decoding", **dict(A.state)), at=0)
    app.button(key="own-down").click().run()
    assert [one.page for one in held(app).drafts[NAME].steps] == ["Attention", "Decoding"]
    assert held(app).editing == (NAME, 1)
    app.button(key="own-delete").click().run()
    assert [one.page for one in held(app).drafts[NAME].steps] == ["Attention"]
    app = with_lesson(open_page("5_Decoding", **dict(A.state)), at=0)
    app.button(key="own-delete").click().run()
    held(app).editing = (NAME, 0)
    assert len(held(app).drafts[NAME].steps) == 1


def test_a_lesson_is_tried_in_the_panel_of_lessons(open_page: Open) -> None:
    app = with_lesson(open_page("5_Decoding", **dict(A.state)), at=0)
    app.button(key="own-try").click().run()
    assert not crash(app), crash(app)
    assert any("Own lesson · step 1 of 2" in one.value for one in app.caption)
    key = next(
        str(one.key) for one in app.text_input if str(one.key).startswith(f"lesson-{NAME}-1")
    )
    app.text_input(key=key).set_value("sea").run()
    assert app.warning and "the right answer has" in app.warning[0].value
    app.text_input(key=key).set_value("TIME").run()
    assert app.success
    app.button(key="lesson-edit").click().run()
    assert not crash(app), crash(app)
    assert any("Your lesson · step 1 of 2" in one.value for one in app.caption)


def test_what_is_missing_is_said_and_nothing_else_is_barred(open_page: Open) -> None:
    app = with_lesson(open_page("5_Decoding", **dict(A.state)), replace(MINE, steps=(A,)), at=0)
    assert app.button(key="own-try").disabled
    assert any("2 to 12 steps" in one.value for one in app.caption)
    app.button(key="own-add").click().run()
    assert any("Step 2" in one.value and "missing" in one.value for one in app.caption)


def test_hostile_texts_are_bounded_and_escaped(open_page: Open) -> None:
    app = with_lesson(open_page("5_Decoding", **dict(A.state)), at=0)
    bad = "<img src=x onerror=alert(1)> [a](javascript:x) " + "x" * 10_000
    keyed(app, "text_area", "own-text-").set_value(bad).run()
    keyed(app, "text_input", "own-title-").set_value("<b>**T**</b>").run()
    assert not crash(app), crash(app)
    assert len(held(app).drafts[NAME].steps[0].text) == 2000
    assert app.button(key="own-try").disabled
    keyed(app, "text_area", "own-text-").set_value(bad[:100]).run()
    app.button(key="own-try").click().run()
    assert not crash(app), crash(app)
    shown = " ".join(one.value for one in app.markdown)
    assert "<img" not in shown.replace("\\<img", "") and "\\<b\\>" in shown
    learn = with_lesson(open_page("0_Learn"), replace(MINE, title="<b>**T**</b>"))
    assert any("\\<b\\>" in one.value for one in learn.markdown)


# --- Learn ---


def test_learn_says_what_to_do_when_there_is_none(open_page: Open) -> None:
    app = open_page("0_Learn")
    assert not crash(app), crash(app)
    assert any("Add this view to a lesson" in one.value for one in app.markdown)
    app.button(key="own-new").click().run()
    assert any("Go to a page in the menu" in one.value for one in app.info)
    (draft,) = held(app).drafts.values()
    assert draft == Draft()


def test_learn_plays_edits_deletes_and_brings_back(open_page: Open) -> None:
    app = with_lesson(open_page("0_Learn"))
    app.button(key=f"drop-{NAME}").click().run()
    assert not held(app).drafts
    app.button(key="own-undo-learn").click().run()
    assert held(app).drafts[NAME] == MINE
    app.button(key=f"play-{NAME}").click().run()
    assert not crash(app), crash(app)
    assert any("Own lesson · step 1 of 2" in one.value for one in app.caption)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("title = ", "line 1"),
        (written(MINE).replace("Decoding", "Cooking"), "there is no page “Cooking”"),
        (written(MINE).replace("length", "lenght"), "line 7: the page Decoding has no control"),
        (written(MINE).replace('head = "3"', 'scale = "loud"'), "`scale` cannot be “loud”"),
        (written(MINE).replace("top_token", "os.system"), "line 12: there is no live answer"),
        (written(MINE).replace("row:it", "roof:it"), "`roof` is none of"),
        (written(MINE).replace("row:it", "control:nothing"), "has no control `nothing`"),
        ("format = 9\n" + written(MINE), "newer Transformer Atlas"),
        (written(MINE) + '[[step]]\npage = "Home"\n' * 1000, "2 to 12 steps"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(open_page: Open, text: str, why: str) -> None:
    app = with_lesson(open_page("0_Learn"))
    app.session_state["own-opener-0"] = True
    app.run()
    keyed(app, "text_area", "own-pasted-").set_value(text).run()
    app.button(key="own-open").click().run()
    assert not crash(app), crash(app)
    assert any(why in one and "The text, line " in one for one in sentences(app)), sentences(app)
    assert list(held(app).drafts) == [NAME]


def test_a_file_that_is_opened_is_the_lesson_that_was_saved(open_page: Open) -> None:
    app = with_lesson(open_page("0_Learn"))
    app.session_state["own-opener-0"] = True
    app.run()
    keyed(app, "text_area", "own-pasted-").set_value(written(MINE)).run()
    app.button(key="own-open").click().run()
    assert not crash(app), crash(app)
    assert list(held(app).drafts.values()) == [MINE, MINE]


def test_a_shared_lesson_opens_for_whoever_has_the_link(open_page: Open, store: Path) -> None:
    app = with_lesson(open_page("0_Learn"))
    app.button(key=f"own-share-{NAME}").click().run()
    assert not crash(app), crash(app)
    name, text = held(app).shared[NAME]
    found = links().get(name)
    assert found is not None and found.state.lesson == text == written(MINE)
    assert any(name in str(one) for one in components(app, "atlas_field"))
    other = open_page("5_Decoding", s=name)
    assert not crash(other), crash(other)
    assert any("Own lesson · step 1 of 2" in one.value for one in other.caption)
    assert other.query_params["lesson"] in (f"link-{name}", [f"link-{name}"])
    again = open_page("3_Attention", lesson=f"link-{name}", lesson_step="2")
    assert not crash(again), crash(again)
    assert components(again, "atlas_copy")[0]["values"]["head"] == "3"


@pytest.mark.parametrize(
    ("lesson", "why"),
    [
        ("format = 9\n" + written(MINE), "newer Transformer Atlas (lesson format 9, here 1)"),
        ("nonsense", "line 1"),
        (written(MINE).replace("Attention", "Cooking"), "no page “Cooking”"),
    ],
)
def test_a_shared_lesson_that_cannot_be_read_says_why_and_leaves_the_page_usable(
    open_page: Open, store: Path, lesson: str, why: str
) -> None:
    name = links().put(SharedState("Decoding", "", "tales-gpt", lesson=lesson))
    app = open_page("5_Decoding", s=name)
    assert not crash(app), crash(app)
    assert any(why in one for one in sentences(app)), sentences(app)
    assert app.selectbox(key="model").value == "tales-gpt"


@pytest.mark.parametrize(
    "name", ["link-aaaaaaaaaa", "link-../../x", "own-12345678", "school-x", "own-"]
)
def test_a_lesson_that_is_not_here_is_said(open_page: Open, store: Path, name: str) -> None:
    app = open_page("5_Decoding", lesson=name)
    assert not crash(app), crash(app)
    if not shelf.ID.fullmatch(name):  # one of this browser's is waited for
        assert any(
            "not known here" in one or "does not exist here" in one for one in sentences(app)
        )
    assert not [one for one in app.button if str(one.key) == "lesson-next"]


def test_a_model_that_is_not_here_is_said_and_another_takes_one_click(open_page: Open) -> None:
    far = replace(A, state=FrozenDict(dict(A.state) | {"model": "gpt2-of-elsewhere"}))
    app = with_lesson(open_page("0_Learn"), replace(MINE, steps=(far, B)))
    app = with_lesson(
        open_page("5_Decoding", lesson=NAME, lesson_step="1"), replace(MINE, steps=(far, B))
    )
    assert any("gpt2" in one.value and "not installed here" in one.value for one in app.info)
    names = [str(one.key) for one in app.button if str(one.key).startswith("lesson-model-")]
    assert names == ["lesson-model-tales-gpt"]  # the only decoder
    assert any(str(one.key).startswith(f"lesson-{NAME}-1-") for one in app.text_input)


# --- A school's folder ---


def test_a_schools_lessons_stand_beside_what_is_wrong_in_others(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "3.1.toml").write_text(written(replace(MINE, title="Ours")), "utf-8")
    (tmp_path / "bad.toml").write_text(written(MINE).replace("length", "lenght"), "utf-8")
    monkeypatch.setenv("ATLAS_LESSONS", str(tmp_path))
    settings.cache_clear()
    try:
        app = open_page("0_Learn")
        assert not crash(app), crash(app)
        assert any("bad.toml, line 7: the page Decoding has no" in one for one in sentences(app))
        copies = [str(one.key) for one in app.button if str(one.key).startswith("copy-school-")]
        assert len(copies) == 1
        name = copies[0].removeprefix("copy-")
        played = open_page("5_Decoding", lesson=name, lesson_step="1")
        assert any("Own lesson · step 1 of 2" in one.value for one in played.caption)
        assert any(f"0 of {len(shipped())} lessons finished" in one.value for one in app.caption)
        app.button(key=f"copy-{name}").click().run()
        assert [one.title for one in held(app).drafts.values()] == ["Ours"]
    finally:
        settings.cache_clear()


# --- What is checked ---


def test_every_lesson_of_the_course_passes_the_check() -> None:
    for lesson in shipped().values():
        for number, step in enumerate(lesson.steps, 1):
            assert check(step) is None, (lesson.id, number, check(step))


@pytest.mark.parametrize("page", [one.title for one in PAGES if one.title not in ("Home", "Learn")])
def test_every_value_of_a_pages_link_may_stand_in_a_step(open_page: Open, page: str) -> None:
    """Of every view: what a link carries is a control of the page or one of the known locks."""
    module = importlib.import_module(f"pages.{page.lower()}.page")
    views = [view.name for view in getattr(module, "VIEWS", ())]
    key = "show" if page == "Translation" else "view"
    for view in views or [""]:
        app = open_page(Path(FILES[page]).stem, **({key: view} if view else {}))
        assert not crash(app), crash(app)
        for name in components(app, "atlas_copy")[0]["values"]:
            assert name in LOCKS | {"model", "text"} or name in of_page(page), (view, name)
    assert REGISTRY


def test_a_browsers_lessons_come_back_as_far_as_they_make_sense() -> None:
    assert keeper.parsed("[]") == keeper.parsed("{") == keeper.parsed("x" * 3_000_000) == []
    found = keeper.parsed('{"own-00000001": "title", "x": 3}')
    assert found == [("own-00000001", "title")]


def test_drafts_and_files_are_one(open_page: Open) -> None:
    assert drafted(written(MINE)) == opened(written(MINE), check) == MINE
    with pytest.raises(LessonError):
        read("own-1", written(replace(MINE, steps=())))


def test_a_control_of_several_values_is_carried_whole(open_page: Open) -> None:
    address = {"off": ["1.2", "3.4"], "view": "What if"}
    page = open_page("3_Attention", text="The monkey ate it.", model="tales-bert", **address)
    app = with_lesson(page, Draft("Mine"), 0)
    app.button(key="own-add").click().run()
    (step,) = held(app).drafts[NAME].steps
    assert step.state["off"] == ("1.2", "3.4")
    draft = replace(MINE, steps=(replace(step, text="Look."), A))
    assert opened(written(draft), check) == draft
    app = open_page("3_Attention")
    app.session_state["own-lessons"] = Own(told=True, drafts={NAME: draft})
    app.query_params["lesson"], app.query_params["lesson_step"] = NAME, "1"
    app.run()
    assert not crash(app), crash(app)
    assert components(app, "atlas_copy")[0]["values"]["off"] == ["1.2", "3.4"]


def test_an_own_lesson_prints_as_others_do_without_a_link_that_nobody_else_can_open() -> None:
    far = replace(A, state=FrozenDict(dict(A.state) | {"model": "gpt2-of-elsewhere"}))
    lesson = shelf.lesson(NAME, replace(MINE, title="<b>Mine</b>", steps=(A, far, B)))
    page = printing.made(local(), lesson, {}, printing._link(lesson))
    assert "Own lesson: &lt;b&gt;Mine&lt;/b&gt;" in page and "<b>Mine</b>" not in page
    assert "<b>1.</b> <b>time</b>" in page  # graded like any other
    assert page.count("gpt2-of-elsewhere") >= 2 and "QR code" not in page


@pytest.mark.parametrize("page", [one.title for one in PAGES])
def test_every_page_with_a_view_offers_it_to_a_lesson(open_page: Open, page: str) -> None:
    name = "Home" if page == "Home" else Path(FILES[page]).stem
    app = open_page(name)
    app.session_state["share-panel"] = True
    app.run()
    assert not crash(app), crash(app)
    offered = [one for one in app.button if one.key == "own-add-view"]
    assert len(offered) == (page != "Learn")
    if offered:
        offered[0].click().run()
        assert not crash(app), crash(app)
        (draft,) = held(app).drafts.values()
        assert [one.page for one in draft.steps] == [page]
        whole = replace(MINE, steps=(replace(draft.steps[0], text="Look."), A))
        assert opened(written(whole), check) == whole
