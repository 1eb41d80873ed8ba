"""The question of a step while it is written: a live answer, its arguments, how it is asked.

The right answer is computed from the step's model and text, and shown to the author; where the
text gives none the reason is said, and the question may stay as it is for other texts.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine.errors import EngineError
from engine.learn import drafts, offers
from engine.learn.answers import ANSWERS, Answer, Asked, Live
from engine.learn.drafts import TYPED, DraftQuestion, DraftStep
from engine.learn.reader import LONGEST
from engine.values import Family, FrozenDict
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.lesson.own import shelf
from pages.shell.lesson.own.choices import choices
from pages.shell.lesson.own.topics import topics

NONE = "No question"
COMPUTED = "own-answers"  # session key: the answers computed last
MOST = 24
FORMS = {
    "choice": "choose one",
    "word": "type a word",
    "number": "type a number",
    "estimate": "estimate on a slider",
    "order": "put in order",
}


def question(name: str, at: int, step: DraftStep) -> None:
    """Draw the question's fields."""
    asked = _asked(step)
    try:
        family: Family = asked.engine.card(asked.model).family
    except EngineError as error:
        st.caption(f":material/info: {plain(str(error))}")
        return
    own = step.question
    names = [one.name for one in offers.offered(family, topics(step))]
    if own is not None and own.answer not in names:
        names.insert(0, own.answer)
    _select(name, at, [NONE, *names], own.answer if own else NONE)
    if own is None or own.answer not in ANSWERS:
        return
    live = ANSWERS[own.answer]
    _arguments(name, at, step, live, own)
    answer = _right(live, own, asked)
    _asking(name, at, live, own, answer)


def _select(name: str, at: int, names: list[str], chosen: str) -> None:
    key = _key(name, at, "question")

    def changed() -> None:
        picked = st.session_state[key]
        step = shelf.own().drafts[name].steps[at]
        if picked == NONE:
            _put(name, at, None)
            return
        asked, live = _asked(step), ANSWERS[picked]
        given = offers.begun(live, asked, step.state)
        _put(name, at, _begun(live, given, asked))

    st.selectbox(
        "Question",
        names,
        names.index(chosen),
        key=key,
        format_func=lambda one: NONE if one == NONE else _about(one),
        on_change=changed,
        help="What the answer is computed from; those about this page come first.",
    )


def _begun(live: Live, given: dict[str, Any], asked: Asked) -> DraftQuestion:
    """A question with what can be suggested for this text."""
    answer, _ = _computed(live, given, asked)
    if answer is None:
        return DraftQuestion(live.name, FrozenDict(given))
    return offers.posed(live, answer, given, offers.forms(live, answer)[0])


def _arguments(name: str, at: int, step: DraftStep, live: Live, own: DraftQuestion) -> None:
    """A field for each argument of the live answer."""
    asked = _asked(step)
    with st.container(horizontal=True, gap="small"):
        for argument, declared in live.arguments.items():
            key = _key(name, at, f"with-{argument}")
            optional = declared.default is not declared.empty
            value = own.given.get(argument, declared.default if optional else "")
            change = partial(_change_argument, name, at, argument, key)
            label = argument.capitalize()
            listed = offers.options(live, argument, asked, step.state)
            if offers.is_number(live, argument):
                number = value if isinstance(value, int) else 1
                low = 0 if argument in ("after", "examples") else 1
                kept = max(low, min(number, 999))
                st.number_input(label, low, 999, kept, key=key, on_change=change, width=110)
            elif listed:
                listed = listed if value in listed else [value, *listed]
                st.selectbox(
                    label,
                    listed,
                    listed.index(value),
                    key=key,
                    on_change=change,
                    accept_new_options=argument in (*offers.WORDS, "setting"),
                    format_func=lambda one: str(one) or "any",
                    width=150,
                )
            else:
                most = LONGEST["argument"]
                st.text_input(
                    label, str(value), key=key, max_chars=most, on_change=change, width=150
                )


def _change_argument(name: str, at: int, argument: str, key: str) -> None:
    """Put an argument in its place; what was suggested and not changed is suggested anew."""
    step = shelf.own().drafts[name].steps[at]
    own = step.question
    if own is None:
        return
    live, asked = ANSWERS[own.answer], _asked(step)
    value = st.session_state[key]
    value = value[: LONGEST["argument"]].strip() if isinstance(value, str) else value
    given = dict(own.given) | {argument: value}
    if given[argument] == live.arguments[argument].default:
        del given[argument]
    suggested = _suggestion(live, own, asked)
    changed = replace(own, given=FrozenDict(given))
    if suggested == own:
        changed = _suggestion(live, changed, asked) or changed
    _put(name, at, changed)


def _suggestion(live: Live, own: DraftQuestion, asked: Asked) -> DraftQuestion | None:
    """The question as it would be suggested, with the author's own words."""
    answer, _ = _computed(live, dict(own.given), asked)
    if answer is None:
        return None
    found = offers.posed(live, answer, own.given, own.form)
    return replace(found, ask=own.ask, reveal=own.reveal, unit=own.unit)


def _right(live: Live, own: DraftQuestion, asked: Asked) -> Answer | None:
    """Say what is right for the step's own text, or why nothing is."""
    answer, why = _computed(live, dict(own.given), asked)
    if answer is None:
        st.warning(plain(why), icon=":material/info:")
    else:
        st.caption(f"Right here: **{plain(answer.shown)}**. {plain(answer.because)}")
    return answer


def _asking(name: str, at: int, live: Live, own: DraftQuestion, answer: Answer | None) -> None:
    key = _key(name, at, "ask")
    example = offers.example(live.name)
    st.text_area(
        "What is asked",
        own.ask,
        key=key,
        height=68,
        max_chars=TYPED,
        placeholder=f"Such as: {example}" if example else "Ask what can be thought about first",
        on_change=partial(_change, name, at, key, "ask"),
    )
    fitting = offers.forms(live, answer) if answer else (own.form,)
    forms = list(dict.fromkeys((*fitting, own.form)))
    key_of_form = _key(name, at, "form")

    def reformed() -> None:
        step = shelf.own().drafts[name].steps[at]
        if step.question is not None:
            told = replace(step.question, form=st.session_state[key_of_form], choices=())
            bare = replace(told, low=0.0, high=0.0, tolerance=0.0, relative=0.0)
            _put(name, at, _suggestion(live, bare, _asked(step)) or bare)

    st.selectbox(
        "How it is answered",
        forms,
        forms.index(own.form),
        key=key_of_form,
        format_func=FORMS.__getitem__,
        on_change=reformed,
    )
    if own.form == "choice":
        choices(name, at, own, answer)
    elif own.form in ("estimate", "number"):
        _numbers(name, at, live, own)
    with st.expander("Said when the answer is known", expanded=bool(own.reveal)):
        key = _key(name, at, "reveal")
        st.text_area(
            "At most 40 words, for this text and model",
            own.reveal,
            key=key,
            height=68,
            max_chars=TYPED,
            help=f"It may name numbers: {{answer}}, {', '.join(f'{{{f}}}' for f in live.facts)}",
            on_change=partial(_change, name, at, key, "reveal"),
        )


def _numbers(name: str, at: int, live: Live, own: DraftQuestion) -> None:
    """The ends of a slider, and how far off an answer may be."""
    parts = {"low": "From", "high": "To", "tolerance": "May be off by"}
    if own.form == "number":
        if live.counts:
            st.caption("A count is graded exactly.")
            return
        parts = {"tolerance": "May be off by", "relative": "or by this share"}
    with st.container(horizontal=True, gap="small"):
        for part, label in parts.items():
            key = _key(name, at, part)
            st.number_input(
                label,
                value=float(getattr(own, part)),
                min_value=-1e8,
                max_value=1e8,
                format="%g",
                key=key,
                width=110,
                on_change=partial(_change, name, at, key, part),
            )


def _change(name: str, at: int, key: str, part: str) -> None:
    """Put what a field holds into the question (a callback)."""
    step = shelf.own().drafts[name].steps[at]
    value = st.session_state[key]
    value = value[:TYPED] if isinstance(value, str) else float(value or 0.0)
    if step.question is not None:
        changed = replace(step.question, **{part: value})
        draft = drafts.changed(shelf.own().drafts[name], at, question=changed)
        shelf.keep(name, draft, typed=True)


def _put(name: str, at: int, changed: DraftQuestion | None) -> None:
    """Put a whole question in its place: its fields are drawn anew."""
    shelf.keep(name, drafts.changed(shelf.own().drafts[name], at, question=changed))


def _computed(live: Live, given: dict[str, Any], asked: Asked) -> tuple[Answer | None, str]:
    """The live answer, or why there is none; the last few are remembered in the session."""
    known = st.session_state.setdefault(COMPUTED, {})
    key = (live.name, repr(sorted(given.items())), asked.model, asked.text)
    if key not in known:
        wrong = live.problem(given)
        try:
            known[key] = (None, f"{wrong}.") if wrong else (live(asked, **given), "")
        except EngineError as error:
            known[key] = (None, str(error))
        while len(known) > MOST:
            del known[next(iter(known))]
    return known[key]


def _asked(step: DraftStep) -> Asked:
    return Asked(engine(), str(step.state["model"]), str(step.state["text"]))


def _about(name: str) -> str:
    return ANSWERS[name].about.replace("`", "") if name in ANSWERS else name


def _key(name: str, at: int, part: str) -> str:
    return f"own-{part}-{name}-{at}-{shelf.own().stamp}"
