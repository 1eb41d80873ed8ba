"""Live answers about the next token: what is likeliest, how sure the model is, what fits."""

from __future__ import annotations

import re

import numpy as np

from engine.decoding import sampling as draws
from engine.decoding.ranking import descending, probabilities
from engine.learn.asking import (
    Answer,
    Asked,
    Candidate,
    NoQuestion,
    chance,
    counted,
    first_of,
    live,
    percent,
)
from engine.learn.words import plain_word, token_names, words_of

DECODER = ("decoder",)
SHOWN = 4


@live(families=DECODER, facts=("best", "second", "second_share"))
def top_token(at: Asked) -> Answer:
    """The token that the model ranks first after the text."""
    candidates = _candidates(at, _next(at)[1])
    second = candidates[1]
    return first_of(
        candidates,
        lambda best: (
            f"The model ranks “{best.name}” first with {best.shown}, then “{second.name}” with "
            f"{second.shown}."
        ),
        second=second.name,
        second_share=second.shown,
    )


@live(families=DECODER, facts=("token",))
def top_probability(at: Asked) -> Answer:
    """The probability of the likeliest next token, in percent."""
    best = _candidates(at, _next(at)[1])[0]
    return Answer(
        100 * best.score,
        best.shown,
        f"The likeliest next token is “{best.name}” with {best.shown}; all others share the rest.",
        facts={"token": best.name},
    )


@live(families=DECODER, facts=("share", "vocabulary", "top", "pieces"), counts=True)
def rank_of(at: Asked, word: str) -> Answer:
    """How many tokens are likelier next than a whole word, and one more: its rank among them."""
    _, chances = _next(at)
    share, pieces = whole_word(at, word, chances)
    rank = int((chances > share).sum()) + 1
    shown = percent(share)
    whole = f"“{word}”"
    if len(pieces) > 1:
        whole += f" is {counted(len(pieces), 'token')}, {' · '.join(pieces)}. Together it"
    return Answer(
        float(rank),
        f"{rank:,}",
        f"{whole} has {shown}: {counted(rank - 1, 'token')} of {len(chances):,} "
        f"{'is' if rank == 2 else 'are'} likelier, so it is number {rank:,}.",
        facts={
            "share": shown,
            "vocabulary": f"{len(chances):,}",
            "top": _top(at, chances),
            "pieces": " · ".join(pieces),
        },
    )


@live(families=DECODER, facts=("best", "top"))
def likelier(at: Asked, a: str, b: str) -> Answer:
    """Which of two words the model finds likelier next, all tokens of each taken together."""
    _, chances = _next(at)
    found = [(word, whole_word(at, word, chances)[0]) for word in (a, b)]
    candidates = [Candidate(word, share, chance(share)) for word, share in found]
    told = " and ".join(f"“{one.name}” {one.shown}" for one in candidates)
    return first_of(candidates, lambda _: f"The model gives {told}.", top=_top(at, chances))


@live(families=DECODER, facts=("equal",))
def entropy(at: Asked) -> Answer:
    """The uncertainty about the next token, in bits."""
    _, chances = _next(at)
    bits = float(draws.entropy(chances))
    return Answer(
        bits,
        f"{bits:.1f} bits",
        f"{bits:.1f} bits: as unsure as between {2**bits:,.0f} equally likely tokens.",
        facts={"equal": f"{2**bits:,.0f}"},
    )


@live(families=DECODER, facts=("window", "used"), counts=True)
def room_left(at: Asked) -> Answer:
    """How many tokens still fit into the context window."""
    count = len(at.engine.tokens(at.reading))
    room = at.engine.room_left(at.model, count)
    return Answer(
        float(room),
        counted(room, "token"),
        f"The window holds {count + room:,} tokens; the text has {count:,}, so {room:,} are left.",
        facts={"window": f"{count + room:,}", "used": f"{count:,}"},
    )


@live(families=DECODER, counts=True)
def vocabulary_size(at: Asked) -> Answer:
    """How many tokens get a probability."""
    _, chances = _next(at)
    return Answer(
        float(len(chances)),
        counted(len(chances), "token"),
        f"Each of the {len(chances):,} tokens of the vocabulary gets a probability.",
    )


@live(families=DECODER, facts=("share", "top"), counts=True)
def rank_of_end(at: Asked) -> Answer:
    """The place of the end token among all next tokens."""
    _, chances = _next(at)
    ends = [i for i in at.engine.card(at.model).generation.ends if i < len(chances)]
    if not ends:
        raise NoQuestion("This model has no end token.")
    end = max(ends, key=lambda i: chances[i])
    rank = int((chances > chances[end]).sum()) + 1
    return Answer(
        float(rank),
        f"{rank:,}",
        f"The end token is number {rank:,} with {percent(float(chances[end]))}; first is "
        f"“{_top(at, chances)}”.",
        facts={"share": percent(float(chances[end])), "top": _top(at, chances)},
    )


@live(families=DECODER, facts=("token", "before", "after", "other"))
def order_matters(at: Asked, a: str, b: str) -> Answer:
    """Whether the next token's probability changes when two words of the text change places."""
    tokens = at.engine.tokens(at.reading)
    count = [sum(plain_word(one.name) == plain_word(w) for one in words_of(tokens)) for w in (a, b)]
    if plain_word(a) == plain_word(b) or 0 in count or count[0] != count[1]:
        raise NoQuestion(
            f"“{a}” and “{b}” stand in this text {count[0]} and {count[1]} times: they cannot "
            "change places and leave the same words."
        )
    other = _exchanged(at.text, a, b)
    _, chances = _next(at)
    _, moved = _next(Asked(at.engine, at.model, other))
    top = int(chances.argmax())
    before, after = percent(float(chances[top])), percent(float(moved[top]))
    right = "no" if before == after else "yes"
    name = token_names(at, [top])[0]
    return Answer(
        right,
        right,
        f"“{name}” has {before} after this text and {after} after “{other}”.",
        facts={"token": name, "before": before, "after": after, "other": other},
    )


@live(families=("encoder",), facts=("best", "second"))
def top_fill(at: Asked) -> Answer:
    """The token that an encoder ranks first for the first `[MASK]` of the text."""
    tokens = at.engine.tokens(at.reading)
    roles = at.engine.roles(at.model)
    masks = [
        i for i, token_id in enumerate(tokens.ids.tolist()) if "mask" in roles.get(token_id, "")
    ]
    if not masks:
        raise NoQuestion("This text has no [MASK] to fill.")
    chances = probabilities(at.engine.logits(at.reading, (masks[0],)).logits[0])
    candidates = _candidates(at, chances)
    second = candidates[1]
    return first_of(
        candidates,
        lambda best: (
            f"For the mask the model ranks “{best.name}” first with {best.shown}, then "
            f"“{second.name}” with {second.shown}."
        ),
        second=second.name,
    )


def _next(at: Asked) -> tuple[list[int], np.ndarray]:
    """The ids of the text, and the probability of each next token."""
    ids = at.engine.tokens(at.reading).ids.tolist()
    return ids, probabilities(at.engine.logits(at.reading, (len(ids) - 1,)).logits[0])


def _candidates(at: Asked, chances: np.ndarray) -> list[Candidate]:
    """The likeliest tokens with names of their own, the likeliest first."""
    order = [int(i) for i in descending(chances, 4 * SHOWN)[: 4 * SHOWN]]
    found: dict[str, Candidate] = {}
    for name, token in zip(token_names(at, order), order, strict=True):
        share = float(chances[token])
        found.setdefault(plain_word(name), Candidate(name, share, percent(share)))
    return list(found.values())[:SHOWN]


def _exchanged(text: str, a: str, b: str) -> str:
    """A text in which two words have changed places.

    >>> _exchanged("The boy saw the bear.", "boy", "bear")
    'The bear saw the boy.'
    """
    either = re.compile(rf"\b({re.escape(a.strip())}|{re.escape(b.strip())})\b", re.IGNORECASE)
    first = a.strip().casefold()
    return either.sub(lambda m: b.strip() if m[0].casefold() == first else a.strip(), text)


def _top(at: Asked, chances: np.ndarray) -> str:
    return token_names(at, [int(chances.argmax())])[0]


def whole_word(at: Asked, word: str, chances: np.ndarray) -> tuple[float, list[str]]:
    """The probability that the text goes on with a word, all its tokens, and their names."""
    space = "" if at.text[-1:].isspace() else " "
    ids = at.engine.bare(at.model, space + word.strip()).ids.tolist()
    if not ids:
        raise NoQuestion("There is no word to look for.")
    own = at.engine.tokens(at.reading).ids.tolist()
    whole = float(chances[ids[0]])
    for count in range(1, len(ids)):
        then = at.engine.following(at.model, (*own, *ids[:count]))
        whole *= float(probabilities(then)[ids[count]])
    return whole, token_names(at, ids)
