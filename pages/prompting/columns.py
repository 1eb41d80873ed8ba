"""The same question after no, one, a few examples: answers written live, all in one batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.errors import EmptyText, TextTooLong
from engine.values import Reading
from pages.pictures.columns import sheet as view
from pages.pictures.columns.drawing import picture as drawn
from pages.pictures.columns.sheet import Sheet
from pages.pictures.columns.words import percent
from pages.prompting import recipes
from pages.prompting.plan import Plan, listing, named
from pages.prompting.sent import over
from pages.shell.address import plain, select, selection
from pages.shell.cache import engine
from pages.shell.components import columns
from pages.shell.fragments import Runs, fragment
from pages.shell.share import share_menu
from pages.shell.state import state

EVERY = 0.1  # seconds between two looks at what is being written
RARELY = 1.0  # the same where many are writing, at most
SOON = 0.3  # seconds for which nobody needs to be told what is being done
KEY = "prompting-sheet"
TITLE = "One question, more and more examples"
Asked = tuple[Task, Sequence[Line]]
TAIL = 40  # characters of the prompt that stand before each answer


def prompting_columns(plan: Plan) -> None:
    """Show the columns as they fill, and what is seen in them when they are done."""
    check(plan)
    task, lines = asked(plan)
    texts = written(task, lines, write=wanted())
    live = any(text.writing for text in texts)
    fragment(_watch, every(EVERY) if live else None, plan, task, lines, texts, live)
    # Outside of the fragment: a press must run the page.
    _below(plan, texts, (task, lines), live=live)
    refuse(texts)


def check(plan: Plan) -> None:
    """Refuse an empty question, and one that leaves no room."""
    if not plan.prompt.question.strip():
        raise EmptyText("The question is empty. Type one above, or choose a task.")
    if plan.fit < 0:
        raise TextTooLong(over(plan))


def asked(plan: Plan) -> tuple[Task, list[Line]]:
    """What is to be written: a line for each number of examples, with its own prompt."""
    ids = {
        count: tuple(engine().tokens(Reading(plan.model, plan.prompt.text(count))).ids.tolist())
        for count in (0, *plan.counts)
    }
    lines = [replace(plan.line, prompt=ids[count]) for count in plan.counts]
    return plan.writing(ids[0]), lines


def every(seconds: float) -> float:
    """The time between two looks; who look at the same time share the processor."""
    return min(seconds * max(1, engine().texts_under_way()), RARELY)


def refuse(texts: Sequence[Generated]) -> None:
    """Raise what ended an answer, where that is an error."""
    error = next((text.problem for text in texts if text.problem), None)
    if error is not None:
        raise error


def end_of_writing(texts: Sequence[Generated]) -> None:
    """Run the page again once nothing is written any more; for a fragment that looked alone."""
    if any(text.writing for text in texts):
        return
    if any(text.problem for text in texts):
        select("writes", "no")  # or the page would try again at once, for ever
    st.rerun()


def wanted() -> bool:
    """Whether answers are to be written: until somebody stops them."""
    return selection("writes", ("no",), name="writes") != "no"


def written(task: Task, lines: Sequence[Line], *, write: bool) -> tuple[Generated, ...]:
    """The answers as far as they are written; begun or joined, where that is wanted."""
    viewer = state().viewer
    if not write:
        return engine().look(task, lines, viewer=viewer)
    return engine().write(task, lines, viewer=viewer, patience=SOON)


def _watch(
    runs: Runs,
    plan: Plan,
    task: Task,
    lines: Sequence[Line],
    texts: tuple[Generated, ...],
    live: bool,
) -> None:
    """One look at the columns; runs alone while they are written (`live`)."""
    if live and not runs.first:
        texts = engine().look(task, lines, viewer=state().viewer)
    sheet = _sheet(plan, texts)
    done = any(text.tokens for text in texts) and not any(text.writing for text in texts)
    words = said(plan, texts) if done else ""
    # Above the columns: on a low screen two rows of them would hide it.
    st.caption(plain(words or ("Writing …" if live else "Nothing is written yet.")))
    data = view.payload(sheet) | {"mark": "", "held": sheet.at, "seq": _own().get("seq", 0)}
    for column, text in zip(data["columns"], texts, strict=True):
        column["d"] = -1  # texts after other prompts differ for that reason
        column["s"] = figures(text) if done else []
    columns(key=KEY, data=data, on_lock_change=_locked, on_add_change=lambda: None)
    if runs.first:
        return
    if live:
        end_of_writing(texts)
    if state().values.get("column") not in (None, f"c{sheet.chosen + 1}"):
        st.rerun()  # another column was chosen: the prompt that is shown is its


def _sheet(plan: Plan, texts: tuple[Generated, ...]) -> Sheet:
    def spell(token_id: int) -> str:
        return engine().texts(plan.model, [token_id], "decoder")[0]

    return Sheet(
        columns=texts,
        prompt=plan.prompt.text(0)[-TAIL:].rpartition("\n")[2],
        spell=spell,
        chosen=plan.counts.index(plan.looked_at),
        idle="press Write" if not any(text.tokens for text in texts) else "",
        height=90 if plan.length <= 16 else 150,
        named=tuple(map(named, plan.counts)),
    )


def buttons(asked: Asked, texts: Sequence[Generated], *, live: bool) -> None:
    """Write and Stop."""
    whole = all(text.end for text in texts)
    st.button(
        "Write",
        key="prompting-write",
        type="secondary" if live or whole else "primary",
        icon=":material/edit_note:",
        disabled=live or whole,
        help="Every answer is written." if whole else None,
        on_click=select,
        args=("writes", None),
    )
    st.button(
        "Stop",
        key="prompting-stop",
        icon=":material/stop:",
        disabled=not live,
        on_click=_stop,
        args=(asked,),
    )


def _below(plan: Plan, texts: Sequence[Generated], asked: Asked, *, live: bool) -> None:
    words = said(plan, texts) if any(text.tokens for text in texts) and not live else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        buttons(asked, texts, live=live)
        if words:
            sheet = _sheet(plan, tuple(texts))
            share_menu(
                "prompting-columns",
                python=partial(recipes.columns, *asked, plan.counts),
                svg=lambda: drawn(sheet, TITLE, said=words),
                data=lambda: _table(plan, sheet),
                title=TITLE,
                shown=False,
            )


def figures(text: Generated) -> list[tuple[str, str, str]]:
    """What stands under an answer: label, value, and what it means."""
    if not text.tokens:
        return []
    chance = percent(math.exp(text.log_probability))
    return [
        ("probability", chance, "Of exactly these tokens, the last one included."),
        ("tokens", f"{len(text.tokens)}", "New tokens, without the prompt."),
    ]


def said(plan: Plan, texts: Sequence[Generated]) -> str:
    """What one sees: with how many examples the answer is the right one, and what else came."""
    found = [text.text.strip() for text in texts]
    pairs = list(zip(plan.counts, found, strict=True))
    same = len(set(found)) == 1
    if plan.right is None:
        return (
            "All columns have the same answer."
            if same
            else f"{len(set(found))} different answers in {len(found)} columns."
        )
    right = [count for count, text in pairs if text == plan.right]
    quoted = f"“{plan.right[:60].splitlines()[0]}”"
    if len(right) == len(pairs):
        return f"Every column answers {quoted}, the right answer, to the letter."
    if not right:
        end = " All have the same answer." if same and len(found) > 1 else ""
        return f"No column answers {quoted} to the letter.{end}"
    wrong = [count for count, _ in pairs if count not in right]
    return (
        f"The right answer {quoted} comes to the letter with {_examples(right)}; "
        f"not with {_examples(wrong)}."
    )


def _examples(counts: Sequence[int]) -> str:
    words = listing([str(count) if count else "no" for count in counts])
    return f"{words} example{'' if list(counts) in ([0], [1]) else 's'}"


def _table(plan: Plan, sheet: Sheet) -> dict[str, list[Any]]:
    table = view.table(sheet)
    numbers = [plan.counts[number - 1] for number in table.get("column", [])]
    return {"examples": numbers} | table


def _own() -> dict[str, Any]:
    """What the component last reported: the place clicked and the number of the click."""
    lock = dict(st.session_state.get(KEY) or {}).get("lock")
    return dict(lock) if isinstance(lock, dict) else {}


def _locked() -> None:
    # The column, not its token, is what the rest of the page is about.
    select("column", str(_own().get("at") or "").split(" ")[0][:3] or None)


def _stop(asked: Asked) -> None:
    engine().stop_writing(*asked, viewer=state().viewer)
    select("writes", "no")
