"""Live answers about models that are used otherwise than they were made."""

from __future__ import annotations

import math
from typing import Literal

from engine.learn.asking import Answer, Asked, NoQuestion, live
from engine.learn.words import find, named
from engine.values import Side
from engine.whatif.foreign import Foreign

SEED = 1  # of the other order of the words


@live(families=("decoder", "encoder"), facts=("changed", "made"))
def same_permuted(at: Asked, positions: Literal["off", "shuffled"]) -> Answer:
    """Whether without its own positions the model gives the same numbers in another order."""
    side: Side = "encoder" if at.family == "encoder" else "decoder"
    found = at.engine.orders(at.reading, side, positions, SEED)
    right = "yes" if found.same else "no"
    changed, made = (_small(float(one.max())) for one in (found.changed, found.as_made))
    return Answer(
        right,
        right,
        f"With the positions {positions} the largest difference to the words in another order is "
        f"{changed}; as the model was made it is {made}.",
        facts={"changed": changed, "made": made},
    )


@live(facts=("own", "theirs"))
def same_id_elsewhere(at: Asked, word: str, maker: str) -> Answer:
    """Whether another model's tokenizer gives a word the same id: "yes" or "no"."""
    ids = [_ids(at, model, word) for model in (at.model, _maker(at, maker))]
    right = "yes" if ids[0] == ids[1] else "no"
    own, theirs = (" ".join(f"{one:,}" for one in some) for some in ids)
    return Answer(
        right,
        right,
        f"“{word}” has the id {own} in {_title(at, at.model)} and {theirs} in {_title(at, maker)}.",
        facts={"own": own, "theirs": theirs},
    )


@live(facts=("id", "piece"))
def read_as(at: Asked, word: str, maker: str) -> Answer:
    """The token for which the model takes another tokenizer's id of a word."""
    found = _foreign(at, maker)
    place = find(found.made, word).tokens[0]
    if place >= len(found.outside):
        raise NoQuestion(f"“{word}” stands too far down this text: it is not read.")
    if found.outside[place]:
        raise NoQuestion(f"The id of “{word}” is outside the model's vocabulary: it reads nothing.")
    taken = named(found.taken_for[place])
    token_id = f"{int(found.made.ids[place]):,}"
    return Answer(
        taken,
        taken,
        f"The id {token_id}, “{word}” to {_title(at, maker)}, is “{taken}” to "
        f"{_title(at, at.model)}.",
        facts={"id": token_id, "piece": taken},
    )


@live(families=("decoder", "encoder"), facts=("own", "guess"))
def foreign_bits(at: Asked, maker: str) -> Answer:
    """The mean surprise in bits of the ids that another model's tokenizer makes of the text."""
    found = _foreign(at, maker)
    if not math.isfinite(found.mean) or not math.isfinite(found.own_mean):
        raise NoQuestion("This text is too short to say how surprising its tokens are.")
    guess = math.log2(at.engine.card(at.model).vocabulary)
    return Answer(
        found.mean,
        f"{found.mean:.1f} bits",
        f"The ids of {_title(at, maker)} surprise the model by {found.mean:.1f} bits a token, its "
        f"own by {found.own_mean:.1f}; a blind guess among all tokens costs {guess:.1f}.",
        facts={"own": f"{found.own_mean:.1f}", "guess": f"{guess:.1f}"},
    )


@live(families=("decoder", "encoder-decoder"), facts=("own", "theirs"))
def foreign_writes_same(at: Asked, maker: str) -> Answer:
    """Whether the model writes the same after another tokenizer's ids: "yes" or "no"."""
    found = _foreign(at, maker)
    own, theirs = (" ".join((one or "").split()) for one in (found.own_written, found.written))
    right = "yes" if own == theirs else "no"
    return Answer(
        right,
        right,
        f"After its own ids it writes “{own}”, after those of {_title(at, maker)} “{theirs}”.",
        facts={"own": own, "theirs": theirs},
    )


def _foreign(at: Asked, maker: str) -> Foreign:
    return at.engine.foreign(at.model, _maker(at, maker), at.text)


def _maker(at: Asked, maker: str) -> str:
    """Another model that is here, by its name."""
    if maker == at.model:
        raise NoQuestion("These are the model's own ids: choose another tokenizer.")
    at.engine.find(maker)
    return maker


def _ids(at: Asked, model: str, word: str) -> list[int]:
    tokens = at.engine.tokenized(model, at.text)
    return [int(tokens.ids[place]) for place in find(tokens, word).tokens]


def _title(at: Asked, model: str) -> str:
    return at.engine.card(model).title


def _small(value: float) -> str:
    """A difference, with the first digit of one that is tiny."""
    if value >= 0.01 or value == 0:
        return f"{value:.2g}" if value else "0"
    return f"{value:.{-math.floor(math.log10(value))}f}"
