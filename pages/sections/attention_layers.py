"""What the model would say after each layer, and how long the residual stream is."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from engine import lens
from engine.bundle import Card
from engine.lens import Lens
from engine.maps import Scene, labels
from engine.tokens import piece_texts
from engine.values import Side
from pages.shell import cache
from pages.shell.components import picture
from pages.shell.frame import plain, select, selection
from pages.shell.share import share_menu
from pages.views import layers as view
from pages.views.attention_scale import number
from pages.views.svg import visible

COLUMNS = 10


def attention_layers(scene: Scene, card: Card) -> None:
    """Draw lens, table and norms; a click on a column chooses its position."""
    side: Side = "encoder" if scene.kind == "encoder" else "decoder"
    tokens = cache.tokens(scene.reading, side)
    names = labels(tokens)
    spot = selection("spot", lambda ids: _place(ids, len(names)) is not None, name="Word")
    place = _place(spot, len(names))
    place = len(names) - 1 if place is None else place
    if card.predicts and not (card.family == "encoder-decoder" and side == "encoder"):
        _lens(scene, side, names, place)
    else:
        st.caption("This tower predicts no words; its stream has lengths all the same.")
    _norms(scene, side, names[place], place)


def _lens(scene: Scene, side: Side, names: tuple[str, ...], place: int) -> None:
    start = max(0, min(place - COLUMNS // 2, len(names) - COLUMNS))
    columns = list(enumerate(names))[start : start + COLUMNS]
    bundle = cache.bundle(scene.reading.model)
    found = [_read(scene, side, at) for at, _ in columns]
    spell = partial(piece_texts, bundle, side=side)
    by_column = [view.said(one, spell) for one in found]
    said = [list(layer) for layer in zip(*by_column, strict=True)]
    st.subheader("What each layer would say", anchor=False)
    what = "at this place" if scene.kind == "encoder" else "next"
    st.caption(
        f"The stream after each layer, read as if it were the last: the likeliest word {what}. "
        "Only the top row is what the model really says."
    )
    svg = view.lens_grid(columns, said, title="What each layer would say")
    picture(
        svg,
        key="layers-lens",
        alt=f"Likeliest word after each layer for {len(columns)} positions",
        locked=f"q{place}",
        on_lock=lambda ids: select("spot", ids),
    )
    share_menu("lens", svg=svg, data=lambda: _lens_table(columns, said), title="Logit lens")
    mine, here = by_column[place - start], found[place - start]
    ranks, word, since = here.ranks.tolist(), mine[-1].words[0], view.since(here.settled)
    share = number(mine[-1].probabilities[0], True)
    table = view.layer_table(mine, ranks, word=word, title=f"Five best after {names[place]}")
    said_word = word.strip() or visible(word)
    where = "At" if scene.kind == "encoder" else "After"
    st.markdown(plain(f"{where} “{names[place]}” the model says “{said_word}” ({share}). {since}"))
    picture(table, key="layers-table", alt=f"Five likeliest words of each layer, {names[place]}")


def _norms(scene: Scene, side: Side, name: str, place: int) -> None:
    states = cache.hidden(scene.reading, side).states[:, place]
    lengths = np.linalg.norm(states, axis=-1)
    added = np.linalg.norm(np.diff(states, axis=0), axis=-1)
    st.subheader("Length of the stream", anchor=False)
    most = int(added.argmax())
    st.caption(
        plain(
            f"At “{name}” block {most + 1} adds the longest vector ({added[most]:.3g}); the stream "
            f"is {lengths[0]:.3g} long where it enters and {lengths[-1]:.3g} where it leaves."
        )
    )
    svg = view.stream_sizes(lengths, added, title="Length of the residual stream")
    picture(svg, key="layers-norms", alt="Length of the residual stream after each layer")
    share_menu(
        "norms",
        svg=svg,
        data=lambda: {
            "layer": range(len(lengths)),
            "length": lengths,
            "added": np.concatenate([[np.nan], added]),
        },
        title="Length of the residual stream",
    )


def _read(scene: Scene, side: Side, place: int) -> Lens:
    return lens.read(cache.lens(scene.reading, side, place))


def _place(spot: str | None, count: int) -> int | None:
    for name in (spot or "").split(" "):
        if name[:1] == "q" and name[1:].isdecimal() and int(name[1:]) < count:
            return int(name[1:])
    return None


def _lens_table(
    columns: list[tuple[int, str]], said: list[list[view.Said]]
) -> dict[str, list[object]]:
    cells = [
        (layer, place + 1, name, *pair)
        for layer, row in enumerate(said)
        for (place, name), one in zip(columns, row, strict=True)
        for pair in zip(one.words, one.probabilities, strict=True)
    ]
    names = ("after layer", "position", "token", "word", "probability")
    return {name: [cell[i] for cell in cells] for i, name in enumerate(names)}
