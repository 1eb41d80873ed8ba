"""Live answers about the next token: what is likeliest, what filters keep, what is written."""

from __future__ import annotations

import numpy as np

from engine.decoding import sampling as draws
from engine.decoding.ranking import descending, probabilities
from engine.learn.asking import (
    Answer,
    Asked,
    Candidate,
    NoQuestion,
    counted,
    first_of,
    live,
    percent,
)
from engine.learn.words import named, plain_word, token_names

DECODER = ("decoder",)
SHOWN = 4
WRITTEN = 40  # tokens in which a repetition is looked for
REPEATED = 3  # tokens in a row that must come again


@live(families=DECODER)
def top_token(at: Asked) -> Answer:
    """The token that the model ranks first after the text."""
    candidates = _candidates(at, _next(at)[1])
    best, second = candidates[0], candidates[1]
    return first_of(
        candidates,
        f"The model ranks “{best.name}” first with {best.shown}, then “{second.name}” with "
        f"{second.shown}.",
        second=second.name,
        second_share=second.shown,
    )


@live(families=DECODER)
def top_probability(at: Asked) -> Answer:
    """The probability of the likeliest next token, in percent."""
    best = _candidates(at, _next(at)[1])[0]
    return Answer(
        100 * best.score,
        best.shown,
        f"The likeliest next token is “{best.name}” with {best.shown}; all others share the rest.",
        facts={"token": best.name},
    )


@live(families=DECODER)
def rank_of(at: Asked, word: str) -> Answer:
    """The place of a word among all next tokens, 1 for the likeliest."""
    ids, chances = _next(at)
    first, name = _first_token(at, word)
    rank = int((chances > chances[first]).sum()) + 1
    shown = percent(float(chances[first]))
    whole = plain_word(name) == plain_word(word)
    begins = f"“{name}”" if whole else f"“{word}” begins with the token “{name}”, which"
    return Answer(
        float(rank),
        f"{rank:,}",
        f"{begins} is number {rank:,} of {len(chances):,} tokens, with {shown}.",
        facts={"share": shown, "vocabulary": f"{len(chances):,}", "top": _top(at, chances)},
    )


@live(families=DECODER)
def likelier(at: Asked, a: str, b: str) -> Answer:
    """Which of two words the model finds likelier next."""
    _, chances = _next(at)
    found = [(word, float(chances[_first_token(at, word)[0]])) for word in (a, b)]
    candidates = [Candidate(word, chance, percent(chance)) for word, chance in found]
    told = " and ".join(f"“{one.name}” {one.shown}" for one in candidates)
    return first_of(candidates, f"The model gives {told}.", top=_top(at, chances))


@live(families=DECODER)
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


@live(families=DECODER)
def kept(at: Asked, setting: str) -> Answer:
    """How many tokens a setting such as `top-p 0.9` leaves to be drawn from."""
    before, after, _ = _filtered(at, setting)
    count = int((after > 0).sum())
    mass = float(before[after > 0].sum(dtype=np.float64))
    return Answer(
        float(count),
        counted(count, "token"),
        f"With {setting}, {counted(count, 'token')} of {len(before):,} "
        f"{'is' if count == 1 else 'are'} left, with {percent(mass)} of the probability.",
        facts={"mass": percent(mass), "vocabulary": f"{len(before):,}"},
    )


@live(families=DECODER)
def survives(at: Asked, place: int, setting: str) -> Answer:
    """Whether the token at a place of the ranking (1: likeliest) survives a setting."""
    before, after, order = _filtered(at, setting)
    if not 1 <= place <= len(order):
        raise NoQuestion(f"There is no token number {place} in the ranking.")
    token = int(order[place - 1])
    name, right = token_names(at, [token])[0], "yes" if after[token] > 0 else "no"
    count = int((after > 0).sum())
    return Answer(
        right,
        right,
        f"{setting} keeps {counted(count, 'token')}, and “{name}” is number {place} with "
        f"{percent(float(before[token]))}.",
        facts={"token": name, "kept": counted(count, "token")},
    )


@live(families=DECODER)
def change_of_top(at: Asked, setting: str) -> Answer:
    """What a setting does to the likeliest token's probability: rises, falls, stays."""
    before, after, order = _filtered(at, setting)
    own, now = float(before[order[0]]), float(after[order[0]])
    right = "stays" if percent(own) == percent(now) else "rises" if now > own else "falls"
    name = token_names(at, [int(order[0])])[0]
    return Answer(
        right,
        right,
        f"“{name}” goes from {percent(own)} to {percent(now)} with {setting}.",
        facts={"token": name, "before": percent(own), "after": percent(now)},
    )


@live(families=DECODER)
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


@live(families=DECODER)
def vocabulary_size(at: Asked) -> Answer:
    """How many tokens get a probability."""
    _, chances = _next(at)
    return Answer(
        float(len(chances)),
        counted(len(chances), "token"),
        f"Each of the {len(chances):,} tokens of the vocabulary gets a probability.",
    )


@live(families=DECODER)
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


@live(families=DECODER)
def order_matters(at: Asked, other: str) -> Answer:
    """Whether another order of the words gives another probability of the next token."""
    _, chances = _next(at)
    _, moved = _next(Asked(at.engine, at.model, other))
    top = int(chances.argmax())
    before, after = percent(float(chances[top])), percent(float(moved[top]))
    right = "no" if before == after else "yes"
    name = token_names(at, [top])[0]
    return Answer(
        right,
        right,
        f"“{name}” has {before} after the one order and {after} after the other.",
        facts={"token": name, "before": before, "after": after},
    )


@live(families=DECODER)
def repeats_after(at: Asked) -> Answer:
    """After how many greedy tokens three tokens in a row come a second time."""
    own = len(at.engine.tokens(at.reading))
    room = min(WRITTEN, at.engine.room_left(at.model, own))
    written = at.engine.continued(at.model, at.text, room).target or ()
    new = written[own:]
    seen: set[tuple[int, ...]] = set()
    for end in range(REPEATED, len(new) + 1):
        part = new[end - REPEATED : end]
        texts = at.engine.texts(at.model, part)
        if not any(c.isalpha() for c in "".join(texts)):
            continue
        if part in seen:
            told = named("".join(texts))
            return Answer(
                float(end),
                counted(end, "token"),
                f"At new token {end} it has written “{told}” for the second time.",
                facts={"again": told},
            )
        seen.add(part)
    raise NoQuestion(
        f"In {counted(len(new), 'greedy token')} nothing of {REPEATED} tokens comes twice here."
    )


@live(families=("encoder",))
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
    best, second = candidates[:2]
    return first_of(
        candidates,
        f"For the mask the model ranks “{best.name}” first with {best.shown}, then "
        f"“{second.name}” with {second.shown}.",
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
        chance = float(chances[token])
        found.setdefault(plain_word(name), Candidate(name, chance, percent(chance)))
    return list(found.values())[:SHOWN]


def _top(at: Asked, chances: np.ndarray) -> str:
    return token_names(at, [int(chances.argmax())])[0]


def _first_token(at: Asked, word: str) -> tuple[int, str]:
    """The id with which the text would go on to a word, and its name."""
    space = "" if at.text[-1:].isspace() else " "
    tokens = at.engine.bare(at.model, space + word.strip())
    if not len(tokens):
        raise NoQuestion("There is no word to look for.")
    token = int(tokens.ids[0])
    return token, token_names(at, [token])[0]


def _filtered(at: Asked, setting: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities before and after a setting, and the ids from the likeliest down."""
    ids = at.engine.tokens(at.reading).ids.tolist()
    logits = at.engine.logits(at.reading, (len(ids) - 1,)).logits[0]
    try:
        chosen = draws.parse(setting)
    except ValueError as error:
        raise NoQuestion(f"The setting makes no sense: {error}.") from None
    final = draws.filtered(logits, chosen, ids, start=len(ids))
    return probabilities(logits), probabilities(final), descending(logits, 64)
