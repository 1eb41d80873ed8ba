"""The map component: the cloud travels once, what changes travels with each run.

In: payloads of `pages.views.space`. Out: the id of the point that was picked, through a callback.
plotly.js is not ours to send: the page must hold a Plotly chart of Streamlit, whose copy of the
library the map uses (measured: 4.8 MB that the browser keeps, against 4.8 MB with each change
of a component's data). `tests/browser` guards it and the bytes on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from pages.shell.components import script, styles
from pages.views import palette, space


def space_map(
    cloud: Mapping[str, Any],
    *,
    key: str,
    axes: list[str],
    groups: list[dict[str, Any]],
    names: list[dict[str, Any]],
    flat: bool = False,
    dot: tuple[float, float] = (2.4, 0.5),
    paths: list[dict[str, Any]] | None = None,
    only: list[int] | None = None,
    chosen: str | None = None,
    on_pick: Callable[[str | None], None],
    height: int = 600,
) -> None:
    """Draw a cloud with groups of marks above it; `on_pick(id)` is called before the next run.

    What comes back is text from a browser: check it against the current data. `dot` is the size and
    opacity of a point of the cloud. `only` leaves the other points of the cloud out of sight.
    """
    own = st.session_state.get(key) or {}

    def picking() -> None:
        pick = dict(st.session_state.get(key) or {}).get("pick")
        point = pick.get("id") if isinstance(pick, dict) else None
        on_pick(point if isinstance(point, str) else None)

    _cloud(key=f"{key}-cloud", data=dict(cloud))
    pick = dict(own).get("pick")
    _space(
        key=key,
        data={
            "cloud": cloud["digest"],
            "axes": axes,
            "marks": groups,
            "labels": names,
            "flat": flat,
            "dot": {"size": dot[0], "opacity": dot[1]},
            "paths": paths or [],
            "only": only,
            "chosen": chosen,
            "colours": space.colours(),
            "height": height,
            "seq": pick.get("seq", 0) if isinstance(pick, dict) else 0,
        },
        on_pick_change=picking,
    )


_cloud = component("atlas_cloud", html="<div hidden></div>\n", js=script("cloud.js"))
_space = component(
    "atlas_space",
    html='<div class="space atlas"><div class="plot"></div>\n<div class="labels"></div>'
    '<div class="note" role="status"></div></div>',
    css=palette.stylesheet() + "\n" + styles("space.css"),
    js=script("space.js"),
)
