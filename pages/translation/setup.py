"""How the sentence is translated: view, search, forced beginning; the finished trace comes out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import streamlit as st

from engine import policy
from engine.decoding.beams import Search
from engine.decoding.translation import Trace
from pages.pictures.names import quoted
from pages.pictures.svg import visible
from pages.shell.address import fresh
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.controls import built
from pages.shell.frame import Choice, plain, selection
from pages.shell.tasks import task_and_language
from pages.translation import changes, controls
from pages.translation.compare.picture import Row, compared
from pages.translation.story import number

ASKED = "translation-asked"  # session key: what was translated last
LONGEST = 400  # new tokens
_FORCED = re.compile(r"\d{1,7}(-\d{1,7}){0,199}")


@dataclass(frozen=True)
class Changed:
    """The translation without what a person changed, the (old, new) words, whether it was begun."""

    free: Trace
    pairs: tuple[tuple[str, str], ...]
    began: bool


@dataclass(frozen=True)
class Setup:
    """A finished translation, the choice with words of its text replaced, and what was changed."""

    trace: Trace
    choice: Choice
    changed: Changed | None


def translation_setup(choice: Choice) -> Setup:
    """Draw search and options into the row that is open; translate."""
    for control in controls.KEPT:
        if control.key in st.session_state:
            st.session_state[control.key] = st.session_state[control.key]
    greedy = controls.SEARCH.check() == controls.GREEDY
    search = _checked_search(greedy=greedy)
    first = choice
    text, _, pairs = changes.swaps(choice.text)
    choice = replace(choice, text=text)
    controls.SEARCH.draw(label_visibility="collapsed")
    reading, language = task_and_language(choice)
    of_beams = (controls.BEAMS, controls.LENGTH_PENALTY, controls.EARLY)
    begun = selection("begin", lambda text: len(text) <= 200) or ""
    with st.popover(
        "Options", icon=":material/tune:", key="translation-options", on_change="rerun"
    ) as place:
        if built(place, *of_beams) or begun:
            if greedy:
                st.caption("Greedy search follows one hypothesis: beam settings have no effect.")
            for control in of_beams:
                control.draw(disabled=greedy)
            _begin_field(choice, begun)
    begin = engine().prefix_ids(choice.model, begun)
    # Three target tokens for each of the source's are more than any translation needs.
    limit = min(LONGEST, 20 + 3 * len(engine().tokenized(choice.model, reading.text)))
    limit = policy.tokens_each(search.width, limit)
    search = Search(search.width, search.length_penalty, search.early_stopping, limit)
    forced = _forced(choice)
    prefix = forced or begin
    trace = engine().translation_trace(reading, search, prefix=prefix, language=language)
    _begin_anew(hash((reading, search, prefix, language)))
    place = controls.HYPOTHESIS.check(range(1, len(trace.translation.found.hypotheses) + 1)) - 1
    if place:
        trace = engine().translation_trace(
            reading, search, prefix=prefix, language=language, place=place
        )
    if prefix or pairs:
        own = reading.text.removesuffix(text) + first.text
        free = engine().translation_trace(replace(reading, text=own), search, language=language)
        changed = Changed(free, pairs, bool(prefix))
    else:
        changed = None
    changes.turned()
    return Setup(trace, choice, changed)


def translation_change(setup: Setup) -> None:
    """What a change of the person's made of the translation, with Undo; nothing without one."""
    if setup.changed is not None:
        _beside(setup.trace, setup.changed)


def _checked_search(*, greedy: bool) -> Search:
    width, penalty = controls.BEAMS.check(), controls.LENGTH_PENALTY.check()
    stop = controls.EARLY_STOPPING[controls.EARLY.check()]
    return Search() if greedy else Search(width, round(penalty, 2), stop)  # type: ignore[arg-type]


def _begin_field(choice: Choice, given: str) -> None:
    """A beginning to be typed."""
    if st.session_state.get("translation-begin") != given:
        st.session_state["translation-begin"] = given
    st.text_input(
        "Force prefix",
        key="translation-begin",
        max_chars=200,
        placeholder="optional",
        on_change=_typed,
        width=240,
    )
    marks = engine().special_names_in(choice.model, given)
    if marks:
        st.caption(plain(f"Special tokens are left out: {', '.join(marks[:4])}"))


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
    """Another sentence or search is told from its best hypothesis; a link's own place is kept.

    Undo leads to the hypothesis that the change was made at.
    """
    if st.session_state.get(ASKED) not in (None, asked):
        fresh("place")  # the address holds that of the sentence before: no link's wish
        st.session_state["place"] = changes.place_next()
    st.session_state[ASKED] = asked


def translation_result(setup: Setup) -> None:
    """The translation as a heading, and how it was found."""
    trace, found = setup.trace, setup.trace.translation
    best = found.found.hypotheses[trace.place]
    text = found.texts[trace.place].strip()
    st.markdown(
        f"### {plain(text, 4000)}" if text else "### *(empty: the first token was the end token)*"
    )
    count = len(found.found.hypotheses)
    which = f"hypothesis {trace.place + 1} of {count}, " if trace.place else ""
    how = f"beam search with {found.search.width} beams" if found.search.width > 1 else "greedy"
    st.caption(
        plain(
            f"{which}{how}: {len(found.source)} source tokens, {len(best.ids)} target tokens, "
            f"sum of log-probabilities {number(best.log_probability)}, score {number(best.score)}, "
            f"{1000 * found.seconds:.0f} ms for the encoder and all steps of the decoder."
        )
    )
    if not best.ended:
        st.info(f"No end token within {found.search.limit} tokens: the translation was cut there.")
    unknown = sorted({trace.source[i] for i in trace.unknown.nonzero()[0]})
    if unknown:
        shown = ", ".join(quoted(piece, limit=12) for piece in unknown[:8])
        st.info(
            plain(f"Not in this model's vocabulary: {shown}. It reads its unknown token instead.")
        )


def _beside(trace: Trace, changed: Changed) -> None:
    """The translation with what was changed under the first one, differences marked."""
    free, pairs, began = changed.free, changed.pairs, changed.began
    swaps = [f"“{visible(new, limit=20)}” for “{visible(old, limit=20)}”" for old, new in pairs]
    what = [*swaps, *(["your prefix"] if began else [])]
    first = "Original sentence" if pairs else "Without the prefix"
    drawn = compared([_row(first, free), _row(f"With {' and '.join(what)}", trace)])
    picture(
        drawn,
        key="translation-beside",
        alt=f"{free.translation.texts[0]} beside {trace.translation.texts[0]}, differences marked",
    )
    with st.container(horizontal=True):
        st.button("Undo", icon=":material/undo:", key="translation-back", on_click=changes.undo)
        st.button(
            "Restore the sentence" if pairs else "Remove the prefix",
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
        f"score {number(best.score)}, sum of log-probabilities {number(total)}",
    )
