"""Drafts and their files: what is typed comes back, and no text becomes anything but a text."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.api import Engine
from engine.learn import drafts, grading
from engine.learn.answers import Asked
from engine.learn.authoring import drafted, file_name, opened, whole, written
from engine.learn.drafts import Draft, DraftChoice, DraftQuestion, DraftStep, draft_of
from engine.learn.lessons import Source
from engine.learn.reader import FOLDER, LARGEST, LessonError, decoded, read, shipped
from engine.values import FrozenDict

ODD = ['"', "\\", "\n", "\x00", "\u202e", "\u2028", "[[step]]", "text = 1", "é", "𝄞", "#", "'"]
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=60),
    st.lists(st.sampled_from(ODD), max_size=6).map("".join),
)
NUMBERS = st.one_of(
    st.integers(-(10**9), 10**9).map(float),
    st.floats(-1e300, 1e300, allow_nan=False),
)
KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
CHOICES = st.one_of(
    st.builds(DraftChoice, TEXTS, st.one_of(TEXTS, NUMBERS), TEXTS),
    st.builds(DraftChoice, TEXTS, NUMBERS, TEXTS, high=NUMBERS),
    st.builds(DraftChoice, TEXTS, NUMBERS, TEXTS, about=st.just(True)),
)
QUESTIONS = st.builds(
    DraftQuestion,
    answer=TEXTS,
    given=st.dictionaries(KEYS, st.one_of(TEXTS, st.integers(-5, 10**9)), max_size=3).map(
        FrozenDict
    ),
    form=st.sampled_from(("choice", "word", "number", "estimate", "order")),
    ask=TEXTS,
    choices=st.lists(CHOICES, max_size=6).map(tuple),
    tolerance=NUMBERS,
    relative=NUMBERS,
    low=NUMBERS,
    high=NUMBERS,
    unit=TEXTS,
    reveal=TEXTS,
    guess_first=st.booleans(),
)
STATES = st.dictionaries(
    KEYS, st.one_of(TEXTS, st.lists(TEXTS, max_size=3).map(tuple)), max_size=5
).map(FrozenDict)
STEPS = st.builds(
    DraftStep,
    page=TEXTS,
    state=STATES,
    text=TEXTS,
    question=st.none() | QUESTIONS,
    sources=st.lists(st.builds(Source, TEXTS, TEXTS), max_size=2).map(tuple),
    highlights=st.lists(TEXTS, max_size=3).map(tuple),
)
DRAFTS = st.builds(Draft, TEXTS, st.integers(-3, 99), TEXTS, st.lists(STEPS, max_size=3).map(tuple))


def a_step(text: str = "Look.", **more: object) -> DraftStep:
    state = FrozenDict({"model": "tales-gpt", "text": "Once upon a"})
    return DraftStep("Decoding", state, text, **more)  # type: ignore[arg-type]


GOOD = Draft("Mine", 3, "One thing.", (a_step(), a_step("Look again.")))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(DRAFTS)
def test_any_draft_comes_back_from_its_file(draft: Draft) -> None:
    text = written(draft)
    assert drafted(text) == draft
    assert written(drafted(text)) == text
    # Nothing that was typed makes a line of its own.
    shown = [line for line in text.split("\n") if line == "[[step]]"]
    assert len(shown) == len(draft.steps)
    assert not set(text) & {"\x00", "\r", "\t", "\x85", "\u2028", "\u202e"}


@pytest.mark.parametrize("lesson", shipped().values(), ids=list(shipped()))
def test_every_lesson_of_the_course_comes_back_from_the_file_of_its_draft(lesson) -> None:
    draft = draft_of(lesson)
    assert read(lesson.id, written(draft)) == lesson
    assert opened(written(draft)) == draft == drafted(written(draft))
    file = (FOLDER / "en" / f"{lesson.id}.toml").read_text("utf-8")
    assert read(lesson.id, written(opened(file))) == lesson


def test_what_is_typed_never_becomes_a_key_or_a_line() -> None:
    bad = '"\n[[step]]\npage = "Home"\nrun = "rm -rf /"\n\u2028x'
    draft = replace(GOOD, title=bad, steps=(a_step(bad), a_step(bad)))
    data = tomllib.loads(written(draft))
    assert set(data) == {"title", "minutes", "can_say", "step"} and len(data["step"]) == 2
    assert data["title"] == bad
    with pytest.raises(LessonError, match="control characters"):
        whole("own-1", draft)


def test_half_a_character_is_replaced_and_stops_nothing() -> None:
    assert drafted(written(replace(GOOD, title="a\ud800b"))).title == "a?b"


@pytest.mark.parametrize(
    ("draft", "step", "why"),
    [
        (replace(GOOD, title=""), 0, "`title` is missing"),
        (replace(GOOD, title="x" * 10_000), 0, "over 80"),
        (replace(GOOD, steps=GOOD.steps[:1]), 0, "2 to 12 steps"),
        (replace(GOOD, steps=(a_step(), a_step(""))), 2, "`text` is missing"),
        (replace(GOOD, steps=(a_step("word " * 71), a_step())), 1, "at most 70"),
        (
            replace(GOOD, steps=(a_step(), a_step(question=DraftQuestion("top_token")))),
            2,
            "`ask` is missing",
        ),
        (
            replace(GOOD, steps=(a_step(highlights=("house:red",)), a_step())),
            1,
            "none of word, row",
        ),
    ],
)
def test_what_is_missing_is_said_with_its_step(draft: Draft, step: int, why: str) -> None:
    with pytest.raises(LessonError) as refused:
        whole("own-1", draft)
    assert refused.value.step == step and why in refused.value.reason
    assert not refused.value.reason.startswith("line") and str(refused.value).startswith("line ")


def test_a_check_refuses_a_step_with_its_line() -> None:
    text = written(GOOD)
    with pytest.raises(LessonError) as refused:
        read("own-1", text, check=lambda step: ("state", "no such control"))
    lines = text.split("\n")
    assert str(refused.value) == f"line {lines.index('[[step]]') + 3}: no such control."


def test_steps_are_added_moved_and_removed_and_a_draft_stays_as_it_was() -> None:
    one, two, three = (a_step(text) for text in "123")
    draft = drafts.added(drafts.added(drafts.added(Draft(), one), three), two, at=1)
    assert draft.steps == (one, two, three)
    assert drafts.moved(draft, 2, 0).steps == (three, one, two)
    assert drafts.moved(draft, 0, 99).steps == (two, three, one)
    assert drafts.moved(draft, 1, -5).steps == (two, one, three)
    assert drafts.without(draft, 1).steps == (one, three)
    assert drafts.changed(draft, 0, text="new").steps[0].text == "new"
    assert draft.steps == (one, two, three)
    full = replace(draft, steps=(one,) * 12)
    with pytest.raises(LessonError, match="at most 12 steps"):
        drafts.added(full, two)


def test_a_view_that_no_step_can_carry_is_refused_with_the_number() -> None:
    state = {"model": "tales-gpt", "text": "x" * 2001}
    with pytest.raises(LessonError, match="2,001 characters; a step of a lesson carries 2,000"):
        drafts.step_of("Decoding", state)
    with pytest.raises(LessonError, match="control characters"):
        drafts.step_of("Decoding", {**state, "text": "a\tb"})
    many = drafts.step_of("Attention", {**state, "text": "a", "off": ("1.2", "3.4")})
    lesson = whole("own-1", replace(GOOD, steps=(replace(many, text="a"), a_step())))
    assert lesson.steps[0].state["off"] == ("1.2", "3.4")


def test_files_from_anywhere_are_refused_with_line_and_reason() -> None:
    text = written(GOOD)
    cases = {
        text + "#" * LARGEST: "larger than 64,000 bytes",
        text.replace("minutes = 3", "minutes ="): "line 2: ",
        text.replace("minutes = 3", "minutes = " + "9" * 5000): "line 1: ",
        "format = 2\n" + text: "newer Transformer Atlas (lesson format 2, here 1)",
        "format = true\n" + text: "`format` is a whole number",
        text + '\n[[step]]\npage = "Home"\n' * 1000: "2 to 12 steps",
        text.replace('text = "Once upon a"', "text = 3", 1): "line 7: ",
        "x = " + "[" * 30_000: "line 1: ",
    }
    for wrong, why in cases.items():
        with pytest.raises(LessonError) as refused:
            opened(wrong)
        assert why in str(refused.value) and str(refused.value).startswith("line "), refused.value
        assert len(str(refused.value)) < 300
    assert opened("format = 1\n" + text) == GOOD


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    with pytest.raises(LessonError, match="line 2: the file is no text in UTF-8"):
        decoded(b'title = "a"\n\xff\xfe\x00')
    with pytest.raises(LessonError, match="larger than"):
        decoded(b"x" * 10_000_000)
    assert decoded(b'\xef\xbb\xbftitle = "a"\r\nx') == 'title = "a"\nx'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "minutes = 'x'",
        "step = 3\nminutes = 1",
        "x = [",
        "minutes = 1\nstep = [1]",
        "minutes = 1\n[[step]]\nstate = 3",
        "minutes = 1\n[[step]]\nstate = {}\nquestion = { form = 'song' }",
    ],
)
def test_a_browser_that_kept_nonsense_is_no_crash(text: str) -> None:
    with pytest.raises(LessonError):
        drafted(text)


def test_the_example_in_the_docs_is_a_lesson_that_loads_and_asks(engine: Engine) -> None:
    docs = (FOLDER.parents[1] / "docs" / "lessons.md").read_text("utf-8")
    (file,) = re.findall(r"```toml\n(.*?)```", docs, re.DOTALL)
    lesson = read("own-1", file)
    step = lesson.steps[0]
    assert step.question is not None and len(step.highlights) == 2 and step.sources
    at = Asked(engine, step.model, step.sentence)
    posed = grading.pose(step, at)
    right = grading.right_text(posed)
    assert grading.grade(posed, right).right
    assert whole("own-1", draft_of(lesson)).steps == lesson.steps


def test_a_files_name_is_made_of_its_title() -> None:
    assert file_name("../../etc/passwd") == "etc-passwd.toml"
    assert file_name("«»") == "lesson.toml"
    assert len(file_name("x" * 500)) < 70
