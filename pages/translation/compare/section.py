"""One sentence translated in several ways, and a reference: what differs, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from engine.attention.alignment import bleu, chrf
from engine.decoding.beams import Search
from engine.decoding.translation import Trace, reference_reading
from engine.values import Reading
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, plain, select, selection
from pages.shell.share import share_menu
from pages.translation import controls, recipes
from pages.translation.compare.picture import Row, compared
from pages.translation.story import number, percent


def translation_compare(trace: Trace, choice: Choice) -> None:
    """Draw the controls, then every translation asked for under the first one."""
    found = trace.translation
    names = [e.name for e in engine().models() if e.ready and e.family == "encoder-decoder"]
    others = [name for name in names if name != choice.model]
    ways = controls.AGAINST.check()
    models = controls.MODELS.check(others) if others else []
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        controls.AGAINST.draw()
        if others:
            controls.MODELS.draw()
    instead = _typed("instead", "Another sentence", choice.text)
    reference = _typed("reference", "Reference translation", "")
    rows = [(_row("This translation", trace), trace)]
    for way in ways:
        width = 1 if way == "greedy" else int(way.split()[0])
        rows.append(_other(way, trace, search=replace(found.search, width=width)))
    for name in models:
        rows.append(_other_model(name, trace, choice.text))
    task = found.source_reading.text.removesuffix(choice.text)
    if instead and instead != choice.text:
        rows.append(_other("Another sentence", trace, text=task + instead))
    drawn_rows = [row for row, _ in rows]
    if reference:
        drawn_rows.append(_reference(trace, choice, reference))
    drawn = compared(drawn_rows)
    texts = [t.translation.texts[t.place].strip() for _, t in rows]
    picture(drawn, key="translation-compared", alt="; ".join(texts)[:400])
    st.caption(
        "Boxed and underlined: tokens that the first row does not have there. A broken line marks "
        "where one of its tokens is missing. Color: the model's probability of each token."
    )
    data = partial(_table, drawn_rows, texts, reference)
    told = (reference, *_ids(trace, choice, reference)) if reference else None
    share_menu(
        "compared",
        python=partial(recipes.compared, [one for _, one in rows], told),
        svg=drawn,
        data=data,
        title="Translations compared",
    )
    if reference:
        _quality(drawn_rows, texts, reference)


def _typed(key: str, label: str, placeholder: str) -> str:
    """A text box whose text is in the link."""
    given = selection(key, lambda text: len(text) <= 200) or ""
    widget = f"translation-{key}"
    if st.session_state.get(widget) != given:
        st.session_state[widget] = given
    st.text_input(
        label,
        key=widget,
        max_chars=200,
        placeholder=placeholder[:120] or None,
        on_change=_keep,
        args=(key, widget),
    )
    return given.strip()


def _keep(key: str, widget: str) -> None:
    select(key, st.session_state[widget] or None)


def _other(
    name: str,
    trace: Trace,
    *,
    search: Search | None = None,
    text: str | None = None,
) -> tuple[Row, Trace]:
    """The same with one thing changed; what was forced stays, task and language too."""
    found = trace.translation
    prefix = found.prompt[1:]
    reading = replace(found.source_reading, text=text or found.source_reading.text)
    other = engine().translation_trace(
        reading, search or found.search, prefix=prefix, language=found.language
    )
    return _row(name, other), other


def _other_model(name: str, trace: Trace, text: str) -> tuple[Row, Trace]:
    """The bare text in another model, with its own first task and the same language if it can."""
    rules = engine().card(name).generation
    task = rules.prefixes[0] if rules.prefixes else ""
    wanted, known = trace.translation.language, sorted(rules.languages)
    language = wanted if wanted in known else known[0] if known else None
    other = engine().translation_trace(
        Reading(name, task + text), trace.translation.search, language=language
    )
    return _row(name, other), other


def _row(name: str, trace: Trace) -> Row:
    best = trace.translation.found.hypotheses[trace.place]
    return Row(
        name,
        trace.target,
        tuple(trace.scored.probabilities.tolist()),
        f"score {number(best.score)}, sum {number(best.log_probability)}, "
        f"{1000 * trace.translation.seconds:.0f} ms",
    )


def _ids(trace: Trace, choice: Choice, text: str) -> tuple[tuple[int, ...], int]:
    """A reference's ids, and how many of them are given (the mark of its language)."""
    rules = choice.card.generation
    language = trace.translation.language
    given = (rules.languages[language],) if language else ()
    return (*given, *engine().prefix_ids(choice.model, text), *rules.ends[:1]), len(given)


def _reference(trace: Trace, choice: Choice, text: str) -> Row:
    """The reference as this model would have written it, token by token."""
    ids, given = _ids(trace, choice, text)
    scored = engine().target_scores(reference_reading(trace.translation, ids), ids)
    log = scored.log[given:]  # the mark of the language is given, not chosen
    return Row(
        "Reference",
        engine().texts(choice.model, ids[given:], "decoder"),
        tuple(scored.probabilities[given:].tolist()),
        f"sum {number(float(log.sum()))}, perplexity {float(np.exp(-log.mean())):.1f}",
    )


def _quality(rows: list[Row], texts: list[str], reference: str) -> None:
    """How far every translation agrees with the reference."""
    st.dataframe(
        {
            "translation": texts,
            "which": [row.name for row in rows[: len(texts)]],
            "chrF": [round(chrf(text, reference), 1) for text in texts],
            "BLEU": [round(bleu(text, reference), 1) for text in texts],
        },
        hide_index=True,
        width="stretch",
    )
    last = rows[-1]
    least = min(range(len(last.tokens)), key=lambda t: last.probabilities[t])
    st.caption(
        plain(
            "chrF compares runs of 1 to 6 letters, BLEU runs of 1 to 4 words; 100 is equality. One "
            "reference is one opinion: a good translation may score low. In yours the model was "
            f"most surprised by {visible(last.tokens[least])}, "
            f"{percent(last.probabilities[least])}."
        )
    )


def _table(rows: list[Row], texts: list[str], reference: str) -> dict[str, list[Any]]:
    pad: Callable[[str], float | str] = lambda text: chrf(text, reference) if reference else ""  # noqa: E731
    every = [*texts, *([reference] if len(rows) > len(texts) else [])]
    return {
        "which": [row.name for row in rows],
        "text": every,
        "tokens": [" ".join(row.tokens) for row in rows],
        "probabilities": [" ".join(f"{p:.4f}" for p in row.probabilities) for row in rows],
        "chrF": [pad(text) for text in every],
    }
