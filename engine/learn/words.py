"""Words of a text and the tokens they are made of; what tokens are called in answers.

In: `Tokens`. Out: words with the places of their tokens, in the order of the text. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.learn.asking import Asked, NoQuestion
from engine.values import Side, Tokens

_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
LONGEST = 40  # characters of a token's name in an answer


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text, and the places of its tokens."""

    name: str
    tokens: tuple[int, ...]


def words_of(tokens: Tokens) -> tuple[Word, ...]:
    """The words of a text, a mark of punctuation being one; a special token stands alone."""
    starts = [match.span() for match in _WORD.finditer(tokens.text)]
    found: dict[tuple[int, int], list[int]] = {}
    for place, (start, end) in enumerate(tokens.spans.tolist()):
        if tokens.special[place]:
            found[(-1, place)] = [place]
            continue
        own = next((span for span in starts if span[0] < end and start < span[1]), None)
        if own is not None:
            found.setdefault(own, []).append(place)
    names = {
        span: tokens.pieces[span[1]] if span[0] < 0 else tokens.text[span[0] : span[1]]
        for span in found
    }
    listed = [Word(named(names[span]), tuple(places)) for span, places in found.items()]
    return tuple(sorted(listed, key=lambda word: word.tokens))


def find(tokens: Tokens, word: str, nth: int = 1) -> Word:
    """The nth occurrence of a word. Raises `NoQuestion` where the text has it fewer times."""
    wanted = plain_word(word)
    found = [one for one in words_of(tokens) if plain_word(one.name) == wanted]
    if not found:
        raise NoQuestion(f"The word “{word[:LONGEST]}” is not in this text.")
    if len(found) < nth:
        raise NoQuestion(f"The word “{word[:LONGEST]}” is in this text only once.")
    return found[nth - 1]


def distinct(words: list[Word]) -> list[Word]:
    """Words with names of their own: one that comes again is numbered, `bank (2)`."""
    seen: dict[str, int] = {}
    named_apart = []
    for word in words:
        count = seen[word.name] = seen.get(word.name, 0) + 1
        named_apart.append(word if count == 1 else Word(f"{word.name} ({count})", word.tokens))
    return named_apart


def plain_word(text: str) -> str:
    """A word as it is compared: no case, no spaces or token marks around it.

    >>> plain_word(" ·Sea."), plain_word("Ġsea"), plain_word("!")
    ('sea', 'sea', '!')
    """
    bare = " ".join(text.split()).casefold().lstrip("·ġ▁ \"“'")
    return bare.rstrip(" .,;:!?\"”'") or bare


def named(text: str) -> str:
    """What a token is called in an answer: no spaces around it, and a name where it is only those.

    >>> named(" sea"), named("\\n"), named(" ")
    ('sea', 'line break', 'space')
    """
    if text.strip():
        flat = " ".join(text.split())
        return flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"
    return "line break" if "\n" in text else "space"


def token_names(at: Asked, ids: list[int], side: Side = "encoder") -> list[str]:
    """What tokens are called in answers, by id."""
    return [named(text) for text in at.engine.texts(at.model, ids, side)]
