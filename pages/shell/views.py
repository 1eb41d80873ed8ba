"""The views of a page, each declared once: its name, how it is drawn, its controls, its families.

    VIEWS = (
        View("Map", attention_map, controls=(SCALE, THRESHOLD)),
        View("Layers", attention_layers, families=("decoder", "encoder")),
    )
    view = choose_view("Attention", VIEWS, choice.card.family)
    view.draw(...)

The bar above, the link's `view=`, tests and whatever lists views read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine.values import Family
from pages.shell.address import checked, fresh_of_old
from pages.shell.controls import Control
from pages.shell.links import embed

ALL: tuple[Family, ...] = ("decoder", "encoder", "encoder-decoder")


@dataclass(frozen=True)
class View:
    """One way of looking at what a page is about.

    `pictures` are the keys of what is shown of it in somebody else's page, or how they begin.
    `recipes` are its templates of Python: what "Copy as Python" gives beside its pictures.
    """

    name: str
    draw: Callable[..., Any]
    controls: tuple[Control, ...] = ()
    families: tuple[Family, ...] = ALL
    pictures: tuple[str, ...] = ()
    recipes: tuple[Callable[..., str], ...] = ()


def choose_view(
    views: Sequence[View],
    family: Family,
    *,
    key: str = "view",
    first: str | None = None,
    formerly: Mapping[str, str] | None = None,
) -> View:
    """The view that is shown, from the link or the bar, which is drawn here.

    Views that a family cannot show are not offered. `formerly` maps names of old links to today's.
    """
    offered = {view.name: view for view in views if family in view.families}
    names = tuple(offered)
    fresh_of_old(key, (), formerly or {})
    chosen = checked(key, names, default=first or names[0], name="View")
    st.segmented_control(
        "View",
        names,
        default=first or names[0],
        key=key,
        bind="query-params",
        required=True,
        label_visibility="collapsed",
    )
    view = offered[str(chosen)]
    embed.show(view.pictures)
    return view
