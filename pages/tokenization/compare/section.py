"""The same text under several tokenizers, one above the other, and what each costs."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.errors import EmptyText, EngineError
from engine.values import Tokens
from pages.pictures import tokens as view
from pages.pictures.names import quoted
from pages.shell.address import checked_many
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, plain
from pages.shell.share import share_menu
from pages.tokenization import recipes
from pages.tokenization import tokenizers as offered
from pages.tokenization.compare import picture as tokenizers
from pages.tokenization.compare.external import borrow, next_one
from pages.tokenization.compare.languages import SENTENCES, drawing, languages

MOST = 4


def tokenizer_comparison(choice: Choice) -> None:
    """Draw the comparison."""
    if not choice.text:
        raise EmptyText("The text is empty. Type a word or choose a sample.")
    drawn = st.container()
    cuts = _cuts(_chosen(choice.model), choice.text)
    borrow()
    if not cuts:
        st.caption("Choose at least one tokenizer.")
        return
    with drawn:
        _comparison(choice, cuts)
    _languages(list(cuts))


def _comparison(choice: Choice, cuts: dict[str, Tokens]) -> None:
    left, right = st.columns([3.2, 1], gap="medium")
    with left:
        picture(
            tokenizers.aligned(cuts),
            key="aligned",
            alt=f"The text under {len(cuts)} tokenizers, one above the other",
        )
        if len(choice.text) > tokenizers.CHARACTERS_SHOWN:
            st.caption(
                f"The picture shows the first {tokenizers.CHARACTERS_SHOWN:,} of "
                f"{len(choice.text):,} characters; the table counts all of them."
            )
        st.dataframe(_table(cuts), hide_index=True)
    with right:
        st.markdown(plain(_told(cuts)))
        share_menu(
            "tokenizers",
            python=partial(recipes.several, list(cuts), choice.text),
            svg=tokenizers.drawing(cuts),
            shown=False,
            data=lambda: _table(cuts),
            title="One text under several tokenizers",
        )


def _chosen(own: str) -> list[str]:
    names = offered.names(st.query_params.get_all("with"))
    shipped = [entry.name for entry in engine().models() if entry.ready and entry.shipped]
    default = list(dict.fromkeys([own, *shipped]))[:MOST]
    chosen = checked_many("with", names, default=default, name="tokenizer")
    arrived = next_one()
    if arrived:
        # The last place is the newcomer's where all are taken.
        st.session_state["with"] = [*(n for n in chosen if n != arrived)][: MOST - 1] + [arrived]
    return st.multiselect(
        "Tokenizers",
        names,
        default=default if "with" not in st.session_state else None,
        key="with",
        bind="query-params",
        max_selections=MOST,
        help="Tokenizers of the installed models, and those added below.",
    )


def _cuts(names: list[str], text: str) -> dict[str, Tokens]:
    """The text under each tokenizer; one that cannot cut it says so and is left out."""
    cuts: dict[str, Tokens] = {}
    for name in names:
        try:
            cuts[name] = engine().tokenized_by(name, [text])[0]
        except EngineError as error:
            st.error(plain(f"{name}: {error}"), icon=":material/info:")
    return cuts


def _table(cuts: dict[str, Tokens]) -> dict[str, list[str | int | float]]:
    table: dict[str, list[str | int | float]] = {
        name: []
        for name in (
            "row",
            "tokenizer",
            "algorithm",
            "vocabulary",
            "tokens",
            "added",
            "characters per token",
            "unknown",
        )
    }
    for number, (name, tokens) in enumerate(cuts.items()):
        total, facts = view.counts(tokens), engine().tokenizer_facts(name)
        values = (
            tokenizers.LETTERS[number],
            name,
            facts.algorithm,
            facts.vocabulary,
            total.tokens - total.added,
            total.added,
            round(total.per_token, 2),
            total.unknown,
        )
        for column, value in zip(table.values(), values, strict=True):
            column.append(value)
    return table


def _told(cuts: dict[str, Tokens]) -> str:
    counted = {name: view.counts(tokens) for name, tokens in cuts.items()}
    least = min(counted, key=lambda name: counted[name].tokens - counted[name].added)
    lines = []
    if len(cuts) > 1:
        own = counted[least].tokens - counted[least].added
        equal = len({total.tokens - total.added for total in counted.values()}) == 1
        lines.append(
            f"All of them use {own} tokens." if equal else f"{least} uses the fewest tokens: {own}."
        )
        place = tokenizers.first_difference(list(cuts.values()))
        if place is None:
            lines.append("Inside words all of them split alike.")
        else:
            text = next(iter(cuts.values())).text
            around = quoted(text[max(0, place - 6) : place])
            after = quoted(text[place : place + 6])
            lines.append(
                f"They first differ between {around} and {after} (red mark): one splits there, "
                "another does not."
            )
    lost = [f"{total.unknown} of {name}" for name, total in counted.items() if total.unknown]
    if lost:
        lines.append(f"Dashed red boxes are unknown words: {', '.join(lost)}.")
    return " ".join(lines)


def _languages(names: list[str]) -> None:
    """What one sentence costs in several languages: fair tokenizers are rare."""
    st.subheader("One sentence, many languages")
    costs = {
        name: [
            (total.tokens - total.added, total.unknown)
            for total in map(
                view.counts, engine().tokenized_by(name, [text for _, text, _ in SENTENCES])
            )
        ]
        for name in names
    }
    left, right = st.columns([3.2, 1], gap="medium")
    with left:
        picture(
            languages(costs),
            key="languages",
            alt="Tokens for the same sentence in several languages",
        )
    with right:
        st.markdown(
            "The first article of the Universal Declaration of Human Rights. A tokenizer that was "
            "not trained on a language splits it into many small tokens or unknown words: fewer "
            "sentences fit into the context, and each token says less."
        )
        table = {"language": [language for language, _, _ in SENTENCES]} | {
            f"{name}: {what}": [cost[place] for cost in costs[name]]
            for name in names
            for place, what in enumerate(("tokens", "unknown"))
        }
        share_menu(
            "languages",
            python=partial(recipes.languages, names, [one[:2] for one in SENTENCES]),
            svg=partial(drawing, costs),
            shown=False,
            data=table,
            title="One sentence, many languages",
        )
        numbers = st.expander("Table", key="languages-table", on_change="rerun")
        if numbers.open:
            numbers.dataframe(table, hide_index=True)
