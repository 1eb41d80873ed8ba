"""Before transformers: the best next tokens of all predictors, how far back each looks, figures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from engine.predecessors.comparing import Continuations, Standing
from pages.decoding import recipes
from pages.decoding.controls import CONTEXT, SEED
from pages.decoding.figure import figure
from pages.decoding.predecessors import picture as view
from pages.decoding.predecessors import window_picture, words
from pages.pictures import curves
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.frame import Choice, plain
from pages.shell.lesson.cover import SAID
from pages.shell.share import share_menu

NEXT, INFLUENCE, STATES = "predecessors-next", "predecessors-influence", "predecessors-states"
STANDINGS, WINDOWS = "predecessors-figures", "predecessors-windows"


def decoding_predecessors(choice: Choice) -> None:
    """Draw the pictures from the first to the last, with what each shows above it."""
    standings = engine().standings(choice.model)
    found = engine().continuations(choice.model, choice.text)
    count = len(found.tokens)
    place = int(CONTEXT.check(range(1, count + 1), default=count, because=_because(count))) - 1
    called, texts = words.names(standings), _texts(choice.model, found)
    for one in standings:
        if one.missing:
            st.info(plain(one.missing), icon=":material/info:")
    _next(choice, found, called, texts, place)
    _influence(choice, found, called, texts)
    if "recurrent" in called:
        _states(choice)
    if any(name.startswith("window") for name in called):
        _windows(choice)
    _standings(choice, standings)


def _because(count: int) -> str:
    return f"the text has {count} token{'' if count == 1 else 's'}"


def _texts(model: str, found: Continuations) -> dict[int, str]:
    """What every token that is shown looks like."""
    ids = sorted({*found.best.ravel().tolist(), *found.tokens.ids.tolist()})
    return dict(zip(ids, engine().texts(model, ids, "decoder"), strict=True))


def _next(
    choice: Choice,
    found: Continuations,
    called: Mapping[str, str],
    texts: Mapping[int, str],
    place: int,
) -> None:
    said = words.next_said(found, called, texts, place)
    st.markdown("**Best next tokens, as the context grows**")
    read = "".join(texts[int(token)] for token in found.tokens.ids[: place + 1])
    context = visible(read[-70:], limit=80).replace("·", " ").strip()
    st.caption(plain(f"After: {'… ' if len(read) > 70 else ''}{context}"))
    if len(found.tokens) > 1:
        CONTEXT.draw()
    given = found, called, texts, place
    figure(
        NEXT,
        said,
        view.best(*given, said),
        lambda: view.best_wide(*given, said),
        lambda: words.next_table(*given),
        partial(recipes.predecessors_next, choice.model, choice.text, place, dict(called)),
        "Best next tokens",
    )


def _influence(
    choice: Choice, found: Continuations, called: Mapping[str, str], texts: Mapping[int, str]
) -> None:
    seed = int(SEED.check())
    asked = engine().influence(choice.model, choice.text, seed)
    back = [texts[int(token)] for token in found.tokens.ids[::-1]]
    said = words.influence_said(asked, called)
    st.markdown("**Influence by distance**")
    st.caption(
        "Each token of the text is replaced by another word, two times; drawn is how much the "
        "distribution of the token after the text changes (KL divergence, mean of both)."
    )
    figure(
        INFLUENCE,
        said,
        view.influence(asked, called, back, said),
        lambda: view.influence_wide(asked, called, back, said),
        lambda: words.influence_table(asked, called),
        partial(recipes.predecessors_influence, choice.model, choice.text, seed, dict(called)),
        "Influence by distance",
    )
    SEED.draw(help="The same seed draws the same replacements.")


def _states(choice: Choice) -> None:
    found = engine().hidden_states(choice.model, choice.text)
    texts = engine().texts(choice.model, found.tokens.ids.tolist(), "decoder")
    said = words.states_said(found, texts)
    st.markdown("**The recurrent network's state as it moves**")
    st.caption("Blue is above 0, orange below; the numbers that move most in this text are drawn.")
    figure(
        STATES,
        said,
        view.states(found, texts, said),
        lambda: view.states_wide(found, texts, said),
        lambda: words.states_table(found, texts),
        partial(recipes.predecessors_states, choice.model, choice.text),
        "Hidden state",
    )


def _windows(choice: Choice) -> None:
    found = engine().windows(choice.model)
    drawn, title = window_picture.contexts(found), "What a longer window needs"
    said = words.windows_said(found)
    st.markdown(f"**{title}**")
    figure(
        WINDOWS,
        said,
        curves.curves(*drawn, title, said),
        lambda: curves.wide(*drawn, title, said),
        lambda: words.windows_table(found, window_picture.LONGEST),
        partial(recipes.predecessors_windows, choice.model, window_picture.LONGEST),
        title,
    )
    st.caption(
        "Times up to the table's own window are measured here. Beyond it they are predicted: "
        "a + b n + c n², as n + 1 tables are asked, the k-th with k searches. A transformer's "
        "parameters do not grow with its window."
    )


def _standings(choice: Choice, standings: tuple[Standing, ...]) -> None:
    st.markdown("**Size and compression**")
    table = words.standing_table(standings)
    grouped = st.column_config.NumberColumn(format="localized")
    with st.container(key=f"{SAID}{STANDINGS}"):
        st.dataframe(
            table, hide_index=True, width="stretch", column_config={"numbers kept": grouped}
        )
    if any(one.bits_per_byte is None and not one.missing for one in standings):
        st.caption(
            "What has no figure was not measured. "
            "python -m engine.training.predecessors measure --corpora DIR measures all."
        )
    else:
        st.caption("The lower the bits per byte, the better unseen prose is predicted.")
    share_menu(
        STANDINGS,
        python=partial(recipes.predecessors_figures, choice.model),
        data=table,
        title="Size and compression",
    )
