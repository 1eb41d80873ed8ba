"""The ways of laying out a vocabulary: PCA, a custom axis, UMAP, t-SNE.

In: a model and what the controls say. Out: a `Layout`, places for all points and a way to place
further vectors; for UMAP and t-SNE the process that makes it is shown until it is there. Knows
nothing of marks or neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from engine import installing
from engine.space import projection, vocabulary_layout
from engine.tokenizers.vocabulary import Vocabulary, exact
from pages.embeddings import controls
from pages.embeddings.map import picture as space
from pages.pictures.svg import visible
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.jobs import show_job
from pages.shell.state import state

METHODS: dict[str, vocabulary_layout.Method] = {"UMAP": "umap", "t-SNE": "tsne"}
AMONG = 5


@dataclass(frozen=True)
class Layout:
    """Where every point is; `place` puts further vectors on the same map.

    `explained` is the share of the variance by direction, None where a layout has no directions.
    """

    places: np.ndarray
    axes: list[str]
    place: Callable[[np.ndarray], np.ndarray]
    explained: np.ndarray | None
    told: str
    quality: projection.Quality | None = None
    axis: tuple[int, int] | None = None  # the ids that a custom axis goes to and from
    method: vocabulary_layout.Method | None = None


def layout(model: str, whole: Vocabulary, name: str, *, unit: bool, flat: bool) -> Layout:
    """The layout of that name; PCA stands in while another is not there yet."""
    if name == "Custom axis":
        own = _own_axis(model, whole, unit=unit)
        return own or _pca(model, unit=unit, flat=flat)
    if name in METHODS:
        return _laid_out(model, name, unit=unit, flat=flat) or _pca(model, unit=unit, flat=flat)
    return _pca(model, unit=unit, flat=flat)


def _pca(model: str, *, unit: bool, flat: bool) -> Layout:
    fitted = engine().vocabulary_map(model, unit)
    quality = engine().vocabulary_quality(model, unit, 2 if flat else 3)
    points, width = len(fitted.coordinates), fitted.axes.shape[1]
    told = space.told(fitted, points, width, quality, flat)
    return replace(_linear(fitted, space.axis_names(fitted), unit, told), quality=quality)


def _linear(fitted: projection.Projection, axes: list[str], unit: bool, told: str) -> Layout:
    def place(vectors: np.ndarray) -> np.ndarray:
        return projection.place(fitted, projection.unit(vectors) if unit else vectors)[:, :3]

    return Layout(fitted.coordinates[:, :3], axes, place, fitted.explained, told)


def _own_axis(model: str, whole: Vocabulary, *, unit: bool) -> Layout | None:
    """A map whose first axis goes from one word to another."""
    controls.FROM.check()
    controls.TO.check()
    with st.container(horizontal=True, gap="small"):
        words = [controls.FROM.draw(), controls.TO.draw()]
    ids = [exact(whole, word) for word in words]
    for word, found in zip(words, ids, strict=True):
        if found is None:
            st.caption(
                plain(f"“{word}” is not a single token of this vocabulary: showing PCA instead.")
            )
    minus, plus = ids
    if minus is None or plus is None or minus == plus:
        return None
    fitted = engine().axis_map(model, unit, plus, minus)
    low, high = (visible(whole.texts[i].strip(), limit=20) for i in (minus, plus))
    share = 100 * float(fitted.explained[0])
    rest = [100 * float(part) for part in fitted.explained[1:3]]
    axes = [
        f"{low} → {high} · {share:.1f} %",
        *(f"rest {k} · {part:.1f} %" for k, part in enumerate(rest, 1)),
    ]
    told = (
        f"The first axis goes from “{low}” to “{high}” and explains {share:.1f} % of the "
        "variance; the other two are the principal components of the rest. Points far along it "
        f"are more “{high}” than “{low}”. Distances are approximate; the list uses the original "
        "space."
    )
    return replace(_linear(fitted, axes, unit, told), axis=(plus, minus))


def _laid_out(model: str, name: str, *, unit: bool, flat: bool) -> Layout | None:
    """UMAP or t-SNE from disk; else its process, shown with progress and a stop."""
    method = METHODS[name]
    places = engine().layout(model, method, unit)
    if places is None:
        _making(model, name, unit)
        return None
    whole = engine().vocabulary_space(model)

    def place(vectors: np.ndarray) -> np.ndarray:
        rows = []
        for vector in vectors:
            near = projection.neighbours(whole, vector, AMONG)
            rows.append(vocabulary_layout.among(places, near.indices, near.cosine))
        return np.stack(rows).astype(np.float32) if rows else np.zeros((0, 3), np.float32)

    quality = engine().layout_quality(model, method, unit, 2 if flat else 3)
    told = (
        f"{name} preserves neighborhoods and distorts the rest: distances between groups and "
        "their sizes mean little. "
    )
    if quality is not None:
        told += (
            f"On average {quality.kept.mean():.1f} of {quality.size} nearest neighbors are "
            f"preserved (trustworthiness {quality.trustworthiness:.2f}, "
            f"continuity {quality.continuity:.2f}). "
        )
    told += (
        f"Tokens of the text lie between their {AMONG} nearest tokens of the vocabulary; the list "
    )
    told += "is exact."
    axes = [f"{name} {k}" for k in (1, 2, 3)]
    return Layout(places, axes, place, None, told, quality, method=method)


def _making(model: str, name: str, unit: bool) -> None:
    method = METHODS[name]
    job = engine().layout_job(model, method, unit)
    if job is None and (lacking := installing.told("maps")):
        st.info(plain(f"{lacking} Showing PCA meanwhile.", 300), icon=":material/inventory_2:")
        return
    if job is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                f"Compute {name}",
                icon=":material/play_arrow:",
                on_click=_make,
                args=(model, method, unit),
                key=f"make-{method}",
            )
            st.caption("It takes about a minute, once, and is kept. Showing PCA meanwhile.")
        return
    show_job(job, key=f"job-{method}")


def _make(model: str, method: vocabulary_layout.Method, unit: bool) -> None:
    engine().lay_out(model, method, unit, viewer=state().viewer)
