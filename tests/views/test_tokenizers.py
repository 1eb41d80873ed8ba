"""Several tokenizers on one text: the same characters stand under each other."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tokenizers.reader import Reader
from pages.tokenization.compare import picture as tokenizers
from tests.views.test_tokens import cut, readers

__all__ = ["readers"]
NAMES = ("byte bpe", "wordpiece", "unigram")
SVG = "{http://www.w3.org/2000/svg}"


def test_the_first_difference_is_inside_a_word(readers: dict[str, Reader]) -> None:
    cuts = [cut(readers[name], "the cat zzz") for name in NAMES]
    place = tokenizers.first_difference(cuts)
    sets = [tokenizers._inner_cuts(one) for one in cuts]
    assert place is not None
    assert any(place in s for s in sets) and not all(place in s for s in sets)


def test_equal_cuts_do_not_differ_and_spaces_alone_are_no_difference(
    readers: dict[str, Reader],
) -> None:
    one = cut(readers["byte bpe"], "the cat")
    assert tokenizers.first_difference([one, one]) is None
    assert tokenizers.first_difference([one]) is None
    other = cut(readers["wordpiece"], "the cat")
    assert tokenizers.first_difference([one, other]) is None


def test_a_box_is_lit_with_those_that_share_its_characters(readers: dict[str, Reader]) -> None:
    cuts = [cut(readers[name], "the cat") for name in NAMES]
    root = ElementTree.fromstring(tokenizers.drawing(dict(zip(NAMES, cuts, strict=True))))
    boxes = {g.get("data-id"): g.get("data-on", "") for g in root.iter(f"{SVG}g")}
    rows = [tokenizers._row(one, 7) for one in cuts]
    for number, row in enumerate(rows):
        for group in row.groups:
            over = [
                f"r{r}t{other.first}"
                for r, theirs in enumerate(rows)
                for other in theirs.groups
                if r != number and max(group.start, other.start) < min(group.end, other.end)
            ]
            assert boxes[f"r{number}t{group.first}"].split() == over


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=120), columns=st.sampled_from([5, 27, 80]))
def test_every_character_is_drawn_once_a_row(
    readers: dict[str, Reader], text: str, columns: int
) -> None:
    cuts = [cut(readers[name], text) for name in NAMES]
    named = dict(zip(NAMES, cuts, strict=True))
    root = ElementTree.fromstring(tokenizers.drawing(named, columns=columns))
    width = float(root.get("width", "0"))
    for box in root.iter(f"{SVG}rect"):
        assert float(box.get("x", "0")) + float(box.get("width", "0")) <= width + columns * 2
    ElementTree.fromstring(tokenizers.aligned(named))
    rows = [tokenizers._row(one, len(text)) for one in cuts]
    lines = tokenizers._lines(text, rows, columns)
    assert "".join(text[a:b] for a, b in lines) == text
