"""The two rankings of Search: ranks, what moved, and what lies under a pointer."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np

from engine.space.retrieval import by_words, ranked
from pages.embeddings.search.picture import Scene, rankings, wide

PASSAGES = (
    "A <b>fox</b>.",
    "The river was so wide and the night so dark that nobody could see the other bank of it.",
    "Bread.",
)
NOW, BEFORE = ranked(np.array([0.1, 0.9, 0.5])), ranked(np.array([0.9, 0.1, 0.5]))
SCENE = Scene(PASSAGES, NOW, by_words("fox", PASSAGES), 1, BEFORE)


def rows(svg: str) -> list[tuple[str, list[str]]]:
    """Every row as it stands: the id of its passage and the texts in it."""
    root = ElementTree.fromstring(svg)
    found = [one for one in root.iter() if one.get("data-id")]
    return [
        (one.get("data-id") or "", [t.text or "" for t in one.iter() if t.text]) for one in found
    ]


def test_each_ranking_has_its_order_its_scores_and_what_moved() -> None:
    svg = wide(SCENE)
    drawn = rows(svg)
    left = {name: texts for name, texts in drawn[0::2]}
    right = {name: texts for name, texts in drawn[1::2]}
    assert [left[f"p{k}"][0] for k in range(3)] == ["3", "1", "2"]
    assert [right[f"p{k}"][0] for k in range(3)] == ["1", "2", "3"]
    assert [left[f"p{k}"][-1] for k in range(3)] == ["0.10", "0.90", "0.50"]
    # A passage of two lines says it too; one that stayed says nothing.
    assert "was 1" in left["p0"] and "was 3" in left["p1"] and len(left["p1"]) == 5
    assert not any("was" in text for text in left["p2"])
    assert not any("was 1" in text for texts in right.values() for text in texts)


def test_the_answer_is_marked_and_a_text_stays_a_text() -> None:
    svg = wide(SCENE)
    assert "<b>" not in svg and "&lt;b&gt;fox" in svg
    tips = re.findall(r'data-tip="([^"]*)"', svg)
    assert sum("It answers the query." in tip for tip in tips) == 2  # in both rankings
    assert any("fox 0." in tip and "No word in common" not in tip for tip in tips)
    assert any("with the whole query: 3" in tip for tip in tips)


def test_the_narrow_form_has_both_ranks_on_each_row() -> None:
    narrow = rankings(SCENE).split('class="narrow"')[1]
    assert narrow.count("by words") >= 3 and "was 3, by words 2" in narrow


def test_what_nobody_left_out_has_not_moved() -> None:
    assert "was " not in re.sub(r"was so wide", "", wide(Scene(PASSAGES, NOW, SCENE.words)))
