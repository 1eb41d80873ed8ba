"""The norm of the residual stream after each layer, and of each block's update."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from engine.attention.maps import Scene
from engine.values import Side
from pages.attention import recipes
from pages.attention.layers.position import position
from pages.pictures import logit_lens as view
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain
from pages.shell.share import Table, share_menu
from pages.shell.tables import read_aloud


def attention_stream(scene: Scene) -> None:
    """Draw the norms at the chosen position."""
    side: Side = "encoder" if scene.kind == "encoder" else "decoder"
    place, name = position(scene)
    states = engine().hidden(scene.reading, side).states[:, place]
    lengths = np.linalg.norm(states, axis=-1)
    added = np.linalg.norm(np.diff(states, axis=0), axis=-1)
    st.subheader("Residual stream norm", anchor=False)
    most = int(added.argmax())
    st.caption(
        plain(
            f"At “{visible(name)}” layer {most + 1} makes the largest update (norm "
            f"{added[most]:.3g}); the norm of the stream is {lengths[0]:.3g} before layer 1 and "
            f"{lengths[-1]:.3g} after layer {len(added)}."
        )
    )
    svg = view.stream_sizes(lengths, added, title="Residual stream norm")
    picture(svg, key="layers-norms", alt="Norm of the residual stream after each layer")
    share_menu(
        "norms",
        python=partial(recipes.norms, scene.reading, side, place),
        svg=lambda: svg,
        data=lambda: _table(lengths, added),
        title="Residual stream norm",
    )
    read_aloud("norms", lambda: _table(lengths, added))


def _table(lengths: np.ndarray, added: np.ndarray) -> Table:
    return {
        "layer": range(len(lengths)),
        "norm": lengths,
        "norm of the update": np.concatenate([[np.nan], added]),
    }
