"""Search: a query, passages, and two rankings of them; words of the query can be left out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.errors import EmptyText
from engine.space import retrieval
from engine.space.passages import PassageSet, own, ready
from engine.space.retrieval import InCommon, Pooling, Ranking
from pages.embeddings import controls, recipes
from pages.embeddings.after import check_after
from pages.embeddings.search import picture as drawn
from pages.pictures.svg import visible
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.frame import Choice, plain
from pages.shell.share import share_menu
from pages.shell.tables import read_aloud

KEY = "search-ranks"


@dataclass(frozen=True)
class Asked:
    """A query, whole and as it is asked, and what it is asked of."""

    passages: PassageSet
    whole: str
    query: str
    layer: int
    pooling: Pooling

    @property
    def answers(self) -> int | None:
        """The passage that answers the query: known of the set's own query alone."""
        return self.passages.answers if self.whole == self.passages.query else None


def embeddings_search(choice: Choice) -> None:
    """Draw both rankings, and what is to be seen in them."""
    room = st.container()  # the picture stands above most of its controls
    asked = _asked(choice, room)
    found = _ranking(choice, asked, asked.query)
    before = _ranking(choice, asked, asked.whole) if asked.query != asked.whole else None
    common = retrieval.by_words(asked.query, asked.passages.passages)
    scene = drawn.Scene(asked.passages.passages, found, common, asked.answers, before)
    svg, said = drawn.rankings(scene), _said(asked, found, common, before)
    with room:
        st.markdown(plain(said))
        picture(svg, key=KEY, alt=said)
        share_menu(
            KEY,
            python=partial(
                recipes.search,
                choice.model,
                asked.query,
                asked.passages.passages,
                asked.layer,
                asked.pooling,
            ),
            svg=partial(drawn.wide, scene),
            shown=False,
            data=lambda: _table(scene),
            title="Search",
        )
        read_aloud(KEY, lambda: _table(scene))
    if choice.card.predicts:
        st.caption(
            "This model was trained to predict tokens: nothing in its training put texts of like "
            "meaning near each other. One trained on pairs of texts, such as all-MiniLM-L6-v2, "
            "was. Compare how far each comes."
        )


def _asked(choice: Choice, room: DeltaGenerator) -> Asked:
    sets = {one.name: one for one in ready()}
    name = controls.PASSAGES.check((*sets, controls.OWN_PASSAGES))
    controls.QUERY.check()
    controls.POOLING.check()
    layers = engine().stack(choice.model, "encoder").layers
    row = room.container(horizontal=True, gap="medium", vertical_alignment="bottom")
    with row:
        controls.PASSAGES.draw()
        typed = controls.QUERY.draw(
            placeholder=sets[name].query if name in sets else "What do you look for?"
        )
    passages = sets[name] if name in sets else _own()
    whole = " ".join((typed or passages.query).split())
    if not whole:
        raise EmptyText("There is no query. Type what you look for.")
    query = _without(whole, row)
    check_after(choice, layers, layers)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        pooling = controls.POOLING.draw()
        layer = controls.AFTER.draw(
            help="The layer whose hidden states are pooled; 0 is its input."
        )
    return Asked(passages, whole, query, int(layer), pooling)


def _own() -> PassageSet:
    controls.OWN.check()
    passages, more = own(controls.OWN.draw(height=180) or "")
    if more:
        st.caption(f"The first {retrieval.MOST} passages are ranked; {more} more are left out.")
    if len(passages) < 2:
        raise EmptyText("Two passages or more are needed, each on a line of its own.")
    return PassageSet(controls.OWN_PASSAGES, "", passages)


def _without(whole: str, row: DeltaGenerator) -> str:
    """The query without the words that are left out; a repeated word is left out everywhere."""
    words = tuple(dict.fromkeys(whole.split(" ")))
    controls.LEFT_OUT.check(words)
    with row:
        out = set(controls.LEFT_OUT.draw() or ())
    left = " ".join(word for word in whole.split(" ") if word not in out)
    if not left:
        raise EmptyText("Every word of the query is left out. Put one back.")
    return left


def _ranking(choice: Choice, asked: Asked, query: str) -> Ranking:
    return engine().passages(
        choice.model, query, asked.passages.passages, asked.layer, asked.pooling
    )


def _said(asked: Asked, found: Ranking, common: InCommon, before: Ranking | None) -> str:
    """What is to be seen, from the numbers that are drawn."""
    first, other = int(found.order[0]), int(common.ranking.order[0])
    parts = []
    answer = asked.answers
    if answer is not None:
        # Without a common word a rank is that of the order in which the passages were given.
        shared = common.ranking.scores[answer] > 0
        by_words = f"{common.ranking.rank(answer)} by words in common" if shared else ""
        parts.append(
            f"The passage that answers the query ranks {found.rank(answer)} of {len(found.order)} "
            f"by vectors and {by_words or 'shares no word with it'}."
        )
    if not common.ranking.scores.any():
        parts.append("No passage shares a word with the query.")
    elif first == other:
        parts.append(f"Both put the same passage first: “{_short(asked, first)}”")
    else:
        parts.append(
            f"First by vectors: “{_short(asked, first)}” First by words: “{_short(asked, other)}”"
        )
    if before is not None:
        moved = sum(before.rank(one) != found.rank(one) for one in range(len(found.order)))
        parts.append(f"Leaving words out changed {moved} of {len(found.order)} ranks by vectors.")
    return " ".join(parts)


def _short(asked: Asked, passage: int) -> str:
    return visible(asked.passages.passages[passage], limit=70).replace("·", " ")


def _table(scene: drawn.Scene) -> dict[str, list[object]]:
    by_words = scene.words.ranking
    rows = [int(one) for one in scene.vectors.order]
    return {
        "rank_by_vectors": list(range(1, len(rows) + 1)),
        "passage": [scene.passages[one] for one in rows],
        "cosine": [round(float(scene.vectors.scores[one]), 4) for one in rows],
        "rank_by_words": [by_words.rank(one) for one in rows],
        "bm25": [round(float(by_words.scores[one]), 4) for one in rows],
    }
