"""Live answers about tokens: how many, how a word is split."""

from __future__ import annotations

from engine.learn.asking import Answer, Asked, Candidate, NoQuestion, counted, first_of, live
from engine.learn.words import find, named, words_of
from engine.values import Tokens


@live(facts=("words", "added", "characters"), counts=True)
def token_count(at: Asked) -> Answer:
    """The number of tokens of the text itself, without those that the tokenizer adds."""
    tokens = _tokens(at)
    count, added = int(tokens.own.sum()), int(tokens.special.sum())
    more = f", and the tokenizer adds {added} of its own" if added else ""
    words = len(words_of(tokens)) - added
    return Answer(
        float(count),
        counted(count, "token"),
        f"{counted(count, 'token')} for {words} words and marks{more}.",
        facts={"words": str(words), "added": str(added), "characters": f"{len(at.text):,}"},
    )


@live(facts=("pieces",), counts=True)
def tokens_of(at: Asked, word: str) -> Answer:
    """The number of tokens of one word."""
    pieces = _pieces(at, word)
    return Answer(
        float(len(pieces)),
        counted(len(pieces), "token"),
        f"“{word}” is {counted(len(pieces), 'token')}: {' · '.join(pieces)}.",
        facts={"pieces": " · ".join(pieces)},
    )


@live(facts=("pieces", "count"))
def is_one_token(at: Asked, word: str) -> Answer:
    """Whether a word is one token: "yes" or "no"."""
    pieces = _pieces(at, word)
    right = "yes" if len(pieces) == 1 else "no"
    return Answer(
        right,
        right,
        f"“{word}” is {counted(len(pieces), 'token')}: {' · '.join(pieces)}.",
        facts={"pieces": " · ".join(pieces), "count": counted(len(pieces), "token")},
    )


@live(facts=("best",))
def most_split_word(at: Asked) -> Answer:
    """The word that is split into the most tokens."""
    tokens = _tokens(at)
    found: dict[str, Candidate] = {}
    for word in words_of(tokens):
        if not tokens.special[word.tokens[0]]:
            count = len(word.tokens)
            found.setdefault(word.name, Candidate(word.name, count, counted(count, "token")))
    if all(one.score == 1 for one in found.values()):
        raise NoQuestion("Every word of this text is one token: none is split.")
    return first_of(
        list(found.values()),
        lambda best: (
            f"“{best.name}” is split into {best.shown}, more than any other word of letters."
        ),
    )


@live(facts=("first", "second"))
def same_id_twice(at: Asked, word: str) -> Answer:
    """Whether two occurrences of a word have the same ids: "yes" or "no"."""
    tokens = _tokens(at)
    ids = [[int(tokens.ids[i]) for i in find(tokens, word, nth).tokens] for nth in (1, 2)]
    right = "yes" if ids[0] == ids[1] else "no"
    told = [" ".join(map(str, one)) for one in ids]
    return Answer(
        right,
        right,
        f"The first “{word}” has the id {told[0]}, the second {told[1]}.",
        facts={"first": told[0], "second": told[1]},
    )


def _tokens(at: Asked) -> Tokens:
    return at.engine.tokens(at.reading)


def _pieces(at: Asked, word: str) -> list[str]:
    tokens = _tokens(at)
    places = find(tokens, word).tokens
    return [named(tokens.text[s:e]) for s, e in (tokens.spans[i].tolist() for i in places)]
