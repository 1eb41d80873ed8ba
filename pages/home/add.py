"""Home's way to more models: look at one, export it beside the page, delete what is not needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import streamlit as st

from engine.jobs import registry
from engine.jobs.registry import Job
from engine.models import catalog
from engine.models.bundle import Precision
from engine.models.catalog import Entry
from engine.settings import settings
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.frame import PAGES, ROOT
from pages.shell.jobs import show_job
from pages.shell.state import state

FAMILIES = {
    "decoder": "decoder (writes on)",
    "encoder": "encoder (reads, fills gaps)",
    "encoder-decoder": "encoder-decoder (reads one text, writes another)",
}
NUMBERS: dict[Precision, str] = {
    "fp32": "float32: exact",
    "int8": "8 bits: on a CPU it writes about twice as fast, slightly differently",
    "fp16": "float16: half the memory, for a GPU",
}
LONGEST = 300  # characters of an id or a path


def add() -> None:
    """Ask for an id, show what it is, export it with progress, and say where it can be used."""
    if settings().add_models == "no":
        return
    st.subheader("Add a model", anchor=False)
    st.markdown(
        "Any text model of the Hugging Face Hub becomes a bundle here: its numbers are compared "
        "with PyTorch's, and no code of the model's repository is ever run."
    )
    source = _source()
    if not source:
        return
    looked = registry.find(f"look:{source}")
    if looked is None:
        return
    show_job(looked, key="add-look")
    if looked.done and isinstance(looked.result, dict):
        _offer(source, looked.result)


def delete() -> None:
    """Remove exported models, after a question."""
    own = [entry for entry in engine().models() if entry.folder and not entry.shipped]
    if not own or settings().add_models == "no":
        return
    with st.expander("Remove an exported model", icon=":material/delete:"):
        names = {entry.name: entry for entry in own}
        name = st.selectbox("Model", list(names), key="remove-model", format_func=plain)
        size = names[name].size / 1e6
        st.button(
            f"Delete {plain(name)} from this machine ({size:,.0f} MB)",
            key="remove-now",
            icon=":material/delete_forever:",
            on_click=_delete,
            args=(name,),
        )


def _source() -> str:
    """The id or folder that was asked for, as far as it is allowed here."""
    folders = " or a folder on this machine" if settings().add_models == "all" else ""
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    source = left.text_input(
        f"Hub id{folders}",
        key="add-source",
        max_chars=LONGEST,
        placeholder="maker/model, such as openai-community/gpt2",
    ).strip()
    right.button(
        "Look",
        key="add-look-now",
        icon=":material/search:",
        disabled=not source,
        on_click=_look,
        args=(source,),
        width="stretch",
        help="Reads its configuration only: what it is, how large, whether it can be shown.",
    )
    waiting = {entry.source: entry for entry in engine().models() if entry.folder is None}
    st.pills(
        "Good first models, with their size to download and their licence",
        list(waiting),
        key="add-suggestion",
        format_func=lambda one: _suggested(waiting[one]),
        on_change=_take_suggestion,
    )
    if settings().add_models != "all" and Path(source).expanduser().exists():
        st.caption("Folders of this machine cannot be added here: give a Hub id.")
        return ""
    return source


def _suggested(entry: Entry) -> str:
    return f"{entry.title} · {entry.size / 1e6:,.0f} MB · {entry.licence}"


def _take_suggestion() -> None:
    chosen = st.session_state["add-suggestion"]
    if chosen:
        st.session_state["add-source"] = chosen


def _offer(source: str, about: dict[str, Any]) -> None:
    """The card of a model that was looked at, and what can be done with it."""
    with st.container(border=True):
        st.markdown(f"**{plain(source, 120)}**")
        if about.get("refusal"):
            st.error(plain(str(about["refusal"])), icon=":material/block:")
            return
        st.markdown(plain(_words(about), 900))
        precision = _precision()
        name = catalog.bundle_name(source, precision)
        ready = next((e for e in engine().models() if e.name == name and e.ready), None)
        job = registry.find(f"export:{name}")
        if job is not None and not job.done:
            show_job(job, key="add-export")
        elif ready is not None:
            _use(ready, about["shows"])
        else:
            _start(source, name, precision, job)


def _precision() -> Precision:
    """The numbers the bundle is to compute with: exact ones, unless somebody opens the choice."""
    with st.expander("Numbers it computes with", icon=":material/memory:"):
        chosen = st.radio(
            "Numbers it computes with",
            list(NUMBERS),
            key="add-precision",
            format_func=NUMBERS.__getitem__,
            label_visibility="collapsed",
        )
        st.caption("How far they lead from PyTorch's is measured and written on the model's card.")
    return chosen or "fp32"


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
    parts.append(f"Licence: {about.get('licence') or 'not stated'}.")
    return " ".join([*parts, *about.get("notes", ())])


def _start(source: str, name: str, precision: Precision, job: Job | None) -> None:
    """The button that exports, below what came of the last try."""
    if job is not None:
        show_job(job, key="add-export")
        if job.stopped:
            st.caption("Stopped; nothing was left behind.")
    busy = any(other.key.startswith("export:") for other in registry.running())
    st.button(
        "Export",
        key="add-export-now",
        icon=":material/download:",
        type="primary",
        disabled=busy,
        on_click=_export,
        args=(source, name, precision),
        help="Another export is running: one at a time." if busy else "Takes one to ten minutes.",
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


def _look(source: str) -> None:
    _run(f"look:{source}", source, "--look")


def _export(source: str, name: str, precision: Precision) -> None:
    _choose(name)  # the pages turn to it as soon as it is there
    out = str(settings().models / name)
    _run(f"export:{name}", source, "--precision", precision, "--out", out)


def _run(key: str, source: str, *options: str) -> None:
    """Start the exporter; what a person typed comes last and can be no option."""
    command = [sys.executable, "-m", "engine.export", "--json", *options, "--", source]
    registry.start_process(key, command, viewer=state().viewer, cwd=ROOT)


def _delete(name: str) -> None:
    engine().delete(name)
