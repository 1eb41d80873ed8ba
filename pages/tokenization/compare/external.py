"""Further tokenizers for the comparison: one of any model on the Hub, or a file.

In: what a person types or gives. Out: `next_one()`, the name of a tokenizer that just arrived.
Fetching is a process with progress; a file is opened in a process with bounds.
"""

from __future__ import annotations

import streamlit as st

from engine.errors import EngineError
from engine.jobs.registry import Job
from engine.models import adding
from engine.tokenizers import external_tokenizers
from pages.shell.address import plain
from pages.shell.client.visitor import visitor
from pages.shell.jobs import show_job
from pages.tokenization import tokenizers

LONGEST = 120  # characters of a Hub id
KNOWN = (
    "openai-community/gpt2",
    "Xenova/gpt-4",
    "Xenova/gpt-4o",
    "Qwen/Qwen3-0.6B",
    "HuggingFaceTB/SmolLM2-135M",
    "deepseek-ai/DeepSeek-R1",
    "bigscience/bloom-560m",
    "EleutherAI/pythia-70m",
    "google-bert/bert-base-uncased",
    "google-bert/bert-base-multilingual-cased",
    "FacebookAI/xlm-roberta-base",
    "albert/albert-base-v2",
    "google-t5/t5-small",
    "google/flan-t5-small",
)
"""Tokenizers worth a look beside each other; all open to everybody."""


def borrow() -> None:
    """Draw the two ways; what is added joins the tokenizers compared."""
    if not tokenizers.may_add():
        return
    with st.expander("Add a tokenizer from the Hub or from a file", icon=":material/add:"):
        left, right = st.columns(2, gap="large")
        with left:
            _from_hub()
        with right:
            _from_file()


def next_one() -> str | None:
    """The name of a tokenizer that arrived since the last run."""
    return st.session_state.pop("borrow-next", None)


def _from_hub() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        source = st.text_input(
            "Hub ID",
            key="borrow-id",
            max_chars=LONGEST,
            placeholder="maker/model, such as openai-community/gpt2",
        ).strip()
        st.button("Fetch", key="borrow-fetch", on_click=_fetch, args=(source,), disabled=not source)
    st.selectbox(
        "Well-known tokenizers",
        KNOWN,
        index=None,
        key="borrow-known",
        placeholder="Choose one to fetch it",
        on_change=_fetch_known,
    )
    st.caption("Only its tokenizer.json is fetched: no weights, no code.")
    if refused := st.session_state.pop("borrow-refused", None):
        st.error(plain(refused), icon=":material/info:")
    job = _job(source)
    if job is None:
        return
    show_job(job, key="borrow-job")
    if job.done and job.result and st.session_state.get("borrow-joined") != id(job):
        st.session_state["borrow-joined"] = id(job)
        _arrived(str(job.result))


def _job(source: str) -> Job | None:
    """The job that fetches what is typed now, if one was begun."""
    try:
        return adding.fetching_tokenizer(source, visitor()) if source else None
    except EngineError:
        return None  # said when it was asked for


def _fetch(source: str) -> None:
    st.session_state.pop("borrow-joined", None)
    try:
        adding.fetch_tokenizer(source, visitor())
    except EngineError as error:
        st.session_state["borrow-refused"] = str(error)


def _fetch_known() -> None:
    chosen = st.session_state["borrow-known"]
    if chosen:
        st.session_state["borrow-id"] = chosen
        _fetch(chosen)


def _from_file() -> None:
    given = st.file_uploader(
        f"tokenizer.json, at most {external_tokenizers.LIMIT // 10**6} MB",
        type="json",
        key="borrow-file",
    )
    if given is None:
        st.session_state.pop("borrow-read", None)
        return
    if st.session_state.get("borrow-read") == given.file_id:
        return
    try:
        name = adding.keep_tokenizer(given.getvalue(), given.name, visitor())
    except EngineError as error:
        st.error(plain(str(error)), icon=":material/info:")
        return
    st.session_state["borrow-read"] = given.file_id
    _arrived(name)


def _arrived(name: str) -> None:
    tokenizers.add(name)
    st.session_state["borrow-next"] = name
    st.rerun()
