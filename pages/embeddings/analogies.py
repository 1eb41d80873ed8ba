"""Arithmetic with words: a - b + c, and what lies nearest to the result."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from engine.errors import NotOffered
from engine.space import projection
from engine.tokenizers.vocabulary import Vocabulary, exact
from pages.embeddings import controls, recipes
from pages.embeddings.map import neighbours as lists
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, plain
from pages.shell.share import share_menu

NEAR = 10


def embeddings_analogies(choice: Choice) -> None:
    """Draw the arithmetic and the list of answers."""
    whole = engine().vocabulary(choice.model)
    ids = _inputs(whole)
    controls.EXCLUDE.check()
    hide = controls.EXCLUDE.draw()
    space = engine().vocabulary_space(choice.model)
    target = projection.analogy(space, ids["a"], ids["b"], ids["c"])
    without = sorted(set(ids.values())) if hide else []
    found = projection.neighbours(space, target, NEAR, without=without)
    near = [int(i) for i in found.indices]
    listed = lists.Listed([f"v{i}" for i in near], [whole.texts[i] for i in near])
    svg = lists.neighbour_list(found, listed, "cosine")
    left, right = st.columns([1.4, 2], gap="large")
    with left:
        told = _told(whole, space, ids, target, found)
        picture(svg, key="analogy", alt=told)
        share_menu(
            "analogy",
            python=partial(
                recipes.analogy, choice.model, (ids["a"], ids["b"], ids["c"]), without=without
            ),
            svg=svg,
            data=lists.table(found, listed),
            title="Analogy",
        )
    with right:
        st.markdown(plain(told))
        st.caption(
            "Most demonstrations exclude the three query words without saying so: the nearest "
            "neighbor of the result is very often one of them."
        )


def _inputs(whole: Vocabulary) -> dict[str, int]:
    """Three words of the vocabulary; one that is not in it is a sentence."""
    ids: dict[str, int] = {}
    missing: list[str] = []
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for key, control in zip("abc", controls.WORD, strict=True):
            control.check()
            word = control.draw()
            found = exact(whole, word)
            if found is None:
                missing.append(word)
            else:
                ids[key] = found
    if missing:
        raise NotOffered(
            f"“{missing[0]}” is not a single token of this vocabulary, so it has no vector of its "
            "own. Choose another word or an ID."
        )
    return ids


def _told(
    whole: Vocabulary,
    space: projection.Prepared,
    ids: dict[str, int],
    target: np.ndarray,
    found: projection.Neighbours,
) -> str:
    a, b, c = (visible(whole.texts[ids[key]].strip(), limit=24) for key in "abc")
    ranks = {
        name: projection.rank_of(space, target, ids[key]) for name, key in ((a, "a"), (c, "c"))
    }
    first = visible(whole.texts[int(found.indices[0])].strip(), limit=24)
    places = " and ".join(f"“{name}” ranks {rank:,}" for name, rank in ranks.items())
    return (
        f"{a} − {b} + {c} is nearest to “{first}”, cosine {found.cosine[0]:.2f}. Query words "
        f"included, {places} of {len(whole):,}."
    )
