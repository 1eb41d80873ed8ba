"""The builder: instruction, examples one by one, the words around them, answers, and options.

Every example is a row: a grip to put it elsewhere, what is asked, what is answered, up, down,
remove. The rows write the one text that links carry (`controls.EXAMPLES`), which can be edited as
text as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st

from engine.prompting import prompt as made
from engine.prompting.prompt import Example
from pages.prompting import controls
from pages.prompting.plan import Plan
from pages.shell.address import plain
from pages.shell.client.grip import grip

ROWS = 12  # shown one by one; more are edited as text


def builder(plan: Plan) -> None:
    """Draw everything that makes the prompt, but for the question, which stands on top."""
    st.subheader("Build the prompt", anchor=False)
    controls.INSTRUCTION.draw()
    with st.container(horizontal=True, gap="small"):
        controls.ASK.draw()
        controls.REPLY.draw()
    _examples(plan.listed.examples)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controls.SHUFFLE.draw()
        controls.SEED.draw()
    controls.ANSWERS.draw()
    controls.RIGHT.draw()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controls.SETTING.draw()
        controls.LENGTH.draw()
        controls.STOP.draw()


def _examples(examples: tuple[Example, ...]) -> None:
    st.markdown(f"**Examples** ({len(examples)})")
    for place, one in enumerate(examples[:ROWS]):
        _row(place, one, len(examples))
    if len(examples) > ROWS:
        rest = len(examples) - ROWS
        st.caption(plain(f"… and {rest} more: edit them as text."))
    with st.container(horizontal=True, gap="small"):
        full = len(examples) >= made.MOST
        st.button(
            "Add example",
            key="example-add",
            icon=":material/add:",
            disabled=full,
            help=f"{made.MOST} examples are the most." if full else None,
            on_click=partial(_change, _added),
        )
        st.button(
            "Remove all",
            key="example-clear",
            icon=":material/delete_sweep:",
            disabled=not examples,
            on_click=partial(_change, lambda _: []),
        )
        with st.popover("Edit as text", icon=":material/edit:", width="content"):
            controls.EXAMPLES.draw(height=260)


def _row(place: int, one: Example, count: int) -> None:
    number, fields = place + 1, (("asked", one.asked), ("answer", one.answer))
    with st.container(horizontal=True, gap="xsmall", key=f"example-row-{number}"):
        # Two groups, so that on a telephone the buttons stand in one line under the texts.
        with st.container(horizontal=True, gap="xsmall", width="stretch"):
            if count > 1:
                grip("example", number, min(count, ROWS), what="example", on_move=_dropped)
            for name, text in fields:
                _field(place, name, text)
        with st.container(horizontal=True, gap="xsmall", width="content"):
            _buttons(place, count)


def _field(place: int, name: str, text: str) -> None:
    number, key = place + 1, f"example-{name}-{place + 1}"
    st.session_state[key] = made.written(text)
    st.text_input(
        f"Question of example {number}" if name == "asked" else f"Answer of example {number}",
        key=key,
        max_chars=600,
        label_visibility="collapsed",
        placeholder="question" if name == "asked" else "answer",
        width="stretch" if name == "asked" else 140,
        on_change=partial(_typed, place, name, key),
    )


def _buttons(place: int, count: int) -> None:
    number = place + 1
    for name, step, off in (("up", -1, place == 0), ("down", 1, number == count)):
        st.button(
            f":material/arrow_{name}ward:",
            key=f"example-{name}-{number}",
            help=f"Move example {number} {name}",
            disabled=off,
            on_click=partial(_change, partial(_moved, place=place, step=step)),
        )
    st.button(
        ":material/close:",
        key=f"example-remove-{number}",
        help=f"Remove example {number}",
        on_click=partial(_change, partial(_without, place=place)),
    )


def _change(how: Callable[[list[Example]], list[Example]]) -> None:
    key = controls.EXAMPLES.key
    examples = list(made.read_examples(str(st.session_state.get(key) or "")))
    st.session_state[key] = made.write_examples(how(examples)[: made.MOST])[: made.LONGEST]


def _typed(place: int, name: str, key: str) -> None:
    text = made.unwritten(str(st.session_state.get(key) or ""))

    def typed(examples: list[Example]) -> list[Example]:
        if place < len(examples):
            examples[place] = replace(examples[place], **{name: text})
        return examples

    _change(typed)


def _added(examples: list[Example]) -> list[Example]:
    return [*examples, Example("", "")]


def _moved(examples: list[Example], *, place: int, step: int) -> list[Example]:
    other = place + step
    if 0 <= place < len(examples) and 0 <= other < len(examples):
        examples[place], examples[other] = examples[other], examples[place]
    return examples


def _dropped(start: int, end: int) -> None:
    """A row was dropped, or moved by a key: places as the screen counts them, from 1."""
    _change(partial(_placed, place=start - 1, to=end - 1))


def _placed(examples: list[Example], *, place: int, to: int) -> list[Example]:
    if 0 <= place < len(examples) and 0 <= to < len(examples):
        examples.insert(to, examples.pop(place))
    return examples


def _without(examples: list[Example], *, place: int) -> list[Example]:
    return examples[:place] + examples[place + 1 :]
