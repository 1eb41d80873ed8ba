"""What an encoder-decoder is to do with a text: its task, and the languages read and written.

In: the choice at the top of a page. Out: the `Reading` with the task in front and the language of
the text, and the language to write. Nothing is drawn for a model that has neither. A text that
the model may not understand is said to be one. Session keys
`task`, `to` and `from`, the same on every page.
"""

from __future__ import annotations

import streamlit as st

from engine.models import language
from engine.values import Reading
from pages.shell.cache import engine
from pages.shell.frame import Choice, checked, plain, samples, set_text

AS_IT_IS = "as it is"


def task_and_language(choice: Choice) -> tuple[Reading, str | None]:
    """Draw the choices that the model has; the text as it is read, and the language to write."""
    rules, text = choice.card.generation, choice.text
    if rules.prefixes:
        tasks = (AS_IT_IS, *rules.prefixes)
        task = str(checked("task", tasks, default=tasks[1], name="Task"))
        st.selectbox(
            "Task",
            tasks,
            key="task",
            bind="query-params",
            index=1,
            width=230,
            help="A task prefix that the model was trained with, put before the text.",
        )
        text = text if task == AS_IT_IS or not text.strip() else task + text
    if not rules.languages:
        return Reading(choice.model, text), None
    names = tuple(sorted(rules.languages))
    into = _language("to", "Into", names, next((n for n in names if "en" in n[:4]), names[0]))
    own = _own_language(choice)
    spoken = None if own is None else _language("from", "From", names, own)
    return Reading(choice.model, text, language=None if spoken == own else spoken), into


def wrong_language(choice: Choice) -> None:
    """Say so where the text may not be in the model's language; a click takes one that is."""
    found = language.mistaken(choice.model, choice.text)
    if found is None:
        return
    known, told = found
    texts = ((one.name, one.text) for one in samples())
    fitting = next((one for one in texts if language.likely_language(one[1]) == known), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(
            plain(
                f"{choice.card.title} reads {language.NAMES[known]}. This text may be "
                f"{language.NAMES[told]}: what the model makes of it may be nonsense."
            ),
            icon=":material/translate:",
        )
        if fitting is not None:
            st.button(
                f"Use “{plain(fitting[0])}”",
                key="fitting-sample",
                on_click=set_text,
                args=fitting[1:],
                help=plain(fitting[1]),
            )


def _language(key: str, label: str, names: tuple[str, ...], default: str) -> str:
    found = str(checked(key, names, default=default, name=label))
    st.selectbox(label, names, key=key, bind="query-params", index=names.index(default), width=130)
    return found


def _own_language(choice: Choice) -> str | None:
    """The language that the tokenizer says a text is in; None where it says none."""
    names = {i: name for name, i in choice.card.generation.languages.items()}
    return next(
        (names[i] for i in engine().tokenized(choice.model, "a").ids.tolist() if i in names), None
    )
