"""How long the residual stream is after each layer, and how much each block adds to it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine.attention.maps import Scene, labels
from engine.values import Side
from pages.attention.words import position_of
from pages.pictures import logit_lens as view
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain, selection
from pages.shell.share import Table, share_menu
from pages.shell.tables import read_aloud


def attention_stream(scene: Scene) -> None:
    """Draw the lengths at the chosen position."""
    side: Side = "encoder" if scene.kind == "encoder" else "decoder"
    names = labels(engine().tokens(scene.reading, side))
    spot = selection("spot", lambda ids: position_of(ids, len(names)) is not None, name="Word")
    place = position_of(spot, len(names))
    place = len(names) - 1 if place is None else place
    states = engine().hidden(scene.reading, side).states[:, place]
    lengths = np.linalg.norm(states, axis=-1)
    added = np.linalg.norm(np.diff(states, axis=0), axis=-1)
    st.subheader("Length of the stream", anchor=False)
    most = int(added.argmax())
    st.caption(
        plain(
            f"At “{names[place]}” block {most + 1} adds the longest vector ({added[most]:.3g}); "
            f"the stream is {lengths[0]:.3g} long where it enters and {lengths[-1]:.3g} where it "
            "leaves."
        )
    )
    svg = view.stream_sizes(lengths, added, title="Length of the residual stream")
    picture(svg, key="layers-norms", alt="Length of the residual stream after each layer")
    share_menu(
        "norms",
        svg=lambda: svg,
        data=lambda: _table(lengths, added),
        title="Length of the residual stream",
    )
    read_aloud("norms", lambda: _table(lengths, added))


def _table(lengths: np.ndarray, added: np.ndarray) -> Table:
    return {
        "layer": range(len(lengths)),
        "length": lengths,
        "added": np.concatenate([[np.nan], added]),
    }
