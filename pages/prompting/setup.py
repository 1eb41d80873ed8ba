"""The controls of Prompting checked and put together; texts that come with a task, and stay.

A task brings its texts with it: chosen by hand, all of them are replaced; come by a link, by Back
or by a lesson, those that the address names stay. What was typed is kept while other pages are
shown.
"""

from __future__ import annotations

import streamlit as st

from engine import policy
from engine.models.catalog import SUGGESTIONS
from engine.prompting import prompt as made
from engine.prompting.prompt import Prompt
from engine.prompting.tasks import ReadyTask, ready_tasks
from pages.prompting import controls
from pages.prompting.controls import TASK, TEXTS
from pages.prompting.plan import STOP_TEXTS, Plan, read_answers, write_answers
from pages.shell.address import plain, selection
from pages.shell.cache import engine
from pages.shell.controls import Control
from pages.shell.frame import Choice
from pages.shell.state import state

FILLED, KEPT, ASKED = "prompting-filled", "prompting-kept", "prompting-asked"
COLUMNS = 5  # at most
BY_ID = {task.id: task for task in ready_tasks()}
KEEPS = (TASK, *TEXTS, controls.RIGHT, controls.LENGTH, controls.STOP)


def first_question() -> str:
    """What the page asks until somebody types: the question of the task that is about to be shown.

    Before the frame is drawn, which has the field for it.
    """
    named = {task.name: task for task in ready_tasks()}
    chosen = BY_ID.get(str(st.session_state.get(TASK.key)))
    asked = named.get(st.query_params.get(TASK.key, ""))
    return (chosen or asked or ready_tasks()[0]).question


def settle() -> ReadyTask:
    """The task that is shown, with its texts in their fields where they are not somebody's own."""
    kept = st.session_state.get(KEPT)
    if state().turned and kept:
        for key, value in kept.items():
            if key not in st.query_params:
                st.session_state[key] = value
    task = BY_ID[TASK.check()]
    if st.session_state.get(FILLED, task.id) != task.id:
        for control, text in texts(task).items():
            st.session_state[control.key] = st.query_params.get(control.key, text)
    st.session_state[FILLED] = task.id
    return task


def texts(task: ReadyTask) -> dict[Control, str]:
    """What each field holds for a task at first."""
    return {
        controls.INSTRUCTION: task.instruction,
        controls.ASK: task.ask,
        controls.REPLY: task.reply,
        controls.EXAMPLES: made.write_examples(task.examples),
        controls.ANSWERS: write_answers(task.answers),
    }


def taken() -> None:
    """Somebody chose a task: its texts take the place of what stood there."""
    task = BY_ID[st.session_state[TASK.key]]
    for control, text in texts(task).items():
        st.session_state[control.key] = text
    # The page's question is the task's again, as before somebody typed.
    state().touched = False
    st.session_state[controls.RIGHT.key] = task.right
    most = policy.tokens_each(COLUMNS, controls.LONGEST)
    st.session_state[controls.LENGTH.key] = min(task.length, most)
    st.session_state[controls.STOP.key] = task.stop
    st.session_state[FILLED] = task.id
    state().values["column"] = None


def plan(choice: Choice, task: ReadyTask) -> Plan:
    """All controls checked, and what they ask for."""
    said = {control: str(control.check(default=text)) for control, text in texts(task).items()}
    listed = Prompt(
        said[controls.INSTRUCTION],
        said[controls.ASK],
        said[controls.REPLY],
        made.read_examples(said[controls.EXAMPLES]),
        choice.text,
    )
    answers, right = _answers(said[controls.ANSWERS], task, choice.text)
    shuffle, seed = controls.SHUFFLE.check(), int(controls.SEED.check())
    most = policy.tokens_each(COLUMNS, controls.LONGEST)
    length = int(controls.LENGTH.check(range(1, most + 1), default=min(task.length, most)))
    stop = str(controls.STOP.check(default=task.stop))
    line = controls.line(str(controls.SETTING.check()))
    prompt = made.shuffled(listed, shuffle, seed)
    fit = engine().examples_that_fit(choice.model, prompt, length)
    found = Plan(
        model=choice.model,
        task=task,
        listed=listed,
        prompt=prompt,
        answers=answers,
        right=right,
        stops=STOP_TEXTS[stop],
        length=length,
        line=line,
        seed=seed,
        shuffle=shuffle,
        fit=fit,
        window=engine().window(choice.model),
    )
    st.session_state[KEPT] = {
        control.key: st.session_state[control.key]
        for control in KEEPS
        if control.key in st.session_state
    }
    return _looked_at(found)


def _answers(text: str, task: ReadyTask, question: str) -> tuple[tuple[str, ...], str | None]:
    """The admissible answers, and the right one: known for the task's own question alone."""
    answers = read_answers(text)
    known = question.strip() == task.question and task.right in answers
    default = task.right if known else controls.UNKNOWN
    if st.session_state.get(ASKED, question) != question:
        st.session_state[controls.RIGHT.key] = default
    st.session_state[ASKED] = question
    right = str(controls.RIGHT.check((controls.UNKNOWN, *answers), default=default))
    return answers, None if right == controls.UNKNOWN else right


def _looked_at(found: Plan) -> Plan:
    """With the column that is looked at: the last one, until somebody chooses another."""
    names = {f"c{n}": count for n, count in enumerate(found.counts, 1)}
    at = selection("column", lambda at: at.split(" ")[0] in names, name="Column")
    count = names[at.split(" ")[0]] if at else found.counts[-1]
    return found.looking_at(count)


def suits(choice: Choice, task: ReadyTask) -> None:
    """Say what a shipped model can do with this task, as what it learnt is known."""
    if not engine().find(choice.model).shipped:
        return
    title = f"{choice.card.title} has {choice.card.parameters / 1e6:.1f} million parameters"
    real = next(one for one in SUGGESTIONS if "Instruct" in one.title)
    if choice.model in task.taught:
        said = (
            f"{title} and learned old tales and short lessons; lessons like this task were among "
            "them. It knows no facts and follows no other instruction."
        )
    else:
        said = (
            f"{title} and learned old tales: this task was not among its lessons, so that what it "
            f"answers means nothing. Add a model that follows instructions on Home, such as "
            f"{real.title}."
        )
    st.caption(plain(said))
