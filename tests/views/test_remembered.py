"""What pictures remember is small, whatever somebody types."""

from __future__ import annotations

from pages.pictures import tokens
from pages.pictures.remembered import remembered


def test_small_questions_are_answered_from_memory_and_long_ones_are_not_kept():
    made: list[str] = []

    @remembered(4, characters=10)
    def drawn(text: str, names: tuple[str, ...] = (), *, size: float = 1) -> str:
        made.append(text)
        return text * 2

    assert [drawn("ab"), drawn("ab"), drawn("a" * 11), drawn("a" * 11)] == [
        "abab", "abab", "a" * 22, "a" * 22,
    ]  # fmt: skip
    drawn("ab", ("c" * 9,))
    drawn("ab", ("c" * 9,))
    assert made == ["ab", "a" * 11, "a" * 11, "ab", "ab"]
    assert drawn.cache_info().currsize == 1  # type: ignore[attr-defined]


def test_a_token_that_covers_a_whole_text_is_not_remembered():
    """Each such text left 400 kB in a memory of 8,192 places."""
    before = tokens._words.cache_info().currsize  # type: ignore[attr-defined]
    for number in range(9):
        tokens._words("[UNK]", b"x" * 200_000, f"{number}{'x' * 200_000}", False)
    assert tokens._words.cache_info().currsize == before  # type: ignore[attr-defined]
