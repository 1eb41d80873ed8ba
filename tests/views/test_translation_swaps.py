"""Words of the source replaced: what links say, what comes out, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.translation.swaps import Swap, clean, parse, swapped, word_at

TEXT = "Il a mangé une pomme rouge."


def test_swaps_follow_one_another() -> None:
    swaps = parse("15-20:poire~0-2:Elle")
    assert swapped(TEXT, swaps) == (
        "Elle a mangé une poire rouge.",
        (("pomme", "poire"), ("Il", "Elle")),
    )
    assert "~".join(map(str, swaps)) == "15-20:poire~0-2:Elle"


@pytest.mark.parametrize(
    "text", ["x", "3-3:a", "5-2:a", "1-2", "1-2:a~", "1-2:" + "a" * 99, "~".join(["1-2:a"] * 9)]
)
def test_what_names_no_words_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no words"):
        parse(text)


def test_a_place_behind_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before character 99"):
        swapped(TEXT, parse("90-99:a"))


@pytest.mark.parametrize(
    ("start", "stop", "word"),
    [(15, 17, "pomme"), (14, 17, "pomme"), (26, 27, "."), (5, 10, "mangé")],
)
def test_a_token_stands_for_its_whole_word(start: int, stop: int, word: str) -> None:
    a, b = word_at(TEXT, start, stop)
    assert TEXT[a:b] == word


@given(st.text(max_size=80))
def test_a_new_word_survives_the_link(word: str) -> None:
    new = clean(word)
    assert parse(str(Swap(1, 2, new))) == (Swap(1, 2, new),)
