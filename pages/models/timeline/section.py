"""The time line on the page: filters, the picture, and the card of the model that is locked."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.costs.memory import BYTES
from engine.errors import NotOffered
from engine.landscape import amounts, known
from engine.landscape.known import KnownModel, Selection
from engine.landscape.notes import NoteModel, note_models
from pages.models import controls, recipes
from pages.models.sources import linked
from pages.models.timeline import picture as view
from pages.shell.address import plain, select, selection
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.menu import FILES
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

POINT = "point"
LINE = (controls.FIND, controls.MAKER, controls.OPEN)
OPTIONS = (controls.AXIS, controls.CONFIDENCE, controls.OPENABLE)


def models_timeline() -> None:
    """Draw the picture and what is known of the chosen model; the filters stand below."""
    for control in (*LINE, *OPTIONS):
        control.check()
    ids = {one.name: f"m{place}" for place, one in enumerate(known.known_models())}
    locked = selection(POINT, tuple(ids.values()), name="Model")
    place = st.container()
    for line in (LINE, OPTIONS):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            for control in line:
                control.draw()
    with place:
        _shown(ids, locked)


def _shown(ids: dict[str, str], locked: str | None) -> None:
    axis = str(controls.AXIS.value)
    asked = _asked()
    models = [one for one in known.chosen(asked) if view.size(one, axis)]
    if not models:
        raise NotOffered(
            f"None of {len(ids)} models passes these filters. Clear the search, or choose “all”."
        )
    words = view.said(models, len(ids), axis)
    both, wide = view.timeline(models, ids, axis, words)
    st.caption(plain(words))
    picture(both, key="models-timeline", alt=words, locked=locked, on_lock=partial(select, POINT))
    share_menu(
        "timeline",
        python=partial(recipes.timeline, asked, axis),
        svg=lambda: wide,
        shown=False,
        data=lambda: known.columns(models),
        title="Language models by date and size",
    )
    names = {place: name for name, place in ids.items()}
    one = known.find(names[locked]) if locked else None
    if one is not None:
        _card(one)
    read_aloud("timeline", lambda: known.columns(models))


def _asked() -> Selection:
    maker = str(controls.MAKER.value)
    return Selection(
        search=str(controls.FIND.value or ""),
        organization="" if maker == controls.ANYBODY else maker,
        weights=controls.OPEN.value,
        confidence=controls.CONFIDENCE.value,
        openable=bool(controls.OPENABLE.value),
    )


def _card(one: KnownModel) -> None:
    """All that is known of a model, with its sources; the paper's figures where a course has it."""
    with st.container(border=True, key="models-card"):
        st.markdown(f"**{plain(one.name)}**")
        st.markdown("\n".join(f"- {about}: {plain(said)}" for about, said in view.facts(one)))
        st.markdown(f"Sources: {linked(one.sources) or 'none given'}. {plain(known.CREDIT)}.")
        paper = next((own for own in note_models() if own.epoch == one.name), None)
        if paper is not None:
            st.markdown(f"The paper's own: {plain(_paper(paper))} {linked(paper.sources)}.")
        _openable(one.hub, one.type, one.parameters)


def _paper(one: NoteModel) -> str:
    sizes = ", ".join(amounts.count(size) for size in one.sizes)
    said = [f"{sizes} parameters"] if sizes else []
    said += [f"{amounts.count(one.tokens)} tokens"] if one.tokens else []
    said += [f"{amounts.power(one.compute)} FLOP"] if one.compute else []
    return f"{'; '.join(said)}. {one.note}" if said else one.note


def _openable(hub: str, type: str, parameters: float | None) -> None:
    """Whether the app can open it, and how."""
    if not hub:
        st.caption("No checkpoint of it is known that can be opened here.")
        return
    here = next((one for one in engine().models() if one.ready and one.source == hub), None)
    if here is not None:
        st.page_link(
            FILES["Attention"],
            label=f"Installed: open {plain(here.title)} on Attention",
            icon=":material/grid_on:",
            query_params={"model": here.name},
        )
        return
    size = amounts.nbytes(parameters * BYTES["bf16"]) if parameters else "an unknown size"
    st.markdown(
        f"This one can be opened here: `{hub}` on the Hub is of type `{type}`, which the exporter "
        f"knows (if it has safetensors weights). They take {size} in 16 bits."
    )
    st.page_link(FILES["Home"], label="Add a model on Home", icon=":material/add:")
