"""Home's cards, one for each page, and the list of the models that are here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from engine.errors import EngineError
from engine.values import Reading
from pages.home.cards import picture as small
from pages.pictures import palette
from pages.shell.address import plain
from pages.shell.cache import drawn, engine
from pages.shell.frame import PAGES, ROOT, Page, Sample, samples
from pages.shell.state import state

FAMILIES = {
    "decoder": "text generation",
    "encoder": "fill-mask",
    "encoder-decoder": "sequence to sequence, such as translation",
}


def cards() -> None:
    """A card a page: what it is about, a small picture of it, and a way in."""
    st.subheader("Explore", anchor=False)
    here = [page for page in PAGES[1:] if page.pictures and (ROOT / page.file).exists()]
    with st.container(horizontal=True, gap="small", key="atlas-cards"):
        for page in here:
            with st.container(border=True, width=240, height="stretch"):
                _card(page)


def models() -> None:
    """Every model that can be opened, in plain words."""
    st.subheader("Installed models", anchor=False)
    ready = [entry for entry in engine().models() if entry.ready]
    with st.container(horizontal=True, gap="small"):
        for entry in ready:
            with st.container(border=True, width=272):
                st.markdown(f"**{plain(entry.title)}** · `{entry.name}`")
                does = FAMILIES[entry.family] if entry.family else ""
                size = f"{entry.parameters / 1e6:,.1f} million parameters"
                origin = "comes with the app" if entry.shipped else "exported on this machine"
                st.caption(plain(f"{does}; {size}; {origin}; license {entry.licence or 'unknown'}"))
    for entry in engine().models():
        if entry.apart:
            st.caption(plain(entry.apart))
        if entry.problem:
            st.warning(plain(entry.problem), icon=":material/broken_image:")


def _card(page: Page) -> None:
    fitting = [one for one in samples() if page.title in one.pages]
    drawing = _drawing(page.title, fitting[0]) if fitting else None
    if drawing is not None:
        st.image(
            palette.resolved(drawing, dark=st.context.theme.type == "dark"),
            width="stretch",
            alt=page.sentence,
        )
    st.markdown(f":material/{page.icon}: **{page.title}**")
    st.caption(page.sentence)
    own = state().touched or not fitting
    address = None if own else {"text": fitting[0].text}
    label = "Open with your text" if own else f"Open: {plain(fitting[0].name)}"
    st.page_link(
        page.file,
        label=f"**{label}**",
        icon=":material/arrow_forward:",
        query_params=address,
        width="stretch",
    )


def _drawing(title: str, sample: Sample) -> str | None:
    """A card's picture, from the model that its page shows first.

    None where no model is here or the page has no picture of its own: its words say enough.
    """
    if title not in DRAWINGS:
        return None
    wanted = "encoder-decoder" if title == "Translation" else "decoder"
    for entry in engine().models():
        if entry.ready and entry.family == wanted:
            return _drawn(title, Reading(entry.name, sample.text))
    return None


def _drawn(title: str, reading: Reading) -> str | None:
    try:
        key = ("card", title, reading)
        return drawn(reading.model, key, lambda: DRAWINGS[title](reading))
    except EngineError:
        return None


def _chips(reading: Reading) -> str:
    return small.chips(_texts(reading), engine().tokens(reading).ids.tolist())


def _space(reading: Reading) -> str:
    """The tokens after the last layer, on the two axes along which they differ most."""
    vectors = engine().hidden(reading).states[-1].astype(np.float64)
    centred = vectors - vectors.mean(axis=0)
    left, strength, _ = np.linalg.svd(centred, full_matrices=False)
    return small.space(left[:, :2] * strength[:2], _texts(reading))


def _weights(reading: Reading) -> str:
    """The head of the middle layer that is farthest from looking evenly."""
    layer = engine().card(reading.model).tower.layers // 2
    found = engine().layer(reading, "decoder", layer).attention.weights
    sharpest = int(found.max(axis=-1).mean(axis=-1).argmax())
    return small.weights(found[sharpest], _texts(reading))


def _bridge(reading: Reading) -> str:
    reading = engine().translated(reading.model, reading.text)
    target = (reading.target or ())[:14]
    reading = Reading(reading.model, reading.text, target)
    cross = engine().overview(reading, "cross").weights.mean(axis=(0, 1))
    written = engine().texts(reading.model, target[1:], "decoder")
    return small.bridge(cross[: len(written)], _texts(reading), written)


def _bars(reading: Reading) -> str:
    last = len(engine().tokens(reading)) - 1
    logits = engine().logits(reading, (last,)).logits[0].astype(np.float64)
    likely = np.exp(logits - logits.max())
    likely /= likely.sum()
    best = np.argsort(-likely)[:5]
    texts = engine().texts(reading.model, tuple(best.tolist()))
    return small.bars(texts, likely[best].tolist())


def _texts(reading: Reading) -> tuple[str, ...]:
    return engine().texts(reading.model, tuple(engine().tokens(reading).ids.tolist()))


DRAWINGS: dict[str, Callable[[Reading], str]] = {
    "Tokenization": _chips,
    "Embeddings": _space,
    "Attention": _weights,
    "Translation": _bridge,
    "Decoding": _bars,
}
