"""Live answers about choosing the next token: what a setting keeps, how it shifts, what repeats."""

from __future__ import annotations

import numpy as np

from engine.decoding import sampling as draws
from engine.decoding.ranking import descending, probabilities
from engine.decoding.sampling import Sampling
from engine.distributions import cutoffs
from engine.learn.asking import (
    Answer,
    Asked,
    NoQuestion,
    Number,
    Setting,
    counted,
    live,
    percent,
)
from engine.learn.words import named, token_names

DECODER = ("decoder",)
WRITTEN = 40  # tokens in which a repetition is sought
REPEATED = 3  # tokens in a row that must come again


@live(families=DECODER, facts=("mass", "vocabulary"), counts=True)
def kept(at: Asked, setting: Setting) -> Answer:
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


@live(families=DECODER, facts=("token", "kept"))
def survives(at: Asked, place: Number, setting: Setting) -> Answer:
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


@live(families=DECODER, facts=("first",))
def held_by(at: Asked, count: Number) -> Answer:
    """The percent of the probability that the first tokens of the ranking hold together."""
    before, _, order = _filtered(at, "pure sampling")
    if count > len(order):
        raise NoQuestion(f"Only the first {len(order)} of the ranking are added up here.")
    share = float(before[order[:count]].sum(dtype=np.float64))
    first = percent(float(before[order[0]]))
    return Answer(
        100 * share,
        percent(share),
        f"The first {counted(count, 'token')} {'holds' if count == 1 else 'hold'} {percent(share)} "
        f"together; the first alone {first}.",
        facts={"first": first},
    )


@live(families=DECODER, facts=("sharp", "flat", "sharp_bits", "flat_bits"))
def keeps_more(at: Asked, setting: Setting) -> Answer:
    """Where a setting keeps more: at the text's sharpest or flattest place, or equally many."""
    bits = at.engine.next_token_entropies(at.reading)
    places = cutoffs.sharp_and_flat(bits)
    if bits[places[0]] == bits[places[1]]:
        raise NoQuestion("This text has one place only: there is no other to compare it with.")
    ids, counts = at.engine.tokens(at.reading).ids.tolist(), []
    for place in places:
        logits = at.engine.logits(at.reading, (place,)).logits[0]
        final = draws.filtered(logits, _parsed(setting), ids[: place + 1], start=place + 1)
        counts.append(int((probabilities(final) > 0).sum()))
    sharp, flat = counts
    right = "equal" if sharp == flat else "flat" if flat > sharp else "sharp"
    return Answer(
        right,
        {"equal": "both alike", "flat": "the flat place", "sharp": "the sharp place"}[right],
        f"With {setting}, {counted(sharp, 'token')} {'is' if sharp == 1 else 'are'} kept where the "
        f"text is sharpest ({bits[places[0]]:.1f} bits), {flat:,} where it is flattest "
        f"({bits[places[1]]:.1f} bits).",
        facts={
            "sharp": counted(sharp, "token"),
            "flat": counted(flat, "token"),
            "sharp_bits": f"{bits[places[0]]:.1f}",
            "flat_bits": f"{bits[places[1]]:.1f}",
        },
    )


@live(families=DECODER, facts=("token", "before", "after"))
def change_of_top(at: Asked, setting: Setting) -> Answer:
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


@live(families=DECODER, facts=("token", "before"))
def top_chance_with(at: Asked, setting: Setting) -> Answer:
    """How often of a hundred draws with a setting the likeliest token comes, on average."""
    before, after, order = _filtered(at, setting)
    share = float(after[order[0]])
    name = token_names(at, [int(order[0])])[0]
    own = percent(float(before[order[0]]))
    return Answer(
        100 * share,
        percent(share),
        f"With {setting} “{name}” has {percent(share)}, so about {100 * share:.0f} of 100 draws "
        f"give it. The model's own probability is {own}.",
        facts={"token": name, "before": own},
    )


@live(families=DECODER, facts=("again",), counts=True)
def repeats_after(at: Asked) -> Answer:
    """After how many greedy tokens three tokens in a row come again; "never" within 40."""
    own = len(at.engine.tokens(at.reading))
    room = min(WRITTEN, at.engine.room_left(at.model, own))
    new = (at.engine.continued(at.model, at.text, room).target or ())[own:]
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
    if len(new) < WRITTEN:
        raise NoQuestion(f"The model stops after {counted(len(new), 'token')} here.")
    return Answer(
        "never",
        f"not within {counted(WRITTEN, 'token')}",
        f"In {WRITTEN} greedy tokens no {REPEATED} in a row come twice here.",
    )


def _filtered(at: Asked, setting: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities before and after a setting, and the ids from the likeliest down."""
    ids = at.engine.tokens(at.reading).ids.tolist()
    logits = at.engine.logits(at.reading, (len(ids) - 1,)).logits[0]
    final = draws.filtered(logits, _parsed(setting), ids, start=len(ids))
    return probabilities(logits), probabilities(final), descending(logits, 64)


def _parsed(setting: str) -> Sampling:
    try:
        return draws.parse(setting)
    except ValueError as error:
        raise NoQuestion(f"The setting makes no sense: {error}.") from None
