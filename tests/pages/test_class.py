"""A class on the pages: a teacher leads, pupils' pages follow, answers arrive and are revealed."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine import policy
from engine.hosting.rates import Rates
from engine.learn.classes import answers, rooms
from engine.learn.classes.rooms import Classes
from engine.learn.classes.tally import Tally
from engine.links import store
from engine.settings import settings
from pages.shell.lesson.classroom import following, leading, membership
from pages.shell.lesson.classroom.membership import Member
from pages.shell.lesson.classroom.picture import summary
from tests.pages.conftest import Open, components, crash, sentences

HOSTILE = "<img src=x onerror=alert(1)> **bold**"


@pytest.fixture(autouse=True)
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Classes]:
    """The store of classes of this test; nothing in it is older than this moment."""
    monkeypatch.setenv("ATLAS_LINKS", str(tmp_path / "links.sqlite"))
    monkeypatch.setattr(policy, "_codes", Rates())
    for one in (settings, store.links, rooms.classes):
        one.cache_clear()
    yield rooms.classes()
    for one in (settings, store.links, rooms.classes):
        one.cache_clear()


def fresh(app: AppTest) -> AppTest:
    """Run the page as its part that follows would, all changes seen."""
    rooms.classes()._fresh.clear()
    app.run()
    assert not crash(app), crash(app)
    return app


def who(app: AppTest) -> Member:
    return app.session_state[membership.MEMBER]


def teaching(open_page: Open, lesson: str = "3.1", page: str = "3_Attention") -> AppTest:
    """A teacher who has opened a class at a lesson's first step and stands there."""
    app = open_page("0_Learn")
    app.selectbox(key="class-lesson").set_value(lesson).run()
    app.button(key="class-open").click().run()
    assert not crash(app), crash(app)
    at = who(app)
    led = open_page(page, lesson=lesson, lesson_step="1", **{"class": at.code, "teach": at.key})
    assert not crash(led), crash(led)
    assert who(led) == at
    return led


def joined(open_page: Open, code: str, name: str = "", page: str = "3_Attention") -> AppTest:
    """A pupil who has joined by the link of a class, on the page that it is at."""
    app = open_page("0_Learn", **{"class": code})
    app.text_input(key="class-name").set_value(name)
    next(one for one in app.button if one.label == "Join").click().run()
    assert not crash(app), crash(app)
    seat = who(app)
    # AppTest cannot go to another page by itself: the same session there.
    app.switch_page(f"pages/{page}.py").run()
    assert not crash(app), crash(app)
    assert who(app) == seat and seat.role == "pupil"
    return app


def line(app: AppTest) -> str:
    return " ".join(one.value for one in app.caption if "Class **" in one.value)


def at(app: AppTest) -> tuple[str, str]:
    values = components(app, "atlas_copy")[0]["values"]
    return values.get("lesson", ""), values.get("lesson_step", "")


def question(app: AppTest) -> Any:
    return next(one for one in app.radio if str(one.key).startswith("lesson-"))


def bars(app: AppTest) -> dict[str, int]:
    text = next(one.proto.body for one in app.get("html") if "class-bars" in one.proto.body)
    found = re.findall(r"<span>(.*?)</span><b>(\d+)</b>", text)
    return {name: int(count) for name, count in found}


@pytest.mark.feature("A class led by code, without accounts")
def test_a_class_is_played_from_code_to_reveal(open_page: Open, classes: Classes) -> None:
    teacher = teaching(open_page)
    code = who(teacher).code
    first, second = joined(open_page, code, "Ada"), joined(open_page, code)
    for app in (first, second):
        assert at(app) == ("3.1", "1") and f"Class **{code}** · step 1 of 4" in line(app)
    question(first).set_value("monkey").run()
    question(second).set_value("banana").run()
    for app, given in ((first, "monkey"), (second, "banana")):
        # Nobody hears yet who was right.
        assert any(f"**{given}**" in box.value for box in app.info)
        assert not app.success and not app.warning
    fresh(teacher)
    assert {name: count for name, count in bars(teacher).items() if count} == {
        "monkey": 1,
        "banana": 1,
    }
    assert any("2 of 2 pupils have answered" in one.value for one in teacher.caption)
    assert not teacher.success
    question(first).set_value("banana").run()
    question(first).set_value("monkey").run()
    teacher.button(key="class-reveal").click().run()
    assert bars(teacher) == {**bars(teacher), "monkey": 1, "✓ banana": 1}
    assert any("1 of them right" in one.value for one in teacher.caption)
    assert any("banana" in box.value for box in teacher.success)
    for app in (first, second):
        fresh(app)
    assert "Only 10 of 32 heads do" in first.warning[0].value and "monkey" in first.warning[0].value
    assert "banana" in second.success[0].value
    assert any("revealed the answer" in box.value for box in first.info)
    assert not [one for one in first.radio if str(one.key).startswith("lesson-")]
    kept = answers.answers(classes, code, who(teacher).key)
    assert {(one.nickname, one.given, one.correct) for one in kept} == {
        ("Ada", "monkey", False),
        ("", "banana", True),
    }


def test_pupils_follow_from_step_to_step_and_may_go_their_own_way(open_page: Open) -> None:
    teacher = teaching(open_page)
    pupil = joined(open_page, who(teacher).code)
    pupil.text_area(key="text").set_value("The fox ate the grape because it was sweet.").run()
    teacher.button(key="lesson-next").click().run()
    fresh(pupil)
    assert at(pupil) == ("3.1", "2") and "step 2 of 4" in line(pupil)
    assert "monkey" in str(pupil.text_area(key="text").value)  # as the class sees it
    pupil.button(key="lesson-next").click().run()
    assert at(pupil) == ("3.1", "3")
    fresh(pupil)
    assert at(pupil) == ("3.1", "3")  # nothing has changed: nobody is moved
    pupil.button(key="class-back").click().run()
    assert at(pupil) == ("3.1", "2")
    follows = teacher.toggle(key="class-follows")
    assert follows.value and follows.proto.default  # also in a browser that was told nothing yet
    follows.set_value(False).run()
    teacher.button(key="lesson-next").click().run()
    fresh(pupil)
    assert at(teacher) == ("3.1", "3") and at(pupil) == ("3.1", "2")
    assert any("class is at step 2" in one.value.replace("\\", "") for one in teacher.caption)
    teacher.button(key="class-bring").click().run()
    fresh(pupil)
    assert at(pupil) == ("3.1", "3")


def test_locked_pupils_stay_where_the_class_is(open_page: Open) -> None:
    teacher = teaching(open_page)
    pupil = joined(open_page, who(teacher).code)
    pupil.button(key="lesson-next").click().run()
    assert at(pupil) == ("3.1", "2")
    teacher.toggle(key="class-lock").set_value(True).run()
    fresh(pupil)
    assert at(pupil) == ("3.1", "1")
    assert any("has locked the controls" in one.value for one in pupil.caption)
    assert components(pupil, "atlas_class")[0]["locked"] is True
    keys = {one.key for one in pupil.button}
    assert not keys & {"lesson-next", "lesson-back", "lesson-leave", "class-leave"}
    pupil.query_params["lesson_step"] = "4"
    pupil.run()
    assert at(fresh(pupil)) == ("3.1", "1")
    question(pupil).set_value("banana").run()  # which is what they are asked to do
    assert any("**banana**" in box.value for box in pupil.info)
    teacher.toggle(key="class-lock").set_value(False).run()
    fresh(pupil)
    assert {"lesson-next", "class-leave"} <= {one.key for one in pupil.button}
    assert components(pupil, "atlas_class")[0]["locked"] is False


def test_the_teachers_key_is_in_no_address_and_on_no_pupils_page(open_page: Open) -> None:
    teacher = teaching(open_page)
    own = who(teacher)
    assert own.key not in str(teacher.query_params) and "teach" not in teacher.query_params
    assert own.key not in str(components(teacher, "atlas_copy"))
    pupil = joined(open_page, own.code)
    assert own.key not in str(components(pupil, "atlas_class")) + str(pupil.main)
    assert own.key not in repr(own)


def test_a_key_of_nobody_leads_nothing(open_page: Open, classes: Classes) -> None:
    code = who(teaching(open_page)).code
    for key in ("", "x" * 32, HOSTILE):
        app = open_page("3_Attention", lesson="3.1", **{"class": code, "teach": key})
        assert not crash(app) and membership.MEMBER not in app.session_state
        assert not [one for one in app.button if one.key == "class-reveal"]


def test_joining_late_leaving_and_joining_again(open_page: Open, classes: Classes) -> None:
    teacher = teaching(open_page)
    teacher.button(key="lesson-next").click().run()
    teacher.button(key="lesson-next").click().run()
    late = joined(open_page, who(teacher).code)
    assert at(late) == ("3.1", "3")
    late.button(key="class-leave").click().run()
    assert membership.MEMBER not in late.session_state
    assert any("You have left class" in box.value for box in late.info)
    assert at(late) == ("3.1", "3")  # the lesson goes on alone
    rooms.classes()._fresh.clear()
    room = classes.watch(who(teacher).code, who(teacher).key)
    assert room is not None and room.pupils == 0
    question(late).set_value(question(late).options[0].replace("\\", "")).run()
    assert late.success or late.warning  # one's own question judges at once


def test_a_class_that_ends_lets_its_pupils_go_in_words(open_page: Open) -> None:
    teacher = teaching(open_page)
    pupil = joined(open_page, who(teacher).code)
    question(pupil).set_value("banana").run()
    teacher.button(key="class-end").click().run()
    assert any("all its answers are deleted" in box.value for box in teacher.info)
    fresh(pupil)
    assert any("no such class" in box.value for box in pupil.info)
    assert membership.MEMBER not in pupil.session_state and at(pupil) == ("3.1", "1")
    question(pupil).set_value("monkey").run()
    assert pupil.warning and not crash(pupil)


def test_an_answer_after_the_class_moved_on_is_said_not_to_count(
    open_page: Open, classes: Classes
) -> None:
    teacher = teaching(open_page)
    own = who(teacher)
    pupil = joined(open_page, own.code)
    other = classes.watch(own.code, own.key)
    assert other is not None
    # The other process moves the class; this one has not read it again yet.
    Classes(classes.file).move(own.code, own.key, "3.1", 2)
    classes._fresh[own.code] = other
    question(pupil).set_value("banana").run()
    assert any("at another step now" in one for one in sentences(pupil))
    assert answers.answers(classes, own.code, own.key) == ()


def test_a_store_that_is_busy_is_said_and_the_lesson_goes_on(
    open_page: Open, classes: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = teaching(open_page)
    pupil = joined(open_page, who(teacher).code)
    monkeypatch.setattr(store, "WAITS", 0.1)
    with sqlite3.connect(classes.file.path) as other:
        other.isolation_level = None
        other.execute("BEGIN EXCLUSIVE")
        question(pupil).set_value("banana").run()
        assert any("store of classes is busy" in one for one in sentences(pupil))
        assert not crash(pupil)
        other.execute("ROLLBACK")
    other.close()
    pupil.button(key="class-again").click().run()
    assert any("**banana**" in box.value for box in pupil.info) and not pupil.warning


def test_what_pupils_write_is_text_on_the_teachers_screen(open_page: Open) -> None:
    teacher = teaching(open_page, "1.2", "5_Decoding")
    pupil = joined(open_page, who(teacher).code, HOSTILE, "5_Decoding")
    field = next(one for one in pupil.text_input if str(one.key).startswith("lesson-"))
    field.set_value(HOSTILE).run()
    fresh(teacher)
    text = next(one.proto.body for one in teacher.get("html") if "class-bars" in one.proto.body)
    assert "<img" not in text and "&lt;img" in text


@pytest.mark.parametrize("code", ["", "K7Q2M", HOSTILE[:12], "AAAAAA"])
def test_a_wrong_code_is_said_in_words(open_page: Open, code: str) -> None:
    app = open_page("0_Learn")
    app.text_input(key="class-code").set_value(code)
    next(one for one in app.button if one.label == "Join").click().run()
    assert not crash(app)
    said = "No class has the code AAAAAA" if code == "AAAAAA" else "A class code has six signs"
    assert any(said in box.value for box in app.info)
    assert membership.MEMBER not in app.session_state


def test_a_link_to_a_class_that_is_no_more_leaves_the_page_as_it_is(open_page: Open) -> None:
    for code in ("AAAAAA", HOSTILE, "x" * 10_000):
        for page in ("0_Learn", "3_Attention", "Home"):
            app = open_page(page, **{"class": code})
            assert not crash(app) and membership.MEMBER not in app.session_state


def test_a_host_without_classes_offers_none(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_CLASSES", "no")
    settings.cache_clear()
    app = open_page("0_Learn")
    assert not crash(app) and not [one for one in app.button if one.key == "class-open"]


def test_what_the_browser_kept_brings_one_back(open_page: Open, classes: Classes) -> None:
    teacher = teaching(open_page)
    own = who(teacher)
    pupil = joined(open_page, own.code)
    question(pupil).set_value("banana").run()
    seat = who(pupil)
    # What a reload does: a new session, to which the browser says what it has kept.
    again = open_page("3_Attention", lesson="3.1", lesson_step="1", **{"class": own.code})
    assert components(again, "atlas_class")[0]["ask"] == own.code
    again.session_state[membership.MEMBER] = Member(own.code, "pupil", seat.key)
    fresh(again)
    assert any("**banana**" in box.value for box in again.info)


def test_nobody_else_hears_of_classes(open_page: Open) -> None:
    app = open_page("3_Attention", lesson="3.1", lesson_step="1")
    assert not components(app, "atlas_class")
    assert "class" not in app.query_params


def test_a_browsers_late_word_of_the_step_before_leads_nobody_back(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = teaching(open_page)
    pupil = joined(open_page, who(teacher).code)
    pupil.query_params["point"] = "v812"  # of the page before
    teacher.button(key="lesson-next").click().run()
    fresh(pupil)
    assert at(pupil) == ("3.1", "2")
    # What the browser asked before it heard of the new step is answered after it.
    pupil.query_params["lesson_step"] = "1"
    fresh(pupil)
    assert at(pupil) == ("3.1", "2")
    # Later it is the pupil's own wish.
    monkeypatch.setattr(following, "SETTLES", 0.0)
    pupil.query_params["lesson_step"] = "4"
    fresh(pupil)
    assert at(pupil) == ("3.1", "4")


def test_what_is_presented_takes_the_class_along_and_its_answer_is_revealed(
    open_page: Open, classes: Classes
) -> None:
    teacher = teaching(open_page)
    here = who(teacher)
    pupil = joined(open_page, here.code)
    shown = {"class": here.code, "teach": here.key, "lesson": "3.1"}
    wall = open_page("3_Attention", lesson_step="2", present="question", **shown)
    assert not crash(wall), crash(wall)
    room = classes.watch(here.code, here.key)
    assert room is not None and (room.step, room.shown) == (2, False)
    assert at(fresh(pupil)) == ("3.1", "2")
    wall = open_page("3_Attention", lesson_step="2", present="answer", **shown)
    assert not crash(wall), crash(wall)
    classes._fresh.clear()
    room = classes.watch(here.code, here.key)
    assert room is not None and (room.step, room.shown) == (2, True)


def test_a_lesson_of_ones_own_browser_leads_no_class(
    open_page: Open, classes: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pupils would be told that it is not there."""
    teacher = teaching(open_page)
    monkeypatch.setattr(leading, "OWN", "3.")  # as if this lesson were in the browser alone
    here = who(teacher)
    led = open_page("3_Attention", lesson="3.1", lesson_step="2", teach=here.key,
                    **{"class": here.code})  # fmt: skip
    room = classes.watch(here.code, here.key)
    assert room is not None and room.step == 1
    assert any("in your browser alone" in one.value for one in led.caption)


def test_a_pupils_picture_is_covered_until_they_have_answered(open_page: Open) -> None:
    teacher = teaching(open_page, "1.2", "5_Decoding")
    pupil = joined(open_page, who(teacher).code, page="5_Decoding")

    def is_covered() -> bool:
        return any("blur" in one.proto.body for one in pupil.get("html"))

    assert is_covered()
    field = next(one for one in pupil.text_input if str(one.key).startswith("lesson-1.2-1-"))
    field.set_value("horse").run()
    assert not crash(pupil), crash(pupil)
    assert any("horse" in one.value for one in pupil.info) and not is_covered()


def test_one_pupil_has_answered_and_two_have() -> None:
    assert summary(Tally((), 1, 0, 0), 1, shown=False) == "1 of 1 pupil has answered."
    assert summary(Tally((), 1, 0, 0), 2, shown=False) == "1 of 2 pupils have answered."
