"""Lessons: every question on the shipped models, the answers' numbers, and files that are wrong."""

from __future__ import annotations

import re

import numpy as np
import pytest

from engine.api import Engine, local
from engine.decoding.ranking import probabilities
from engine.learn import grading, markup
from engine.learn.answers import ANSWERS, Asked, NoQuestion
from engine.learn.grading import Posed
from engine.learn.lessons import Lesson, Step
from engine.learn.markup import Span
from engine.learn.reader import FOLDER, LessonError, read, shipped
from engine.values import Reading

ENGINE = local()
LESSONS = shipped()
STEPS = [(lesson, step) for lesson in LESSONS.values() for step in lesson.steps]
IDS = [
    f"{lesson.id}-{number}"
    for lesson in LESSONS.values()
    for number in range(1, len(lesson.steps) + 1)
]
NAMED = (
    "1.1 1.2 1.3 1.4 1.5 2.1 2.2 2.3 2.4 3.1 3.2 3.3 3.4 3.5 3.6 4.1 4.2 4.3 4.4 4.5 4.6 4.7 "
    "5.1 5.2 5.3 5.4 6.1 6.2 6.3 6.4 7.1 7.2 7.3 7.4 8.1 8.2 8.3 8.4"
).split()
OTHER = {
    "English": (
        "The old woman gave the boy a red apple, and the boy thanked her for it.",
        "Late one evening a wolf came to the door of a little house near the river.",
    ),
    "French": ("Elle lit un livre avant de dormir.", "Où se trouve la plage, s'il vous plaît ?"),
}


@pytest.fixture
def asks(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is asked below is this engine."""
    monkeypatch.setitem(globals(), "ENGINE", engine)


def posed(step: Step, text: str | None = None) -> Posed:
    assert step.question is not None
    return grading.pose(step, Asked(ENGINE, step.model, step.sentence if text is None else text))


def right_answer(one: Posed) -> str | float | list[str]:
    """What somebody would choose or type who knows."""
    match one.question.form:
        case "choice":
            return one.choices[one.right].text
        case "order":
            return [candidate.name for candidate in one.answer.candidates[: grading.MOST]]
        case "word":
            return f"  ·{str(one.answer.value).upper()} "
        case _:
            return f"{float(one.answer.value)}"


def wrong_answers(one: Posed) -> list[str | float | list[str]]:
    match one.question.form:
        case "choice":
            return [c.text for i, c in enumerate(one.choices) if i != one.right]
        case "order":
            return [[c.name for c in one.answer.candidates[: grading.MOST]][::-1]]
        case "word":
            return ["zebra"]
        case _:
            off = 1 + max(one.question.tolerance, one.question.relative * 1e6)
            return [str(float(one.answer.value) + off), str(float(one.answer.value) - off), "many"]


def said(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


def check(one: Posed) -> None:
    """The right answer is accepted and every other one refused in a whole sentence."""
    verdict = grading.grade(one, right_answer(one))
    assert verdict.right, said(verdict.sentence)
    for wrong in wrong_answers(one):
        verdict = grading.grade(one, wrong)
        sentence = said(verdict.sentence)
        assert not verdict.right, wrong
        assert len(sentence) > 15 and "{" not in sentence, sentence
    assert one.answer.because.endswith((".", "?", "!", "”")) and "{" not in one.answer.because
    assert "{" not in said(grading.revealed(one))


# --- The lessons of the course ---


def test_the_course_has_the_lessons_it_should_have() -> None:
    assert set(NAMED) <= set(LESSONS)
    for lesson in LESSONS.values():
        assert 4 <= len(lesson.steps) <= 7, lesson.id


@pytest.mark.parametrize(("lesson", "step"), STEPS, ids=IDS)
@pytest.mark.usefixtures("asks")
def test_every_question_has_an_answer_and_every_wrong_choice_a_reason(
    lesson: Lesson, step: Step
) -> None:
    one = posed(step)
    check(one)
    question = one.question
    if question.choices:
        for place, choice in enumerate(question.choices):
            # Only a choice that could be wrong needs words; on another text any could be.
            assert choice.because or place == one.right, f"{choice.text} has no reason"
    for choice in question.choices:
        names = markup.names(said(choice.because))
        assert names <= {"right", "best", "chosen", "mine", "answer", *one.answer.facts}, names


@pytest.mark.parametrize(("lesson", "step"), STEPS, ids=IDS)
@pytest.mark.usefixtures("asks")
def test_on_another_text_a_question_is_right_or_says_why_it_cannot_be_asked(
    lesson: Lesson, step: Step
) -> None:
    assert step.question is not None
    for text in OTHER["French" if step.model == "fr-en" else "English"]:
        try:
            one = posed(step, text)
        except NoQuestion as why:
            assert str(why).endswith(".") and len(str(why)) > 20
        else:
            check(one)


@pytest.mark.usefixtures("asks")
def test_most_questions_can_be_asked_of_another_text() -> None:
    """A question that only its own sentence can answer teaches less."""
    asked = [0, 0]
    for _, step in STEPS:
        text = OTHER["French" if step.model == "fr-en" else "English"][0]
        try:
            posed(step, text)
            asked[0] += 1
        except NoQuestion:
            asked[1] += 1
    assert asked[0] >= len(STEPS) / 2, asked


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=list(LESSONS))
def test_a_lesson_can_be_read_by_a_fourteen_year_old(lesson: Lesson) -> None:
    text = " ".join(
        [said(step.text) for step in lesson.steps]
        + [said(step.question.ask) for step in lesson.steps if step.question]
    )
    grade = flesch_kincaid(text)
    print(f"{lesson.id}: {grade:.1f}")
    assert grade <= 8.0, f"{lesson.id} reads as grade {grade:.1f}"


def flesch_kincaid(text: str) -> float:
    """0.39 words per sentence + 11.8 syllables per word - 15.59 (Kincaid and others 1975)."""
    sentences = max(1, len(re.findall(r"[.!?](?:\s|$)", text)))
    words = re.findall(r"[A-Za-z]+(?:['’][a-z]+)?", text)
    return 0.39 * len(words) / sentences + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def syllables(word: str) -> int:
    """Groups of vowels, a silent e at the end left out."""
    bare = word.lower()
    groups = len(re.findall(r"[aeiouy]+", bare))
    silent = bare.endswith("e") and not bare.endswith(("le", "ee", "ie")) and groups > 1
    past = bare.endswith("ed") and not bare.endswith(("ted", "ded")) and groups > 1
    return max(1, groups - silent - past)


@pytest.mark.parametrize(
    ("word", "count"), [("token", 2), ("vector", 2), ("made", 1), ("table", 2), ("probability", 5)]
)
def test_syllables_are_counted(word: str, count: int) -> None:
    assert syllables(word) == count


def test_what_the_notes_got_wrong_is_right_and_has_its_source() -> None:
    """Section 3 of the curriculum, as far as these lessons touch it."""

    def step(lesson: str, word: str) -> Step:
        return next(s for s in LESSONS[lesson].steps if word in said(s.text))

    cases = [
        ("4.4", "at least", "1904.09751"),  # not "at most p"
        ("5.2", "decoder's self-attention", "1706.03762"),  # the encoder steers cross-attention
        ("3.2", "one head", "1706.03762"),  # the root of the head width
        ("5.4", "110 million", "1810.04805"),  # not 11 million
        ("5.4", "97 %", "1910.01108"),  # not 95 %
        ("4.1", "linear layer", "1706.03762"),  # not the feed-forward network
    ]
    for lesson, words, source in cases:
        assert any(source in one.link for one in step(lesson, words).sources), (lesson, words)
    assert "computed anew for every text" in " ".join(said(s.text) for s in LESSONS["3.2"].steps)


# --- Answers against numbers taken another way ---


def ask(name: str, model: str, text: str, **given: object) -> grading.Answer:
    return ANSWERS[name](Asked(ENGINE, model, text), **given)


@pytest.mark.usefixtures("asks")
def test_answers_about_the_next_token_are_the_models_numbers() -> None:
    text = "He was so tired that he went to"
    last = len(ENGINE.tokens(Reading("tales-gpt", text))) - 1
    chances = probabilities(ENGINE.logits(Reading("tales-gpt", text), (last,)).logits[0])
    order = np.argsort(-chances)
    names = [one.strip() for one in ENGINE.texts("tales-gpt", order[:4].tolist())]
    top = ask("top_token", "tales-gpt", text)
    assert [one.name for one in top.candidates] == names and top.value == names[0]
    assert ask("rank_of", "tales-gpt", text, word=names[2]).value == 3
    assert ask("top_probability", "tales-gpt", text).value == pytest.approx(100 * chances.max())
    held = np.cumsum(chances[order], dtype=np.float64)
    smallest = int(np.searchsorted(held, 0.9) + 1)
    assert ask("kept", "tales-gpt", text, setting="top-p 0.9").value == pytest.approx(
        smallest, abs=1
    )
    bits = -(chances * np.log2(chances)).sum()
    assert ask("entropy", "tales-gpt", text).value == pytest.approx(bits, rel=1e-3)


@pytest.mark.usefixtures("asks")
def test_answers_about_heads_are_read_off_the_weights() -> None:
    text = "The monkey ate that banana because it was too hungry."
    best, score = "", -1.0
    for layer in range(4):
        weights = ENGINE.attention(Reading("tales-bert", text), "encoder", layer).weights
        for head, one in enumerate(weights):
            mean = float(np.diagonal(one, offset=-1).mean())
            if mean > score:
                best, score = f"{layer + 1}.{head + 1}", mean
    assert ask("strongest_head", "tales-bert", text, measure="previous").value == best
    tokens = ENGINE.tokens(Reading("tales-bert", text))
    names = [text[start:end] for start, end in tokens.spans.tolist()]
    weights = ENGINE.attention(Reading("tales-bert", text), "encoder", 1).weights[2]
    row = weights[names.index("it")]
    found = ask("attends_most", "tales-bert", text, word="it", layer=2, head=3)
    assert found.value == names[int(row.argmax())]
    assert ask("row_total", "tales-bert", text, word="it", layer=2, head=3).value == pytest.approx(
        100, abs=0.01
    )


@pytest.mark.usefixtures("asks")
def test_a_column_that_everybody_attends_to_is_no_preference() -> None:
    text = "The monkey ate that banana because it was too hungry."
    given = {"word": "it", "a": "monkey", "b": "banana"}
    assert ask("heads_prefer", "tales-bert", text, **given).value == "banana"
    assert ask("heads_prefer", "tales-bert", text, **given, baseline="column").value == "monkey"


def test_a_tie_is_no_question() -> None:
    from engine.learn.asking import Candidate, first_of

    with pytest.raises(NoQuestion, match="tie here at 40%"):
        first_of([Candidate("a", 0.4, "40%"), Candidate("b", 0.4, "40%")], lambda best: best.name)


@pytest.mark.parametrize(
    ("model", "text", "name", "given", "why"),
    [
        ("tales-bert", "A dog.", "top_token", {}, "needs a decoder"),
        (
            "tales-gpt",
            "A dog.",
            "heads_prefer",
            {"word": "it", "a": "a", "b": "dog"},
            "not in this",
        ),
        ("tales-gpt", "The bank.", "parting_layer", {"word": "bank"}, "only once"),
        (
            "tales-gpt",
            "A dog.",
            "attends_most",
            {"word": "dog", "layer": 99, "head": 1},
            "6 layers",
        ),
        ("tales-gpt", "A dog.", "kept", {"setting": "hot 3"}, "makes no sense"),
        ("tales-bert", "A dog.", "top_fill", {}, r"no \[MASK\]"),
        ("fr-en", "Bonjour.", "aligned", {"word": "elephant"}, "not in this translation"),
    ],
)
@pytest.mark.usefixtures("asks")
def test_what_cannot_be_asked_says_why(
    model: str, text: str, name: str, given: dict[str, object], why: str
) -> None:
    with pytest.raises(NoQuestion, match=why):
        ask(name, model, text, **given)


# --- Grading forgives, and is not fooled ---


@pytest.mark.usefixtures("asks")
def test_hostile_answers_are_graded_like_any_other() -> None:
    for _, step in STEPS[:8]:
        one = posed(step)
        for answer in (
            "x" * 10_000,
            "<script>alert(1)</script>",
            "**b** {right}",
            "",
            "9" * 400,
            "nan",
        ):
            verdict = grading.grade(one, answer)
            assert not verdict.right and len(said(verdict.sentence)) < 400
            assert all(span.style == "plain" for span in verdict.sentence)


# --- Files that are wrong ---

GOOD = """title = "A lesson"
minutes = 3
can_say = "Something."

[[step]]
page = "Decoding"
state = { model = "tales-gpt", text = "Once upon a", c1 = "greedy" }
text = "Look at the **bars**."

[step.question]
ask = "Which token is first?"
answer = "top_token"

[[step]]
page = "Decoding"
state = { model = "tales-gpt", text = "Once upon a" }
text = "The end."
"""


def test_a_good_file_is_read() -> None:
    lesson = read("1.9", GOOD)
    assert lesson.order == (1, 9) and lesson.steps[0].question is not None
    assert lesson.steps[0].text[1] == Span("bars", "bold")


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ("minutes = 3", "minutes = 300", 2, "`minutes`"),
        ('title = "A lesson"', 'title = ""', 1, "`title` is missing"),
        ('answer = "top_token"', 'answer = "os.system"', 12, "no live answer"),
        ('answer = "top_token"', 'answer = "top_token"\nwith = { word = "a" }', 13, "takes no"),
        ('answer = "top_token"', 'answer = "rank_of"', 10, "needs `word`"),
        ('answer = "top_token"', 'answer = "top_token"\nform = "essay"', 13, "`form` is one of"),
        ('answer = "top_token"', 'answer = "top_token"\nguess_first = 1', 13, "true or false"),
        ("**bars**", "**bars", 8, "not closed"),
        ("Look at the", "word " * 71, 8, "at most 70"),
        ('page = "Decoding"', 'page = "Decoding"\nrun = "x"', 7, "`run`"),
        ("c1 =", '"c 1" =', 7, "not a word of a link"),
        ('model = "tales-gpt", ', "", 7, "names model, text"),
        ("[step.question]", "[step.question", 10, "line 10"),
        ("The end.", "The \\u202e end.", 17, "control characters"),
        (
            'The end."',
            'The end."\nsources = [{ name = "x", link = "javascript:alert(1)" }]',
            18,
            "https://",
        ),
        (
            'answer = "top_token"',
            'answer = "top_token"\nchoices = [{ text = "a", value = "a" }]',
            13,
            "two to six choices",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_reason(
    old: str, new: str, line: int, why: str
) -> None:
    assert old in GOOD
    with pytest.raises(LessonError) as refused:
        read("1.9", GOOD.replace(old, new, 1))
    assert str(refused.value).startswith(f"line {line}: "), refused.value
    assert why in str(refused.value)


def test_a_file_is_bounded_and_its_name_is_its_place() -> None:
    with pytest.raises(LessonError, match="larger than"):
        read("1.9", GOOD + "#" * 70_000)
    with pytest.raises(LessonError, match="named by chapter"):
        read("../1.9", GOOD)


def test_markup_obeys_three_marks_and_nothing_else() -> None:
    text = "[a](https://x.y) <b>c</b> *d* `e*f` {right}"
    assert [span.style for span in markup.spans(text)] == [
        "plain",
        "italics",
        "plain",
        "code",
        "plain",
    ]
    filled = markup.filled(markup.spans(text), {"right": "**bold** {best}"})
    assert filled[-1] == Span(" **bold** {best}")


def test_the_files_are_all_read() -> None:
    assert len(list((FOLDER / "en").glob("*.toml"))) == len(LESSONS)


def test_the_docs_list_every_live_answer() -> None:
    docs = (FOLDER.parents[1] / "docs" / "lessons.md").read_text(encoding="utf-8")
    for name, one in ANSWERS.items():
        row = next((line for line in docs.splitlines() if line.startswith(f"| `{name}` |")), "")
        assert one.about in row and all(f"`{argument}`" in row for argument in one.arguments), name
