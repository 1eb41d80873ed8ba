"""The architecture with this text in it: inputs at the bottom, outputs at the top."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from pages.attention import recipes
from pages.pictures.architecture import predicts, whole_path
from pages.shell import paths
from pages.shell.components import picture
from pages.shell.frame import plain, select, selection
from pages.shell.share import Table, share_menu
from pages.shell.tables import read_aloud


def attention_architecture(scene: Scene, card: Card) -> None:
    """Draw the towers; the lines of the chosen layer are those of the chosen head."""
    found = paths.with_head(paths.path_of(scene.reading), scene.kind, scene.layer, scene.head)
    letter = "s" if scene.kind == "encoder" and len(found.towers) == 2 else "t"
    svg = whole_path(
        found.towers, found.outcomes, title=f"Inside {card.title}", predicts=predicts(card.family)
    )
    st.subheader("The whole model", anchor=False)
    st.caption(
        plain(
            f"Inputs at the bottom, outputs at the top. Lines are the mean over heads; in the "
            f"framed layer {scene.layer + 1} they are those of head {scene.head + 1}."
        )
        + (
            f" The picture shows the first {paths.SHOWN} tokens; the model read the whole text."
            if found.cut
            else ""
        )
    )
    names = [f"q{i}" for tower in found.towers for i in range(tower.shown)]
    spot = selection("spot", lambda ids: True)
    here = next((f"{letter}{name[1:]}" for name in (spot or "").split() if name in names), "")
    picture(
        svg,
        key="layers-path",
        alt=f"{card.title}: {len(found.towers)} towers of layers with this text in them",
        locked=here if f'data-id="{here}"' in svg else None,
        on_lock=lambda ids: _follow(ids, letter),
    )
    share_menu(
        "towers",
        python=partial(
            recipes.towers,
            scene,
            [paths.shown_of(found.reading, side) for side in paths.sides_of(card)],
            [tower.layers for tower in found.towers],
            paths.SHOWN,
        ),
        svg=lambda: svg,
        data=lambda: _table(found),
        title=f"Inside {card.title}",
    )
    read_aloud("towers", lambda: _table(found, scene.layer))


def _table(found: paths.Path, layer: int | None = None) -> Table:
    """What each token shown attends to most, in every layer or in one of them."""
    lines = [
        (tower.title, at + 1, tower.texts[query], tower.texts[int(row.argmax())], float(row.max()))
        for tower in found.towers
        for at in (range(tower.layers) if layer is None else (min(layer, tower.layers - 1),))
        for query, row in enumerate(tower.weights[at])
    ]
    names = ("tower", "layer", "token", "attends most to", "weight")
    return {name: [line[i] for line in lines] for i, name in enumerate(names)}


def _follow(ids: str | None, letter: str) -> None:
    """Choose the position that was locked in the tower that the other pictures are about."""
    name = (ids or "").split(" ")[-1]
    if not name or name.startswith(letter):
        select("spot", f"q{name[1:]}" if name else None)
