"""The real tensors of one step of the course, and the two towers that they live in."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st
from jaxtyping import Float

from engine.decoding.translation import Trace
from pages.pictures.svg import visible
from pages.shell.components import picture
from pages.shell.share import share_menu
from pages.translation import recipes, tables
from pages.translation.steps.words import STEPS
from pages.translation.story import Moment, Story
from pages.translation.tensors.picture import Tensor, embedding_scale, numbered, tensors
from pages.translation.tensors.towers import towers


def translation_tensors(trace: Trace, at: Moment) -> None:
    """Draw the numbers of one of the steps before the first token."""
    drawn, table = _DRAWN[at.part](trace)
    picture(drawn, key=f"translation-part-{at.part}", alt=f"Numbers of step {at.part}")
    share_menu(
        f"step-{at.part}",
        python=partial(recipes.step, trace, at.part),
        svg=drawn,
        data=table,
        title=STEPS[at.part - 1],
    )


def translation_towers(trace: Trace, story: Story, at: Moment) -> None:
    """Draw both towers at this moment."""
    start = visible(trace.decoder.tokens.pieces[0])
    drawn = towers(story, trace.encoder.states, trace.decoder.states, start=start, part=at.part)
    picture(
        drawn,
        key="translation-towers",
        alt=f"Encoder and decoder; step {at.part}, {STEPS[at.part - 1]}, is marked",
    )
    st.caption(
        "Each band is what really left that layer: a column for each token, a row for each of the "
        "first 10 numbers of its vector. Blue is above zero, orange below."
    )
    data = partial(tables.vectors, trace.source, trace.encoder.states[-1])
    share_menu(
        "towers",
        python=partial(recipes.representation, trace),
        svg=drawn,
        data=data,
        title="The two towers",
    )


def _tokens(trace: Trace) -> tuple[str, tables.Columns]:
    ids = trace.translation.source.ids
    pieces = [visible(piece, limit=30) for piece in trace.source]
    drawn = numbered(pieces, ids.tolist(), title="Tokens and their ids")
    return drawn, {"token": list(trace.source), "id": ids}


def _embedded(trace: Trace) -> tuple[str, tables.Columns]:
    read = trace.read
    drawn = tensors(_sum(read.token, read.position, read.entering), trace.source, title="Embedding")
    return drawn, tables.vectors(trace.source, read.entering)


def _start(trace: Trace) -> tuple[str, tables.Columns]:
    begun, rows = trace.begun, trace.decoder.tokens.pieces[:1]
    position = None if begun.position is None else begun.position[:1]
    parts = _sum(begun.token[:1], position, begun.entering[:1])
    drawn = tensors(parts, rows, title="The start token's vector", ids="r")
    return drawn, tables.vectors(rows, begun.entering[:1])


def _sum(
    token: Float[np.ndarray, "token width"],
    position: Float[np.ndarray, "token width"] | None,
    entering: Float[np.ndarray, "token width"],
) -> list[Tensor]:
    """Token vectors and positions as the model adds them, if a sum is all that it does."""
    scale = embedding_scale(token, position, entering)
    name = "token vector" if scale in (None, 1.0) else f"token vector × {scale:g}"
    parts = [Tensor(name, token * (scale or 1.0), 16)]
    if position is not None:
        parts.append(Tensor("position", position, 16, before="+"))
    # An arrow where the model also normalises: what enters is no plain sum then.
    return [*parts, Tensor("enters layer 1", entering, 16, before="=" if scale else "→")]


def _layers(trace: Trace) -> tuple[str, tables.Columns]:
    states = trace.encoder.states
    count = len(states) - 1
    shown = [k for k in range(1, count + 1) if count <= 4 or k <= 2 or k > count - 2]
    parts = [Tensor(f"after layer {k}", states[k], 14) for k in shown]
    return tensors(parts, trace.source, title="Output of each encoder layer"), tables.vectors(
        trace.source, states[1]
    )


def _representation(trace: Trace) -> tuple[str, tables.Columns]:
    last = trace.encoder.states[-1]
    parts = [Tensor("representation", last, 48)]
    drawn = tensors(parts, trace.source, title="Encoder output")
    return drawn, tables.vectors(trace.source, last)


def _handed(trace: Trace) -> tuple[str, tables.Columns]:
    if trace.keys is None or trace.values is None:
        return _representation(trace)
    heads, tokens, dim = trace.keys.shape
    shape = f"{heads} heads × {tokens} × {dim}"
    parts = [
        Tensor("keys", trace.keys[0], 24, shape=shape),
        Tensor("values", trace.values[0], 24, shape=shape),
    ]
    drawn = tensors(parts, trace.source, title="Keys and values for the decoder")
    return drawn, tables.vectors(trace.source, trace.keys[0])


_DRAWN = {1: _tokens, 2: _embedded, 3: _layers, 4: _representation, 5: _handed, 6: _start}
