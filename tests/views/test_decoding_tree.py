"""The tree of branches: who grows from whom, what is drawn, hostile pieces, words and table."""

import numpy as np
import pytest

from engine.decoding.choosing import Written
from engine.decoding.continuation import Line
from engine.decoding.writing import Column
from pages.decoding.tree import picture as view


def column(text: str, *pieces: str, probability: float = 0.5) -> Column:
    """A finished column that wrote these pieces."""
    made = Column(Line.parse(text))
    forced = {place for place, _ in made.line.forced}
    for place, piece in enumerate(pieces):
        one = np.array([place], dtype=np.int64)
        share = np.array([probability], dtype=np.float32)
        last = place + 1 == len(pieces)
        made.tokens.append(
            Written(
                line=0,
                place=place,
                id=place,
                probability=probability,
                after=probability,
                rank=3,
                entropy=1.0,
                kept=9,
                forced=place in forced,
                end="limit" if last else "",
                best=one,
                best_probability=share,
                best_after=share,
                best_cut=np.array([-1], dtype=np.int8),
            )
        )
        made.texts.append(piece)
        made.seconds.append(0.01)
    return made


def grown(*columns: Column, shown: int = 2) -> list[view.Twig]:
    return view.twigs([one.line for one in columns], columns, shown)


TRUNK = column("greedy", *" the cat sat down".split())
EARLY = column("greedy @1=7", *" the dog ran off".split())
LATE = column("greedy @1=7 @3=9", *" the dog ran home".split())
OTHER = column("temperature 0.7", " a", " b")


def test_branches_grow_from_where_a_token_was_forced() -> None:
    rows = grown(TRUNK, EARLY, LATE, OTHER)
    assert [str(row.line) for row in rows] == ["greedy", "greedy @1=7", "greedy @1=7 @3=9"]
    assert [(row.parent, row.fork) for row in rows] == [(None, 0), (0, 1), (1, 3)]
    assert [row.shown for row in rows] == [0, 1, None]


def test_a_text_that_nothing_branches_off_is_no_tree() -> None:
    assert grown(TRUNK, OTHER) == []
    assert grown(EARLY, OTHER) == []


def test_later_forks_stand_nearer_to_their_branch() -> None:
    late = column("greedy @3=9", *" the cat sat up".split())
    rows = grown(TRUNK, EARLY, late)
    assert [row.fork for row in rows] == [0, 3, 1]
    assert all(row.parent in (None, 0) for row in rows)


def test_a_branch_without_its_trunk_still_finds_its_nearest() -> None:
    other = column("greedy @1=7 @2=5", "x", "y", "z")
    rows = grown(LATE, other)
    assert [(row.parent, row.fork) for row in rows] == [(None, 0), (0, 2)]


def test_each_branch_is_drawn_from_its_fork_on() -> None:
    svg = view.tree(grown(TRUNK, EARLY, LATE))
    assert [svg.count(f'data-id="k{index}"') for index in range(3)] == [1, 1, 1]
    assert svg.count(">the<") == 1  # what is shared stands in the trunk alone
    assert svg.count(">dog<") == 1 and svg.count(">home<") == 1
    assert "folded" in svg and "text-decoration" in svg


def test_places_far_from_a_fork_are_left_out_and_marked() -> None:
    words = [f"w{number}" for number in range(200)]
    long, branch = column("greedy", *words), column("greedy @120=7", *words)
    svg = view.tree(grown(long, branch))
    assert ">w119<" in svg and ">w0<" in svg and ">w60<" not in svg
    assert ">⋯<" in svg and ">121<" in svg


def test_a_branch_that_is_not_written_yet_is_drawn_too() -> None:
    rows = grown(Column(Line.parse("greedy")), Column(Line.parse("greedy @9=3")))
    assert "not written yet" in view.tree(rows)
    assert view.summary(rows) == ""


def test_words_tell_what_forcing_cost() -> None:
    likely = column("greedy @1=7", "a", "b", "c", "d", probability=0.9)
    words = view.summary(grown(TRUNK, likely))
    assert "“b” at token 2" in words and "choice number 3" in words
    assert "likelier than the one without: log-probabilities sum to −0.4 against −2.8" in words
    assert len(words.split()) <= 60


def test_words_speak_of_the_branch_that_is_looked_at() -> None:
    rows = grown(TRUNK, EARLY, LATE)
    assert "“dog” at token 2" in view.summary(rows)
    assert "“home” at token 4" in view.summary(rows, 2)
    assert "#f" in view.tree(rows, 2) and view.tree(rows, 2) != view.tree(rows, 1)


def test_the_table_says_who_left_whom_where() -> None:
    table = view.table(grown(TRUNK, EARLY, LATE))
    assert table["leaves_branch"] == ["", 1, 2] and table["at_token"] == ["", 2, 4]
    assert table["text"][2] == "thedogranhome"
    assert len({len(column) for column in table.values()}) == 1


@pytest.mark.parametrize("piece", ["<script>", "\"&'", "\n", "\x00", "猫" * 40, ""])
def test_hostile_pieces_are_drawn_as_text(piece: str) -> None:
    svg = view.tree(grown(column("greedy", "a", piece), column("greedy @1=2", "a", piece)))
    assert "<script" not in svg and "\x00" not in svg
