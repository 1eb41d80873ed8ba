"""A draft as a lesson file, and such a file as a draft again: nothing is lost on the way.

    text = written(draft)                 # TOML, the form of the course's own files
    drafted(text) == draft                # also where the draft is not finished yet
    lesson = whole("own-1", draft, check) # the lesson, or what is still missing, and in which step

Every text is one line of the file, its odd characters written as escapes: the file shows what it
holds, and no text can become a key. In a lesson that somebody else wrote nothing is taken on trust:
it is read by `engine.learn.reader` first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from engine.learn.drafts import Draft, DraftChoice, DraftQuestion, DraftStep
from engine.learn.lessons import Form, Lesson, Source
from engine.learn.reader import Check, LessonError, parsed, read
from engine.values import FrozenDict

NUMBERS = ("tolerance", "relative", "low", "high")
KEPT = 200_000  # characters of an unfinished draft that are read
# Quotes and backslashes, and what an editor would not show or would show elsewhere.
_ODD = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NAME = re.compile(r"[^a-z0-9]+")


def written(draft: Draft) -> str:
    """The file of a draft."""
    head = [
        f"title = {_text(draft.title)}",
        f"minutes = {draft.minutes}",
        f"can_say = {_text(draft.can_say)}",
    ]
    return "\n".join([*head, *(line for step in draft.steps for line in _step(step))]) + "\n"


def drafted(text: str) -> Draft:
    """A file as a draft, finished or not. Raises `LessonError` where it is no file of ours."""
    if len(text) > KEPT:
        raise LessonError("line 1: the file is too long.")
    data = parsed(text)
    try:
        return Draft(
            _said(data, "title"),
            int(data["minutes"]),
            _said(data, "can_say"),
            tuple(_drafted_step(one) for one in data.get("step", [])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LessonError(f"line 1: this is no lesson that can be read here ({error}).") from None


def whole(lesson_id: str, draft: Draft, check: Check | None = None) -> Lesson:
    """The lesson of a draft; `reason` and `step` of a `LessonError` say what is missing."""
    return read(lesson_id, written(draft), check=check)


def opened(text: str, check: Check | None = None) -> Draft:
    """A lesson file from anywhere, as a draft. Raises `LessonError` with line and reason."""
    read("own-0", text, check=check)
    return drafted(text)  # as it was typed: a lesson is shown without its superfluous spaces


def file_name(title: str) -> str:
    """What the file of a lesson is called.

    >>> file_name("Who looks at whom?")
    'who-looks-at-whom.toml'
    """
    return f"{_NAME.sub('-', title.casefold()).strip('-')[:60] or 'lesson'}.toml"


# ------------------------------------------------------------------------- writing


def _step(step: DraftStep) -> list[str]:
    lines = ["", "[[step]]", f"page = {_text(step.page)}", f"state = {_table(step.state)}"]
    lines.append(f"text = {_text(step.text)}")
    if step.sources:
        told = [_table({"name": one.name, "link": one.link}) for one in step.sources]
        lines.append(f"sources = [{', '.join(told)}]")
    if step.highlights:
        lines.append(f"highlight = {_value(step.highlights)}")
    if step.question is not None:
        lines += ["", "[step.question]", *_question(step.question)]
    return lines


def _question(question: DraftQuestion) -> list[str]:
    lines = [f"ask = {_text(question.ask)}", f"answer = {_text(question.answer)}"]
    if question.given:
        lines.append(f"with = {_table(question.given)}")
    lines.append(f"form = {_text(question.form)}")
    for key in NUMBERS:
        number = getattr(question, key)
        if number:
            lines.append(f"{key} = {_value(number)}")
    if question.unit:
        lines.append(f"unit = {_text(question.unit)}")
    if question.choices:
        rows = [f"  {_table(_choice(one))}," for one in question.choices]
        lines += ["choices = [", *rows, "]"]
    if question.reveal:
        lines.append(f"reveal = {_text(question.reveal)}")
    if question.guess_first:
        lines.append("guess_first = true")
    return lines


def _choice(choice: DraftChoice) -> dict[str, Any]:
    told: dict[str, Any] = {"text": choice.text}
    if choice.high is not None:
        told |= {"low": choice.value, "high": choice.high}
    else:
        told["about" if choice.about else "value"] = choice.value
    return told | ({"because": choice.because} if choice.because else {})


def _table(values: Mapping[str, Any]) -> str:
    rows = [
        f"{key if _BARE.fullmatch(key) else _text(key)} = {_value(value)}"
        for key, value in values.items()
    ]
    return f"{{ {', '.join(rows)} }}" if rows else "{}"


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case str():
            return _text(value)
        case _:
            return f"[{', '.join(_value(one) for one in cast('Sequence[object]', value))}]"


def _text(text: str) -> str:
    """A text as TOML writes it in one line.

    >>> _text('say "a"')
    '"say \\\\"a\\\\""'
    """
    whole_characters = text.encode(errors="replace").decode()
    return f'"{_ODD.sub(_escape, whole_characters)}"'


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}"


# ------------------------------------------------------------------------- reading


def _drafted_step(data: Mapping[str, Any]) -> DraftStep:
    asked = data.get("question")
    state = {k: tuple(v) if isinstance(v, list) else str(v) for k, v in data["state"].items()}
    return DraftStep(
        _said(data, "page"),
        FrozenDict(state),
        _said(data, "text"),
        None if asked is None else _drafted_question(asked),
        tuple(Source(str(one["name"]), str(one["link"])) for one in data.get("sources", ())),
        tuple(map(str, data.get("highlight", ()))),
    )


def _drafted_question(data: Mapping[str, Any]) -> DraftQuestion:
    form = _said(data, "form") or "choice"
    if form not in get_args(Form):
        raise ValueError(f"no form {form[:20]}")
    return DraftQuestion(
        answer=_said(data, "answer"),
        given=FrozenDict(dict(data.get("with", {}))),
        form=cast(Form, form),
        ask=_said(data, "ask"),
        choices=tuple(_drafted_choice(one) for one in data.get("choices", ())),
        unit=_said(data, "unit"),
        reveal=_said(data, "reveal"),
        guess_first=data.get("guess_first") is True,
        **{key: float(data.get(key, 0.0)) for key in NUMBERS},
    )


def _drafted_choice(data: Mapping[str, Any]) -> DraftChoice:
    value = data.get("value", data.get("low", data.get("about", "")))
    high = data.get("high")
    return DraftChoice(
        _said(data, "text"),
        value if isinstance(value, str) else float(value),
        _said(data, "because"),
        None if high is None else float(high),
        "about" in data,
    )


def _said(data: Mapping[str, Any], key: str) -> str:
    return str(data.get(key, ""))
