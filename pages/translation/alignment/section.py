"""The alignment of the whole sentence: one head, a layer, or everything, by token or by word."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from engine.attention.alignment import Alignment, align, clearest
from engine.decoding.translation import Trace
from pages.pictures.svg import visible
from pages.shell.components import picture
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.share import share_menu
from pages.translation import controls, recipes
from pages.translation.alignment.picture import grid, matrix
from pages.translation.story import ALL, percent, place_of, weights_of


def translation_alignment(trace: Trace, choice: Choice) -> None:
    """Draw all heads, as small maps, and the chosen weights in large."""
    controls.check_attention(trace)
    whole = bool(controls.WHOLE_WORDS.check())
    layer, head = place_of(str(controls.LAYER.value)), place_of(str(controls.HEAD.value))
    best = clearest(trace.cross, trace.translation.source.special)
    found = _aligned(trace, layer, head, whole_words=whole)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _grid(trace, layer, head)
    with right:
        _matrix(
            found,
            partial(
                recipes.aligned,
                trace,
                layer,
                head,
                end_mark=not controls.NO_END.value,
                whole_words=whole,
            ),
        )
    _controls(best)


def _controls(best: tuple[int, int]) -> None:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        controls.LAYER.draw()
        controls.HEAD.draw()
        st.button(
            "Sharpest head",
            on_click=_show,
            args=best,
            help="The head whose rows put most weight on one source token, end token aside.",
        )
        st.button("Mean of all heads", on_click=_show, args=(None, None))
        controls.WHOLE_WORDS.draw()
        controls.NO_END.draw()


def _aligned(trace: Trace, layer: int | None, head: int | None, *, whole_words: bool) -> Alignment:
    no_end = bool(controls.NO_END.value)
    return align(
        weights_of(trace, layer, head, end_mark=not no_end),
        trace.target,
        trace.source,
        target_special=trace.special.tolist(),
        source_special=trace.translation.source.special.tolist(),
        whole_words=whole_words,
    )


def _grid(trace: Trace, layer: int | None, head: int | None) -> None:
    picked = (layer, head) if layer is not None and head is not None else None
    drawn = grid(trace.cross, picked=picked)
    count = trace.cross.shape[0] * trace.cross.shape[1]
    picture(
        drawn,
        key="translation-heads",
        alt=f"Cross-attention of {count} heads, as small maps",
        locked=f"h{layer}.{head}" if picked else None,
        on_lock=_locked,
    )
    st.caption("Rows: target tokens. Columns: source tokens. Click a head to enlarge it.")


def _locked(ids: str | None) -> None:
    layer, head = (int(part) for part in ids[1:].split(".")) if ids else (None, None)
    _show(layer, head)


def _matrix(found: Alignment, python: Callable[[], str]) -> None:
    drawn = matrix(found, title="Alignment")
    known = {f"t{i}" for i in found.row_starts} | {f"s{i}" for i in found.column_starts}
    spot = selection("cell", lambda ids: set(ids.split()) <= known, name="Cell")
    picture(
        drawn,
        key="translation-alignment",
        alt=f"Weights of {len(found.rows)} written on {len(found.columns)} source tokens",
        locked=spot,
        on_lock=partial(select, "cell"),
    )
    row, column = np.unravel_index(int(found.weights.argmax()), found.weights.shape)
    st.caption(
        plain(
            f"Strongest: {visible(found.rows[row].strip())} attends to "
            f"{visible(found.columns[column].strip())} with "
            f"{percent(float(found.weights[row, column]))}. A row is the attention of the decoder "
            "when it predicted that token. High weights are often on the word that is translated, "
            "but not always: attention is not a dictionary."
        )
    )
    share_menu(
        "alignment", python=python, svg=drawn, data=partial(_table, found), title="Alignment"
    )


def _table(found: Alignment) -> dict[str, Any]:
    table: dict[str, Any] = {"token": list(found.rows)}
    columns = enumerate(found.columns)
    return table | {f"{i + 1} {name.strip()}": found.weights[:, i] for i, name in columns}


def _show(layer: int | None, head: int | None) -> None:
    st.session_state["cross_layer"] = ALL if layer is None else f"layer {layer + 1}"
    st.session_state["cross_head"] = ALL if head is None else f"head {head + 1}"
