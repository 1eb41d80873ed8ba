"""The tree of branches: who grows from whom, what is drawn, hostile pieces, words and table."""

import numpy as np
import pytest

from engine.decoding.choosing import Written
from engine.decoding.continuation import Line
from engine.decoding.generated import Generated
from pages.decoding.tree import picture as view
from pages.decoding.tree import words as say
from pages.decoding.tree.branches import Branch, branches


def column(text: str, *pieces: str, probability: float = 0.5) -> Generated:
    """A finished text of these pieces."""
    line, tokens = Line.parse(text), []
    forced = {place for place, _ in line.forced}
    for place in range(len(pieces)):
        one = np.array([place], dtype=np.int64)
        share = np.array([probability], dtype=np.float32)
        last = place + 1 == len(pieces)
        tokens.append(
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
    return Generated(line, tuple(tokens), pieces, (0.01,) * len(pieces))


def grown(*texts: Generated, shown: int = 2) -> list[Branch]:
    return branches(texts, shown)


NAMES = {7: "dog", 9: "home", 5: "y", 2: "\n", 3: " three"}


def spell(token_id: int) -> str:
    return NAMES[token_id]


def tree(rows: list[Branch], here: int | None = None) -> str:
    return view.tree(rows, spell, here)


def summary(rows: list[Branch], here: int | None = None) -> str:
    return say.summary(rows, spell, here)


TRUNK = column("greedy", *" the cat sat down".split())
EARLY = column("greedy @1=7", *" the dog ran off".split())
LATE = column("greedy @1=7 @3=9", *" the dog ran home".split())
OTHER = column("temperature 0.7", " a", " b")


def test_branches_grow_from_where_a_token_was_forced() -> None:
    rows = grown(TRUNK, EARLY, LATE, OTHER)
    assert [str(row.line) for row in rows] == ["greedy", "greedy @1=7", "greedy @1=7 @3=9"]
    assert [(row.parent, row.fork) for row in rows] == [(None, 0), (0, 1), (1, 3)]
    assert [row.column for row in rows] == [0, 1, None]


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
    svg = tree(grown(TRUNK, EARLY, LATE))
    assert [svg.count(f'data-id="k{index}"') for index in range(3)] == [1, 1, 1]
    assert svg.count(">the<") == 1  # what is shared stands in the trunk alone
    assert svg.count(">dog<") == 1 and svg.count(">home<") == 1
    assert "hidden" in svg and "text-decoration" in svg


def test_places_far_from_a_fork_are_left_out_and_marked() -> None:
    words = [f"w{number}" for number in range(200)]
    long, branch = column("greedy", *words), column("greedy @120=7", *words)
    svg = tree(grown(long, branch))
    assert ">w119<" in svg and ">w0<" in svg and ">w60<" not in svg
    assert ">⋯<" in svg and ">121<" in svg


def test_a_branch_that_is_not_written_yet_is_drawn_too() -> None:
    rows = grown(Generated(Line.parse("greedy")), Generated(Line.parse("greedy @9=3")))
    assert "not generated yet" in tree(rows)
    assert summary(rows) == ""
    assert "“·three” forced at token 10" in tree(rows) and "id 3" not in tree(rows)


def test_words_tell_what_forcing_cost() -> None:
    likely = column("greedy @1=7", "a", "b", "c", "d", probability=0.9)
    words = summary(grown(TRUNK, likely))
    assert "“dog” forced at token 2 has rank 3" in words
    assert "more likely than without it: log-probabilities sum to −0.4 instead of −2.8" in words
    assert len(words.split()) <= 60
    assert "equally likely" in summary(grown(TRUNK, EARLY))


def test_words_speak_of_the_branch_that_is_looked_at() -> None:
    rows = grown(TRUNK, EARLY, LATE)
    assert "“dog” forced at token 2" in summary(rows)
    assert "“home” forced at token 4" in summary(rows, 2)
    assert "#f" in tree(rows, 2) and tree(rows, 2) != tree(rows, 1)


def test_the_table_says_who_left_whom_where() -> None:
    table = say.table(grown(TRUNK, EARLY, LATE), spell)
    assert table["grows_from"] == ["", 1, 2] and table["at_token"] == ["", 2, 4]
    assert table["text"][2] == "thedogranhome"
    assert table["setting"][2] == "greedy, “dog” forced at token 2, “home” at token 4"
    assert len({len(column) for column in table.values()}) == 1


@pytest.mark.parametrize("piece", ["<script>", "\"&'", "\n", "\x00", "猫" * 40, ""])
def test_hostile_pieces_are_drawn_as_text(piece: str) -> None:
    svg = tree(grown(column("greedy", "a", piece), column("greedy @1=2", "a", piece)))
    assert "<script" not in svg and "\x00" not in svg
