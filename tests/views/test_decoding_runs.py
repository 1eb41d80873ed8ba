"""Many runs: the tree of shared beginnings and the odds of the first token."""

import xml.etree.ElementTree as xml
from dataclasses import replace

import numpy as np
import pytest

from engine.decoding.choosing import choose
from engine.decoding.continuation import Line
from engine.decoding.generated import Generated
from engine.decoding.next_token import opened
from engine.decoding.sampling import Sampling
from pages.decoding.runs import picture as view

PIECES = ["a", " b", " <c>", " d"]


def run(number: int, *ids: int) -> Generated:
    line = Line(run=number)
    token = choose(np.zeros(4, dtype=np.float32), line, [0], start=1, seed=0)
    tokens = tuple(replace(token, id=token_id) for token_id in ids)
    return Generated(line, tokens, tuple(PIECES[i] for i in ids), (0.01,) * len(ids))


RUNS = [run(0, 1, 2, 3), run(1, 0, 1, 2), run(2, 1, 2, 0), run(3, 1, 3, 3), run(4, 1, 2, 3)]


def test_equal_beginnings_lie_together_the_commonest_first():
    assert [c.ids[:2] for c in view.ordered(RUNS)] == [[1, 2], [1, 2], [1, 2], [1, 3], [0, 1]]


def test_branches_are_the_beginnings_that_runs_share():
    found = view.branches(view.ordered(RUNS))
    assert [(b.depth, b.first, b.count, b.text) for b in found if b.count > 1] == [
        (1, 0, 4, " b"),
        (2, 0, 3, " <c>"),
        (3, 0, 2, " d"),
    ]
    assert sum(b.count for b in found if b.depth == 1) == len(RUNS)


def test_the_tree_shows_every_run_and_escapes_its_text():
    svg = view.tree(RUNS, "five <runs>")
    tree = xml.fromstring(svg)
    assert "<c>" not in svg and "×4" in svg
    assert len([n for n in tree.iter("{http://www.w3.org/2000/svg}g") if n.get("data-id")]) == 4


def test_runs_that_have_not_begun_are_drawn_as_empty():
    xml.fromstring(view.tree([run(0), run(1, 2), run(2)], "begun"))
    assert view.branches([run(0), run(1)]) == []


def test_the_summary_counts_texts_and_shared_tokens():
    assert "4 of 5 texts are different" in view.summary(RUNS)
    # pairs share 0, 2, 1, 3, 0, 0, 0, 1, 2 and 1 tokens
    assert "share their first 1.0 token on average" in view.summary(RUNS)
    same = [run(0, 1, 2), run(1, 1, 2)]
    assert view.summary(same) == "All 2 runs have the same text."
    greedy = [replace(one, line=Line(Sampling(temperature=0), run=n)) for n, one in enumerate(same)]
    assert view.summary(greedy).endswith("the same text: this setting samples nothing.")
    assert view.summary([]) == ""


def test_first_tokens_stand_beside_their_odds():
    logits = np.log(np.array([0.2, 0.7, 0.06, 0.04], dtype=np.float32))
    found = opened(logits, Sampling(), [])
    svg = view.firsts(RUNS, found, PIECES.__getitem__)
    assert (
        "4 times" in svg and "70.0 %" in svg and "probability 70.0 %: expected 3.5 of 5 runs" in svg
    )
    # shares 0.8 and 0.2 against 0.7 and 0.2
    words = view.first_words(RUNS, found)
    assert "2 different first tokens in 5 runs" in words and "5.0 percentage points off" in words


def test_one_first_token_is_one():
    found = opened(np.zeros(4, dtype=np.float32), Sampling(), [])
    assert view.first_words([run(0, 1), run(1, 1)], found).startswith("1 first token in 2 runs.")
    assert view.first_words([run(0, 1)], found).startswith("1 first token in 1 run.")
    sure = opened(np.log(np.array([0.2, 0.8], dtype=np.float32)), Sampling(temperature=0), [])
    assert "leaves one token" in view.first_words([run(0, 1)], sure)


def test_the_table_says_how_often_each_text_came():
    assert view.table(RUNS)["count"] == [2, 1, 1, 1, 2]


@pytest.mark.parametrize("count", [8, 64])
def test_a_tree_of_many_runs_stays_small(count: int):
    rng = np.random.default_rng(0)
    runs = [run(n, *rng.integers(0, 4, 60).tolist()) for n in range(count)]
    assert len(view.tree(runs, "many")) < 120_000
