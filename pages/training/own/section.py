"""Train one yourself: a text, a size, "Train"; loss and samples as they come, then a model here."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine import installing, policy
from engine.errors import EngineError
from engine.tuning.plans import LEAST_TEXT, MOST_TEXT, Own, checked_text, vocabulary_of
from engine.tuning.ready import MINE, ready_text
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.client.visitor import visitor
from pages.shell.components import picture
from pages.shell.frame import Choice
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud
from pages.training import recipes
from pages.training.own import picture as view
from pages.training.trainings import act, say_refused, show_trainings
from pages.training.tuning import controls

TEXT, NAME = "own-text", "own-name"  # session keys


def training_own(choice: Choice) -> None:
    """What is learnt from, how large the model is, the button, and trainings under way."""
    st.markdown(
        "A model of random weights learns to continue one text. It reads the first nine tenths; "
        "the last tenth is held out and says whether it learns more than to repeat."
    )
    text = _text()
    try:
        checked = checked_text(text)
    except EngineError as error:
        st.info(plain(str(error), 300), icon=":material/info:")
        checked = ""
    plan = _plan(vocabulary_of(checked or text))
    say_refused()
    _start(checked, plan)
    show_trainings()
    _kept()


def _text() -> str:
    chosen = str(controls.OWN_TEXT.check())
    controls.OWN_TEXT.draw()
    if chosen != MINE:
        text = ready_text(chosen)
        st.code(text[:400] + " …", language=None, wrap_lines=True)
        return text
    return st.text_area(
        "Text",
        key=TEXT,
        height=180,
        max_chars=MOST_TEXT,
        placeholder=f"At least {LEAST_TEXT} characters: names, a poem, a page.",
        help="It stays on this machine and is in no link.",
    )


def _plan(vocabulary: int) -> Own:
    layers, width = int(controls.OWN_LAYERS.check()), int(controls.OWN_WIDTH.check())
    steps = int(controls.OWN_LENGTH.check())
    controls.OWN_LAYERS.draw()
    controls.OWN_WIDTH.draw()
    controls.OWN_LENGTH.draw()
    plan = Own(layers, width, steps)
    said = (
        f"{plan.parameters(vocabulary):,} parameters ({vocabulary:,} tokens, {plan.heads} heads of "
        f"16), about {plan.seconds(vocabulary):.0f} seconds on one core."
    )
    parts = plan.parts(vocabulary)
    st.markdown(said)
    picture(view.parts(parts, said), key="own-size", alt=said)
    table = {"part": list(parts), "parameters": list(parts.values())}
    share_menu(
        "own-size",
        python=partial(recipes.own_size, plan, vocabulary),
        svg=lambda: view.parts_wide(parts, said),
        shown=False,
        data=table,
        title="Parameters of a small model",
    )
    read_aloud("own-size", lambda: table)
    return plan


def _start(text: str, plan: Own) -> None:
    if not policy.may_train(visitor()):
        st.info(policy.NO_TRAINING, icon=":material/info:")
        return
    if lacking := installing.told("training"):
        st.info(plain(lacking, 300), icon=":material/inventory_2:")
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        name = st.text_input("Name", "my-model", key=NAME, max_chars=60, width=220)
        st.button(
            "Train",
            key="own-train",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not text,
            on_click=act,
            args=(lambda: engine().train_own(text, plan, name, visitor()),),
            help="In a process of its own; it goes on when this page is closed.",
        )


def _kept() -> None:
    """The models that were trained here: they open on every page; saved and deleted here."""
    own = [one for one in engine().models() if one.ready and one.source == "trained here"]
    if not own or not policy.may_train(visitor()):
        return
    st.markdown("**Trained here**")
    for one in own:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(plain(f"{one.title}: {one.parameters:,} parameters"))
            st.download_button(
                "Save as a file",
                data=lambda name=one.name: engine().packed(name, visitor()),
                file_name=f"{one.name}.zip",
                key=f"own-save-{one.name}",
                icon=":material/download:",
                on_click="ignore",
            )
            st.button(
                "Delete",
                key=f"own-delete-{one.name}",
                icon=":material/delete:",
                on_click=act,
                args=(lambda name=one.name: engine().delete(name, visitor()),),
            )
