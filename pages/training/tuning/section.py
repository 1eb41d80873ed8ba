"""Tuning: a model before and after on one's prompt, what was trained and lost, one's own tuning."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from engine import installing, policy
from engine.errors import EngineError
from engine.tuning.adapters import Card, Pair
from engine.tuning.datasets import DATASETS, examples
from engine.tuning.plans import Tuning
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.client.visitor import visitor
from pages.shell.components import picture
from pages.shell.frame import Choice
from pages.shell.share import Table, share_menu
from pages.shell.tables import read_aloud
from pages.training import recipes
from pages.training.trainings import act, say_refused, show_trainings
from pages.training.tuning import controls, words
from pages.training.tuning import picture as view

BASE = "tales-gpt"
TOKENS, TEMPERATURE = 48, 0.7
NONE_HERE = (
    "No tuned model is here yet. Tune one below, or run: "
    "python -m engine.training.tune verse --out assets/adapters/verse"
)


def training_tuning(choice: Choice) -> None:
    """The pictures of one adapter from the most telling to the finest, then one's own tuning."""
    cards = {card.name: card for card in engine().adapters()}
    if cards:
        name = str(controls.ADAPTER.check(tuple(cards), default=next(iter(cards))))
        controls.ADAPTER.draw(format_func=lambda one: words.short(cards[one]))
        _texts(cards[name])
        _bits(cards[name], choice.text)
        _curve(cards[name])
        _change(cards[name])
        _keep(cards[name])
    else:
        st.info(NONE_HERE, icon=":material/info:")
    say_refused()
    _own()
    show_trainings()


def _texts(card: Card) -> None:
    default = DATASETS[card.dataset].prompt if card.dataset in DATASETS else "Once upon a time"
    prompt = str(controls.PROMPT.check(default=default)).strip("\n") or default
    seed = int(controls.DRAWS.check())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controls.PROMPT.draw()
        controls.DRAWS.draw()
    found = engine().tuned_texts(
        card.name, prompt, count=TOKENS, temperature=TEMPERATURE, seed=seed
    )
    base = engine().card(card.base)
    said = words.cost_said(card, base.parameters)
    names = (base.title, card.title)
    _shown(
        "tuned-texts",
        said,
        view.texts(prompt, found, names, said),
        lambda: view.texts_wide(prompt, found, names, said),
        lambda: words.texts_table(prompt, found),
        partial(recipes.tuned_texts, card.name, prompt, TOKENS, TEMPERATURE, seed),
        "Before and after tuning",
    )


def _bits(card: Card, text: str) -> None:
    own: Pair | None = None
    refused = ""
    if text.strip():
        try:
            own = engine().tuned_bits(card.name, text)
        except EngineError as error:
            refused = str(error)
    said = words.forgotten_said(card, own)
    st.markdown("**What was learned, what was forgotten**")
    table = words.bits_table(card, own)
    rows = list(zip(table["text"], table["before"], table["after"], strict=True))
    _shown(
        "tuned-bits",
        said,
        view.bits(rows, said),
        lambda: view.bits_wide(rows, said),
        lambda: table,
        partial(recipes.tuned_bits, card.name, text if own else ""),
        "Bits per byte before and after",
    )
    if refused:
        st.info(plain(refused, 300), icon=":material/info:")


def _curve(card: Card) -> None:
    said = words.curve_said(card)
    st.markdown("**Loss over the training**")
    _shown(
        "tuned-curve",
        said,
        view.curve(card.curve, said),
        lambda: view.curve_wide(card.curve, said),
        lambda: words.curve_table(card),
        partial(recipes.tuned_curve, card.name),
        "Loss over the training",
    )


def _change(card: Card) -> None:
    matrices = engine().tuned_matrices(card.name)
    st.markdown("**Change of one matrix**")
    matrix = str(controls.MATRIX.check(matrices))
    controls.MATRIX.draw()
    found = engine().tuned_change(card.name, matrix)
    said = words.change_said(found, matrix, card)
    rank = card.rank or 12
    _shown(
        "tuned-change",
        said,
        view.change(found, rank, said),
        lambda: view.change_wide(found, rank, said),
        lambda: words.singular_table(found),
        partial(recipes.tuned_change, card.name, matrix),
        "Change of one matrix",
    )


def _shown(
    key: str,
    said: str,
    svg: str,
    wide: Callable[[], str],
    table: Callable[[], Table],
    python: Callable[[], str],
    title: str,
) -> None:
    picture(svg, key=key, alt=said)
    with st.container(key=f"{key}-said"):  # covered with its picture where a lesson asks first
        st.caption(plain(said, 600))
    share_menu(key, python=python, svg=wide, shown=False, data=table, title=title)
    read_aloud(key, table)


def _keep(card: Card) -> None:
    """Save a tuned model as one of the models here, and delete an adapter of one's own."""
    if not policy.may_train(visitor()):
        return
    name = f"{card.base}-{card.name}"
    here = next((one for one in engine().models() if one.name == name and one.ready), None)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if here is not None:
            st.caption(plain(f"Saved as {name}: choose it as the model on any page."))
        else:
            st.button(
                "Merge and save as a model",
                key="tuned-save",
                icon=":material/merge:",
                on_click=act,
                args=(lambda: engine().save_tuned(card.name, visitor()),),
                help="W + change for every matrix: a model of its own, on every page.",
            )
        if not engine().comes_along(card.name):
            st.button(
                "Delete this tuning",
                key="tuned-delete",
                icon=":material/delete:",
                on_click=act,
                args=(lambda: engine().delete_adapter(card.name, visitor()),),
            )


def _own() -> None:
    """What is tuned next, and what it would take."""
    with st.expander("Tune it yourself", icon=":material/tune:", key="tune-own"):
        card = engine().card(BASE)
        dataset = str(controls.DATASET.check())
        method = str(controls.METHOD.check())
        rank = int(controls.RANK.check())
        matrices = str(controls.MATRICES.check())
        steps = int(controls.TUNE_STEPS.check())
        controls.DATASET.draw()
        st.code(examples(dataset, 1)[0], language=None, wrap_lines=True)
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            controls.METHOD.draw()
            controls.RANK.draw(disabled=method == "all")
            controls.MATRICES.draw(disabled=method == "all")
            controls.TUNE_STEPS.draw()
        plan = Tuning(dataset, "all" if method == "all" else "low-rank", rank, matrices, steps)
        st.markdown(plain(words.plan_said(plan, card)))
        table = words.parameters_table(plan, card)
        st.dataframe(table, hide_index=True, width="stretch")
        layers = card.decoder.layers if card.decoder else 0
        if plan.method == "low-rank":
            st.caption(f"Of each of the {layers} layers; d inputs, k outputs, factors of rank r.")
        _start(plan)


def _start(plan: Tuning) -> None:
    if not policy.may_train(visitor()):
        st.info(policy.NO_TRAINING, icon=":material/info:")
    elif lacking := installing.told("training"):
        st.info(plain(lacking, 300), icon=":material/inventory_2:")
    else:
        st.button(
            "Tune",
            key="tune-now",
            type="primary",
            icon=":material/play_arrow:",
            on_click=act,
            args=(lambda: engine().tune(plan, visitor()),),
            help="One to five minutes, on one core, in a process of its own.",
        )
