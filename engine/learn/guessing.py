"""Guess the next word: where a text stops, what the model expects there, and who was closer.

    game = guessing.game(Asked(local(), "tales-gpt", text))
    turn = game.turns[0]                       # turn.before, turn.word, turn.share
    scored = guessing.score(turn, [Bet("sea", 6)])
    scored.yours, scored.models                # bits

Shannon let people guess letter after letter (1951); Cover and King let them bet instead (1978):
who spreads a capital over what may come next says a probability for each, and pays
log2(1 / probability) bits for what came. Here a player has chips and keeps at least one of them
back. What is kept is spread as the model spreads its own probability, as a bet at the model's odds
neither wins nor loses (Kelly 1956): so a player who keeps all pays what the model pays, and gains
by knowing better alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

from engine.decoding.ranking import descending, probabilities
from engine.errors import EngineError
from engine.learn.asking import Asked, counted
from engine.learn.lessons import Source
from engine.learn.live.next_token import whole_word
from engine.learn.words import LONGEST, Word, plain_word, token_names, words_of
from engine.values import Tokens

CHIPS = 10
STAKED = CHIPS - 1  # one stays with the model, or a miss would cost without end
WORDS = 3  # on which chips may lie
GIVEN = 3  # words of the text before the first guess
TURNS, FEWEST = 10, 3
LISTED = 6  # of the model's own candidates
SOURCES = (
    Source(
        "Shannon 1951, guessing a text to measure it",
        "https://doi.org/10.1002/j.1538-7305.1951.tb01366.x",
    ),
    Source(
        "Cover and King 1978, bets in place of guesses",
        "https://doi.org/10.1109/TIT.1978.1055912",
    ),
    Source(
        "Kelly 1956, bets at the odds of another forecast",
        "https://doi.org/10.1002/j.1538-7305.1956.tb03809.x",
    ),
)
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


class NoGame(EngineError):
    """This text or model gives no game; the sentence says why."""


class BadBet(EngineError):
    """What a player wants to bet makes no sense; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Bet:
    """Chips on a word."""

    word: str
    chips: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token that the model finds likely next, and its probability."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A place where the text stops: what stands before it, the word that comes, the model's view.

    `share` is the model's probability of the word, all its `tokens` taken together; `expected` are
    the likeliest next tokens, best first.
    """

    number: int  # from 1
    before: str
    word: str
    tokens: int
    share: float
    expected: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Game:
    """A text with its turns."""

    model: str
    text: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """A turn that was played: bits of both, and the probability that the player gave the word."""

    turn: Turn
    bets: tuple[Bet, ...]
    share: float
    yours: float  # bits
    models: float  # bits

    @property
    def hit(self) -> bool:
        """Whether chips lay on the word that came."""
        return any(plain_word(bet.word) == plain_word(self.turn.word) for bet in self.bets)


def game(at: Asked) -> Game:
    """Stop a text before its words, from the fourth on. Raises `NoGame` and what reading raises."""
    if at.family != "decoder":
        raise NoGame("This model does not write from left to right: it guesses no next word.")
    tokens = at.engine.tokens(at.reading)
    words = [word for word in words_of(tokens) if _WORD.fullmatch(word.name)]
    places = [word for word in words[GIVEN:] if _apart(tokens, words, word)][:TURNS]
    if len(places) < FEWEST:
        raise NoGame(
            f"The text has {counted(len(words), 'word')}; the game needs {GIVEN + FEWEST} or more: "
            f"{GIVEN} to begin with and {FEWEST} to guess."
        )
    wanted = sorted({place - 1 for word in places for place in word.tokens})
    logits = dict(zip(wanted, at.engine.logits(at.reading, tuple(wanted)).logits, strict=True))
    ids = tokens.ids.tolist()
    turns = []
    for number, word in enumerate(places, 1):
        chances = [probabilities(logits[place - 1]) for place in word.tokens]
        share = float(np.prod([c[ids[p]] for c, p in zip(chances, word.tokens, strict=True)]))
        start = int(tokens.spans[word.tokens[0]][0])
        turns.append(
            Turn(
                number,
                tokens.text[:start].rstrip(),
                word.name,
                len(word.tokens),
                share,
                _expected(at, chances[0]),
            )
        )
    return Game(at.model, tokens.text, tuple(turns))


def checked(bets: Sequence[Bet]) -> tuple[Bet, ...]:
    """Bets as they count: words cleaned, chips on one word joined, empty ones left out.

    Raises `BadBet` for more words or chips than there are, and where a word is none.
    """
    joined: dict[str, Bet] = {}
    for bet in bets:
        word = " ".join(bet.word.split())
        if not word or bet.chips <= 0:
            continue
        if len(word) > LONGEST or not _WORD.fullmatch(word):
            raise BadBet(f"“{word[:LONGEST]}” is not one word.")
        key = plain_word(word)
        before = joined[key].chips if key in joined else 0
        joined[key] = Bet(joined[key].word if key in joined else word, before + bet.chips)
    found = tuple(joined.values())
    chips = sum(bet.chips for bet in found)
    if len(found) > WORDS:
        raise BadBet(f"Chips may lie on {WORDS} words; these are {len(found)}.")
    if chips > STAKED:
        raise BadBet(
            f"Up to {STAKED} of the {CHIPS} chips may lie on words, as one stays with the model; "
            f"these are {chips}."
        )
    return found


def score(turn: Turn, bets: Sequence[Bet]) -> Scored:
    """What a player and the model pay for the word that came. Raises `BadBet`."""
    found = checked(bets)
    share = probability(found, turn.word, turn.share)
    return Scored(turn, found, share, surprise(share), surprise(turn.share))


def probability(bets: Sequence[Bet], word: str, model: float) -> float:
    """The probability that chips give to a word, to which the model gives `model`.

    >>> probability([Bet("sea", 5)], "Sea", 0.1), probability([Bet("sea", 5)], "sky", 0.1)
    (0.55, 0.05)
    """
    staked = sum(bet.chips for bet in bets)
    own = sum(bet.chips for bet in bets if plain_word(bet.word) == plain_word(word))
    return own / CHIPS + (CHIPS - staked) / CHIPS * model


def surprise(share: float) -> float:
    """The bits that a probability costs when it comes true.

    >>> surprise(0.25), surprise(1.0)
    (2.0, 0.0)
    """
    return max(0.0, -log2(max(share, 1e-300)))


def model_share(at: Asked, turn: Turn, word: str) -> float:
    """What the model gives to a word that a player named. Raises what reading raises."""
    if plain_word(word) == plain_word(turn.word):
        return turn.share
    here = Asked(at.engine, at.model, turn.before)
    ids = at.engine.tokens(here.reading).ids
    chances = probabilities(at.engine.logits(here.reading, (len(ids) - 1,)).logits[0])
    return whole_word(here, word, chances)[0]


def _apart(tokens: Tokens, words: Sequence[Word], word: Word) -> bool:
    """Whether a word follows a space and shares no token: only then it can be named."""
    first, mine = word.tokens[0], set(word.tokens)
    start = int(tokens.spans[first][0])
    spaced = tokens.text[max(start - 1, 0) : start + 1]
    shared = any(mine & set(other.tokens) for other in words if other is not word)
    return first > 0 and any(sign.isspace() for sign in spaced) and not shared


def _expected(at: Asked, chances: np.ndarray) -> tuple[Candidate, ...]:
    """The likeliest tokens, those of one name taken together."""
    order = [int(i) for i in descending(chances, 3 * LISTED)[: 3 * LISTED]]
    found: dict[str, float] = {}
    for name, token in zip(token_names(at, order), order, strict=True):
        found[name] = found.get(name, 0.0) + float(chances[token])
    best = sorted(found.items(), key=lambda one: -one[1])[:LISTED]
    return tuple(Candidate(name, share) for name, share in best)
