"""The glossary: eighty terms in one sentence each, and files that are refused."""

from __future__ import annotations

import re

import pytest

from engine.learn.glossary import FOLDER, WORDS, found, read, terms
from engine.learn.reader import LessonError, shipped
from tests.engine.test_lessons import flesch_kincaid, said

TERMS = terms()
FILE = """# a comment
[[term]]
name = "token"
also = ["tokens"]
group = "Text"
says = "A piece of text."
lesson = "2.1"
step = 1

[[term]]
name = "logit"
group = "Choosing"
says = "A score."
lesson = "4.1"
step = 1
"""


def test_there_are_eighty_terms_in_groups_of_a_size_to_read() -> None:
    assert len(TERMS) == 80
    groups = [term.group for term in TERMS.values()]
    assert groups == [one for group in dict.fromkeys(groups) for one in groups if one == group]
    assert all(8 <= groups.count(group) <= 20 for group in set(groups))


def test_every_term_is_one_sentence_that_does_not_only_repeat_it() -> None:
    for term in TERMS.values():
        assert len(term.says.split()) <= WORDS and term.says[0].isupper(), term.name
        assert not term.says.casefold().startswith(term.name.casefold()), term.name
        assert not re.search(r"\blooks?\b(?! up)|\btells?\b", term.says), term.name


def test_the_glossary_reads_as_easily_as_a_lesson() -> None:
    assert flesch_kincaid(" ".join(term.says for term in TERMS.values())) <= 8.0


# Terms whose step speaks of them in other words; every other one has its name there.
OTHERWISE = {
    "subword": "pieces", "token ID": "id", "mask token": "hidden", "special token": "first token",
    "training data": "texts",
    "next-token prediction": "probability", "evaluation": "measure",
    "embedding": "vector", "embedding matrix": "looks up", "dimension": "numbers",
    "embedding space": "space", "principal components": "three directions",
    "nearest neighbors": "near", "analogy": "calculate", "contextual embedding": "takes something",
    "position embedding": "position", "learned positions": "learned",
    "rotary positions": "rotary", "attention": "attends",
    "self-attention": "attention", "attention weight": "weights", "attention map": "map",
    "multi-head attention": "heads", "scaling": "divided", "previous-token head": "before",
    "induction head": "induction", "causal mask": "mask", "bidirectional attention": "encoder",
    "masked language modeling": "hidden", "distillation": "learned from",
    }  # fmt: skip


def test_the_step_of_a_term_speaks_of_it() -> None:
    for term in TERMS.values():
        step = shipped()[term.lesson].steps[term.step - 1]
        assert step.question is not None
        spans = (*step.text, *step.question.ask, *step.question.reveal)
        text = " ".join([said(spans), *(choice.text for choice in step.question.choices)])
        words = [OTHERWISE[term.name]] if term.name in OTHERWISE else term.forms
        plain = text.casefold().replace(" positions", "")
        assert any(w.casefold().replace(" positions", "") in plain for w in words), term.name


@pytest.mark.parametrize(
    ("search", "first"),
    [("softmax", "softmax"), ("SOFT", "softmax"), ("logits", "logit"), ("king", "analogy")],
)
def test_a_search_finds_names_forms_and_sentences(search: str, first: str) -> None:
    assert found(search)[0].name == first


def test_a_search_for_nothing_gives_all_and_for_nonsense_none() -> None:
    assert len(found("  ")) == len(TERMS)
    assert found("<b>") == [] and found("zzz" * 1000) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ('name = "token"', 'name = ""', 3, "`name` is missing"),
        ('name = "logit"', 'name = "Tokens"', 11, "“Tokens” is written twice"),
        ('says = "A score."', 'says = "A score. And more."', 13, "one sentence"),
        ('says = "A score."', 'says = "A score"', 13, "one sentence"),
        ('says = "A score."', f'says = "{"word " * 25}."', 13, "at most 24 words"),
        ('says = "A score."', 'says = "A \\u202e score."', 13, "control characters"),
        ('lesson = "4.1"', 'lesson = "9.9"', 14, "no lesson 9.9"),
        ("step = 1\n\n", "step = 9\n\n", 8, "steps 1 to 5"),
        ("step = 1\n\n", "step = true\n\n", 8, "steps 1 to 5"),
        ('also = ["tokens"]', "also = [3]", 4, "a form is a word"),
        ('group = "Text"', 'group = "Text"\nlink = "https://x"', 6, "`link`"),
        ('name = "token"', 'name = "token', 3, "line 3"),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_reason(
    old: str, new: str, line: int, why: str
) -> None:
    assert old in FILE and len(read(FILE, shipped())) == 2
    with pytest.raises(LessonError) as refused:
        read(FILE.replace(old, new, 1), shipped())
    assert str(refused.value).startswith(f"line {line}: "), refused.value
    assert why in str(refused.value)


@pytest.mark.parametrize("text", ["", "a = 1", 'term = "x"', "[[term]]\n" * 300, "#" * 70_000])
def test_a_file_that_is_no_glossary_is_refused(text: str) -> None:
    with pytest.raises(LessonError, match=r"^line \d+: "):
        read(text, shipped())


def test_the_shipped_file_is_the_one_that_is_read() -> None:
    text = (FOLDER / "en.toml").read_text("utf-8")
    assert text.count("[[term]]") == len(TERMS)
