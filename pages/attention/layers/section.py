"""The layers at one position: logit lens, commitment, tracked tokens, norms, the block opened."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.attention.maps import Scene
from engine.models.bundle import Card
from engine.trace import logit_lens
from engine.trace.logit_lens import Lens
from engine.values import Side
from pages.attention import recipes
from pages.attention.layers.block.section import attention_block
from pages.attention.layers.commitment import attention_commitment
from pages.attention.layers.experts import attention_experts
from pages.attention.layers.position import position
from pages.attention.layers.stream import attention_stream
from pages.attention.layers.token_ranks import token_ranks
from pages.pictures import logit_lens as view
from pages.pictures.scale import number
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import plain, select
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

COLUMNS = 10


def attention_layers(scene: Scene, card: Card) -> None:
    """What the layers do at one position."""
    _logit_lens(scene, card)
    attention_commitment(scene, card)
    token_ranks(scene, card)
    attention_stream(scene)
    attention_block(scene, card)
    attention_experts(scene, card)


def _logit_lens(scene: Scene, card: Card) -> None:
    """Draw lens and table; a click on a column chooses its position."""
    side: Side = "encoder" if scene.kind == "encoder" else "decoder"
    names = engine().token_names(scene.reading, scene.kind)[0]
    place, _ = position(scene)
    if card.predicts and not (card.family == "encoder-decoder" and side == "encoder"):
        _lens(scene, side, names, place)
    else:
        st.caption(
            "This tower has no prediction head, so there is no logit lens; the norms below are of "
            "its residual stream."
        )


def _lens(scene: Scene, side: Side, names: tuple[str, ...], place: int) -> None:
    start = max(0, min(place - COLUMNS // 2, len(names) - COLUMNS))
    columns = list(enumerate(names))[start : start + COLUMNS]
    found = [_read(scene, side, at) for at, _ in columns]
    spell = partial(engine().texts, scene.reading.model, side=side)
    by_column = [view.said(one, spell) for one in found]
    said = [list(layer) for layer in zip(*by_column, strict=True)]
    st.subheader("Logit lens: prediction after each layer", anchor=False)
    what = "at this position" if scene.kind == "encoder" else "next"
    st.caption(
        f"The residual stream after each layer, decoded as if it were the last: the most likely "
        f"token {what}. Only the top row is the model's prediction."
    )
    svg = view.lens_grid(columns, said, title="Logit lens: prediction after each layer")
    picture(
        svg,
        key="layers-lens",
        alt=f"Most likely token after each layer for {len(columns)} positions",
        locked=f"q{place}",
        on_lock=lambda ids: select("spot", ids),
    )
    data = partial(_lens_table, columns, said)
    share_menu(
        "lens",
        python=partial(recipes.lens, scene.reading, side, [at for at, _ in columns]),
        svg=lambda: svg,
        data=data,
        title="Logit lens",
    )
    read_aloud("lens", partial(_lens_rows, columns, said))
    mine, here = by_column[place - start], found[place - start]
    ranks, word, since = here.ranks.tolist(), mine[-1].words[0], view.since(here.settled)
    share = number(mine[-1].probabilities[0], True)
    table = view.layer_table(mine, ranks, word=word, title=f"Top 5 after {visible(names[place])}")
    where = "At" if scene.kind == "encoder" else "After"
    here_name = visible(names[place])
    st.markdown(
        plain(
            f"{where} “{here_name}” the model predicts “{visible(word.strip() or word)}” "
            f"({share}). {since}"
        )
    )
    picture(table, key="layers-table", alt=f"Top 5 tokens of each layer, {visible(names[place])}")
    here_alone = partial(_best_table, mine, ranks)
    share_menu(
        "best",
        python=partial(recipes.top_tokens, scene.reading, side, place),
        svg=lambda: table,
        data=here_alone,
        title=f"Top 5 after {visible(names[place])}",
    )
    read_aloud("best", here_alone)


def _read(scene: Scene, side: Side, place: int) -> Lens:
    return logit_lens.read(engine().logit_lens(scene.reading, side, place))


def _lens_table(
    columns: list[tuple[int, str]], said: list[list[view.Said]]
) -> dict[str, list[object]]:
    cells = [
        (layer, place + 1, name, *pair)
        for layer, row in enumerate(said)
        for (place, name), one in zip(columns, row, strict=True)
        for pair in zip(one.words, one.probabilities, strict=True)
    ]
    names = ("after layer", "position", "token", "predicted", "probability")
    return {name: [cell[i] for cell in cells] for i, name in enumerate(names)}


def _best_table(said: list[view.Said], ranks: list[int]) -> dict[str, list[object]]:
    """One line for each layer at one position."""
    table: dict[str, list[object]] = {"after_layer": list(range(len(said)))}
    for place in range(logit_lens.BEST):
        table[f"top_{place + 1}"] = [
            f"{one.words[place]} {number(one.probabilities[place], True)}" for one in said
        ]
    table["top_promoted"] = [one.promoted for one in said]
    table["top_suppressed"] = [one.suppressed for one in said]
    table["rank_of_final_token"] = list(ranks)
    return table


def _lens_rows(
    columns: list[tuple[int, str]], said: list[list[view.Said]]
) -> dict[str, list[object]]:
    """For reading aloud: a line a layer, its prediction at each position."""
    table: dict[str, list[object]] = {"after_layer": list(range(len(said)))}
    for index, (place, name) in enumerate(columns):
        table[f"{place + 1} {visible(name, limit=20)}"] = [
            f"{row[index].words[0]} {number(row[index].probabilities[0], True)}" for row in said
        ]
    return table
