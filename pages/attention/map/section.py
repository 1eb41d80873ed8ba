"""One head as an exact map with token axes; long texts as blocks with a window of exact cells."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.attention.maps import Map, Scene
from engine.models.bundle import Card
from pages.attention import recipes
from pages.attention.interventions import restore_button
from pages.attention.map import picture as view
from pages.attention.masking import mask_act, mask_acts, masking
from pages.attention.words import favourites, fits, links_of, rows_of, spot_says
from pages.pictures.svg import offering
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain, select, selection
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

WINDOW = 48


def attention_map(scene: Scene, card: Card) -> None:
    """Draw the map; above `view.WHOLE` tokens two: all of it in blocks, and a part exactly."""
    shown = engine().attention_map(scene)
    if max(shown.weights.shape) <= view.WHOLE:
        _exact(scene, shown, slice(None), slice(None))
        return
    block = -(-max(shown.weights.shape) // 64)
    spot = selection("window", lambda ids: _window(ids, shown, block) is not None, name="Window")
    last = [(n - 1) // block for n in shown.weights.shape]
    place = _window(spot, shown, block) or (last[0] * block, last[1] * block)
    st.caption(
        f"{len(shown.rows):,} rows are too many to read: here each cell is the mean of "
        f"{block} × {block} tokens. Click a cell to show its exact weights below."
    )
    svg = view.overview(
        shown,
        block=block,
        title=f"Head {scene.name}, blocks",
        scale=scene.scale,
        per=scene.per,
    )
    picture(
        svg,
        key="attention-blocks",
        alt=f"Attention of head {scene.name} in blocks of {block} tokens",
        locked=spot,
        on_lock=lambda ids: select("window", ids),
    )
    rows, columns = (
        slice(start, start + WINDOW)
        for start in (
            max(0, min(at, n - WINDOW)) for at, n in zip(place, shown.weights.shape, strict=True)
        )
    )
    _exact(scene, shown, rows, columns)


def _exact(scene: Scene, shown: Map, rows: slice, columns: slice) -> None:
    spot = selection("spot", lambda spot: fits(shown, spot), name="Word")
    says = spot_says(shown, spot)
    svg = view.attention_map(
        shown,
        title=f"Head {scene.name}",
        scale=scene.scale,
        per=scene.per,
        rows=rows,
        columns=columns,
        side=_side(scene, shown) if max(shown.weights.shape) <= view.WHOLE else None,
        together=rows_of(shown, spot),
    )
    for note in shown.notes:
        st.caption(":material/tune: " + plain(note))
    picture(
        offering(svg, mask_acts(scene)),
        key="attention-map",
        alt=f"Attention map of head {scene.name}: {says}",
        locked=spot,
        on_lock=lambda ids: select("spot", ids),
        on_twice=masking(scene),
        on_act=partial(mask_act, scene),
    )
    restore_button()
    with st.container(horizontal=True, vertical_alignment="center"):
        share_menu(
            "attention",
            python=partial(recipes.head_map, scene),
            svg=lambda: svg,
            data=lambda: links_of(shown),
            title=f"Attention of head {scene.name}",
        )
        st.caption(plain(says))
    read_aloud("attention", lambda: favourites(shown))


def _side(scene: Scene, shown: Map) -> float:
    """Pixels of the map's side: a text that grows keeps the size of its cells."""
    count = max(shown.weights.shape)
    if not scene.options.until or scene.options.whole_words:
        return view.natural_side(count)
    whole = max(len(side) for side in engine().sides(scene.reading, scene.kind))
    return view.natural_side(whole) * min(1.0, count / whole)


def _window(ids: str | None, shown: Map, block: int) -> tuple[int, int] | None:
    """First row and column of the exact part, from a locked block such as `b3 c5`."""
    found = {}
    for name in (ids or "").split(" "):
        if name[:1] in ("b", "c") and name[1:].isdecimal() and len(name) < 8:
            found[name[0]] = int(name[1:]) * block
    place = found.get("b", -1), found.get("c", -1)
    inside = all(0 <= at < n for at, n in zip(place, shown.weights.shape, strict=True))
    return place if inside else None
