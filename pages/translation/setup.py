"""How the sentence is translated: view, search, forced beginning; the finished trace comes out."""

from __future__ import annotations

import re
from dataclasses import replace

import streamlit as st

from engine.decoding.beams import Search
from engine.decoding.translation import Trace
from pages.pictures.names import quoted
from pages.pictures.svg import visible
from pages.shell.address import fresh
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, checked, plain, selection
from pages.shell.tasks import task_and_language
from pages.translation import changes
from pages.translation.compare.picture import Row, compared
from pages.translation.story import number

VIEWS = ("Step by step", "Alignment", "Compare")
SEARCHES = ("Beam search", "Greedy")
STOPS = {
    "nothing better is likely": False,
    "all beams have finished": True,
    "nothing better is possible": "never",
}
KEPT = ("place", "cross_layer", "cross_head", "no_end", "whole", "against", "also")
ASKED = "translation-asked"  # session key: what was translated last
LONGEST = 400  # new tokens
_FORCED = re.compile(r"\d{1,7}(-\d{1,7}){0,199}")


def translation_setup(choice: Choice) -> tuple[Trace, str, Choice]:
    """Draw the controls and the result.

    Returns the trace, the view that was chosen, and the choice with words of its text replaced.
    """
    for key in KEPT:
        if key in st.session_state:
            # Streamlit forgets a widget that a view does not draw; the other view wants it back.
            st.session_state[key] = st.session_state[key]
    view = str(checked("show", VIEWS, default=VIEWS[0], name="View"))
    kind = str(checked("search", SEARCHES, default=SEARCHES[0], name="Search"))
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        st.segmented_control("View", VIEWS, key="show", required=True, bind="query-params")
        st.segmented_control("Search", SEARCHES, key="search", required=True, bind="query-params")
        search = _search(greedy=kind == "Greedy")
        first = choice
        text, _, pairs = changes.swaps(choice.text)
        choice = replace(choice, text=text)
        reading, language = task_and_language(choice)
        begin = _begin(choice)
    # Three target tokens for each of the source's are more than any translation needs.
    limit = min(LONGEST, 20 + 3 * len(engine().tokenized(choice.model, reading.text)))
    search = Search(search.width, search.length_penalty, search.early_stopping, limit)
    forced = _forced(choice)
    prefix = forced or begin
    trace = engine().translation_trace(reading, search, prefix=prefix, language=language)
    _begin_anew(hash((reading, search, prefix, language)))
    count = len(trace.translation.found.hypotheses)
    place = int(checked("place", range(1, count + 1), default=1, name="Hypothesis")) - 1
    if place:
        trace = engine().translation_trace(
            reading, search, prefix=prefix, language=language, place=place
        )
    _result(trace)
    if prefix or pairs:
        own = reading.text.removesuffix(text) + first.text
        free = engine().translation_trace(replace(reading, text=own), search, language=language)
        _beside(trace, free, pairs, began=bool(prefix))
    changes.turned()
    return trace, view, choice


def _search(*, greedy: bool) -> Search:
    width = int(checked("beams", range(2, 9), default=4, name="Beams"))
    penalty = float(checked("penalty", (0.0, 2.0), default=1.0, name="Length penalty"))
    stop = str(checked("stop_when", tuple(STOPS), default=next(iter(STOPS)), name="Stop when"))
    with st.popover("Beams", icon=":material/account_tree:"):
        if greedy:
            st.caption("Greedy search follows one hypothesis: these settings do not act.")
        st.slider(
            "Beams", 2, 8, key="beams", bind="query-params", disabled=greedy,
            help="Hypotheses kept after every step.",
        )  # fmt: skip
        st.slider(
            "Length penalty", 0.0, 2.0, step=0.1, key="penalty", bind="query-params",
            disabled=greedy,
            help="A score is the sum of log-probabilities divided by tokens to the power of this: "
            "0 favours short translations, 2 long ones.",
        )  # fmt: skip
        st.selectbox(
            "Stop when", tuple(STOPS), key="stop_when", bind="query-params", disabled=greedy,
        )  # fmt: skip
    if greedy:
        return Search()
    return Search(width, round(penalty, 2), STOPS[stop])  # type: ignore[arg-type]


def _begin(choice: Choice) -> tuple[int, ...]:
    """Ids of a typed beginning."""
    given = selection("begin", lambda text: len(text) <= 200) or ""
    if st.session_state.get("translation-begin") != given:
        st.session_state["translation-begin"] = given
    st.text_input(
        "Begin the translation with",
        key="translation-begin",
        max_chars=200,
        placeholder="nothing: let the model begin",
        on_change=_typed,
        width=240,
    )
    marks = engine().special_names_in(choice.model, given)
    if marks:
        st.caption(plain(f"Special tokens are left out: {', '.join(marks[:4])}"))
    return engine().prefix_ids(choice.model, given)


def _typed() -> None:
    changes.change(begin=st.session_state["translation-begin"] or None, forced=None)


def _forced(choice: Choice) -> tuple[int, ...]:
    """Ids that were forced by a click on a candidate, from the link."""
    vocabulary = choice.card.vocabulary
    value = selection(
        "forced",
        lambda text: (
            bool(_FORCED.fullmatch(text))
            and all(int(part) < vocabulary for part in text.split("-"))
        ),
        name="Forced beginning",
    )
    return tuple(int(part) for part in value.split("-")) if value else ()


def _begin_anew(asked: int) -> None:
    """Another sentence or search is told from its best hypothesis; a link's own place is kept."""
    if st.session_state.get(ASKED) not in (None, asked):
        fresh("place")  # the address holds that of the sentence before: no link's wish
        st.session_state["place"] = 1
    st.session_state[ASKED] = asked


def _result(trace: Trace) -> None:
    found = trace.translation
    best = found.found.hypotheses[trace.place]
    text = found.texts[trace.place].strip()
    st.markdown(f"### {plain(text, 4000)}" if text else "### *(nothing: the model ended at once)*")
    count = len(found.found.hypotheses)
    which = f"hypothesis {trace.place + 1} of {count}, " if trace.place else ""
    how = f"beam search with {found.search.width} beams" if found.search.width > 1 else "greedy"
    st.caption(
        plain(
            f"{which}{how}: {len(found.source)} source tokens, {len(best.ids)} written, sum of "
            f"log-probabilities {number(best.log_probability)}, score {number(best.score)}, "
            f"{1000 * found.seconds:.0f} ms for the encoder and all steps of the decoder."
        )
    )
    if not best.ended:
        st.info(f"No end came within {found.search.limit} tokens: the translation was cut there.")
    unknown = sorted({trace.source[i] for i in trace.unknown.nonzero()[0]})
    if unknown:
        shown = ", ".join(quoted(piece, limit=12) for piece in unknown[:8])
        st.info(
            plain(f"Not in this model's vocabulary: {shown}. It reads the unknown word instead.")
        )


def _beside(trace: Trace, free: Trace, pairs: tuple[tuple[str, str], ...], *, began: bool) -> None:
    """The translation with what was changed under the first one, differences marked."""
    swaps = [f"“{visible(new, limit=20)}” for “{visible(old, limit=20)}”" for old, new in pairs]
    what = [*swaps, *(["your beginning"] if began else [])]
    first = "Your sentence as it is" if pairs else "The model's own"
    drawn = compared([_row(first, free), _row(f"With {' and '.join(what)}", trace)])
    picture(
        drawn,
        key="translation-beside",
        alt=f"{free.translation.texts[0]} beside {trace.translation.texts[0]}, differences marked",
    )
    with st.container(horizontal=True):
        st.button("Undo", icon=":material/undo:", key="translation-back", on_click=changes.undo)
        st.button(
            "Back to the first" if pairs else "Let the model begin",
            key="translation-free",
            on_click=changes.clear,
        )


def _row(name: str, trace: Trace) -> Row:
    best = trace.translation.found.hypotheses[trace.place]
    total = float(trace.scored.log.sum())
    return Row(
        name,
        trace.target,
        tuple(trace.scored.probabilities.tolist()),
        f"score {number(best.score)}, all tokens together {number(total)}",
    )
