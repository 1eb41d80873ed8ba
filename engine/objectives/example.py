"""One text as a training example: what a model sees and what it must say.

In: an opened bundle and an `Exercise`. Out: an `Example` in tokens. It is made with the model's
tokenizer, so it can be shown for a model that was not trained so, too; `why_not` says that. Runs
no model: `running` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from engine.errors import EmptyText, NotOffered, TextTooLong
from engine.models.bundle import Card
from engine.models.runtime import Bundle
from engine.objectives import hiding
from engine.space.passages import ready
from engine.tokenizers import tokens as cutting
from engine.trace.running import tokens
from engine.values import Reading, Tokens

Target = Literal["next token", "masked tokens", "spans", "next sentence", "translation"]
Kind = Literal["text", "special", "mask", "random", "kept", "sentinel"]
LONGEST = 96  # tokens of a text that is made into an example
NEXT, OTHER = "is next", "is not next"
PAIR = "next_sentence"  # the graph's output: logits [batch, 2], "is next" first
MASK = "[MASK]"
_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+")


@dataclass(frozen=True, slots=True)
class Exercise:
    """What is made into an example; `seed` draws what is hidden, `target` is a translation."""

    model: str
    text: str
    objective: Target
    seed: int = 0
    target: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A token as it is shown. `id` is -1 where the model has none for it.

    `other` links the two sides: of what is seen the answer that belongs to it, of an answer its
    place in what is seen; -1 for none.
    """

    text: str
    id: int
    kind: Kind = "text"
    other: int = -1


@dataclass(frozen=True, slots=True)
class Example:
    """Both sides of a training example; `pool` is the number of tokens that may be hidden."""

    objective: Target
    sees: tuple[Shown, ...]
    says: tuple[Shown, ...]
    pool: int


def why_not(bundle: Bundle, objective: Target) -> str:
    """Why a model cannot be asked for this, as a sentence; "" where it can."""
    card = bundle.card
    title, family = card.title, card.family
    if not card.predicts and objective != "next sentence":
        return f"{title} has no output matrix: it predicts no tokens."
    match objective:
        case "next token" if family != "decoder":
            return f"{title} is {_an(family)}, not trained to predict the next token of a text."
        case "masked tokens" if family != "encoder" or card.mask is None:
            return f"{title} has no mask token: it was not trained to fill gaps."
        case "spans" if family != "encoder-decoder" or not sentinel_ids(bundle):
            return f"{title} has no sentinel tokens: it was not trained to restore spans."
        case "translation" if family != "encoder-decoder":
            return f"{title} has one tower: it does not read one text and write another."
        case "next sentence" if not has_pair_head(card):
            return (
                f"{title} has no next-sentence head: its checkpoint has no weights that say "
                "whether one sentence follows another."
            )
    return ""


def has_pair_head(card: Card) -> bool:
    """Whether a bundle says of two sentences whether the second follows the first."""
    return card.follows


def sentinel_ids(bundle: Bundle) -> tuple[int, ...]:
    """Ids of T5's sentinels, the first to be used first; none where a model has no such tokens."""
    found: list[int] = []
    while (one := bundle.tokenizer.token_to_id(f"<extra_id_{len(found)}>")) is not None:
        found.append(one)
    return tuple(found)


def example(bundle: Bundle, case: Exercise) -> Example:
    """The two sides. Raises `EmptyText`, `TextTooLong`, `NotOffered`."""
    made = {
        "next token": _next_token,
        "masked tokens": _masked,
        "spans": _spans,
        "next sentence": _next_sentence,
        "translation": _translation,
    }
    return made[case.objective](bundle, case)


def _next_token(bundle: Bundle, case: Exercise) -> Example:
    cut = _cut(bundle, case)
    if len(cut) < 2:
        raise EmptyText("The text is one token long: there is no next one. Write some words more.")
    faces = _faces(cut)
    sees = tuple(
        Shown(faces[i], int(cut.ids[i]), "special" if cut.special[i] else "text", i - 1)
        for i in range(len(cut))
    )
    says = tuple(Shown(faces[i], int(cut.ids[i]), sees[i].kind, i) for i in range(1, len(cut)))
    return Example("next token", sees, says, len(says))


def _masked(bundle: Bundle, case: Exercise) -> Example:
    cut = _cut(bundle, case)
    own, reader = np.flatnonzero(cut.own).tolist(), bundle.reader("encoder")
    count = min(bundle.card.vocabulary, reader.tokenizer.get_vocab_size())
    pool = [i for i in range(count) if i not in reader.special and i != reader.unknown]
    found = hiding.masked(own, pool, case.seed)
    mask = -1 if bundle.card.mask is None else bundle.card.mask
    face = MASK if mask < 0 else reader.piece(mask)
    right = _faces(cut)
    sees = [
        Shown(right[i], int(cut.ids[i]), "special" if cut.special[i] else "text")
        for i in range(len(cut))
    ]
    for k, (place, how, other) in enumerate(
        zip(found.places, found.how, found.random, strict=True)
    ):
        if how == "mask":
            sees[place] = Shown(face, mask, "mask", k)
        elif how == "random":
            sees[place] = Shown(cutting.piece_texts(bundle, [other])[0], other, "random", k)
        else:
            sees[place] = Shown(right[place], int(cut.ids[place]), "kept", k)
    says = tuple(Shown(right[i], int(cut.ids[i]), "text", i) for i in found.places)
    return Example("masked tokens", tuple(sees), says, len(own))


def _spans(bundle: Bundle, case: Exercise) -> Example:
    cut = _cut(bundle, case)
    own, faces = np.flatnonzero(cut.own).tolist(), _faces(cut)
    if len(own) < 2:
        raise EmptyText("Spans need two tokens: one to hide, one to see. Write some words more.")
    found, known = hiding.spans(len(own), case.seed), sentinel_ids(bundle)
    if known and found.sentinels + 1 > len(known):
        raise TextTooLong(f"{bundle.card.title} has {len(known)} sentinels; this text needs more.")

    def shown(one: int) -> Shown:
        if one < 0:
            k = -1 - one
            return Shown(f"<extra_id_{k}>", known[k] if known else -1, "sentinel")
        return Shown(faces[own[one]], int(cut.ids[own[one]]))

    says = [shown(one) for one in found.target]
    # Where a run was hidden its sentinel stands: all of its answers belong there.
    at = {one: place for place, one in enumerate(found.source) if one < 0}
    linked, last = [], -1
    for one, answer in zip(found.target, says, strict=True):
        last = at.get(one, -1) if one < 0 else last
        linked.append(replace(answer, other=last))
    first = {one.other: k for k, one in reversed(list(enumerate(linked)))}
    sees = [replace(shown(one), other=first.get(k, -1)) for k, one in enumerate(found.source)]
    ends = [
        Shown(cut.pieces[i], int(cut.ids[i]), "special")
        for i in np.flatnonzero(~cut.own).tolist()
        if i > own[-1]
    ]
    return Example("spans", (*sees, *ends), (*linked, *ends), len(own))


def _next_sentence(bundle: Bundle, case: Exercise) -> Example:
    first, second, follows = pair(case)
    if bundle.card.pairs:
        cut = tokens(bundle, Reading(case.model, first, second=second))
    else:
        cut = tokens(bundle, Reading(case.model, f"{first} {second}"))
    _check(cut)
    sees = tuple(
        Shown(face, int(i), "special" if mark else "text", 0 if part else -1)
        for face, i, mark, part in zip(
            _faces(cut), cut.ids.tolist(), cut.special, cut.segments.tolist(), strict=True
        )
    )
    answer = Shown(NEXT if follows else OTHER, 0 if follows else 1)
    return Example("next sentence", sees, (answer,), 1)


def _translation(bundle: Bundle, case: Exercise) -> Example:
    if bundle.card.family != "encoder-decoder":
        raise NotOffered(why_not(bundle, "translation"))
    if not case.target.strip():
        raise EmptyText("No translation is given to learn from. Type one.")
    cut = _cut(bundle, case)
    sees = tuple(
        Shown(face, int(i), "special" if mark else "text")
        for face, i, mark in zip(_faces(cut), cut.ids.tolist(), cut.special, strict=True)
    )
    target = cutting.tokenize(bundle, case.target, side="decoder")
    _check(target)
    says = [
        Shown(face, int(i), "special" if mark else "text")
        for face, i, mark in zip(_faces(target), target.ids.tolist(), target.special, strict=True)
    ]
    end = next(iter(bundle.card.generation.ends), None)
    if end is not None and (not says or says[-1].id != end):
        says.append(Shown(bundle.reader("decoder").piece(end), end, "special"))
    return Example("translation", sees, tuple(says), len(says))


def sentences(text: str) -> list[str]:
    """A text cut behind its full stops, question and exclamation marks."""
    return [part.strip() for part in _END.split(text.strip()) if part.strip()]


def pair(case: Exercise) -> tuple[str, str, bool]:
    """The text's first sentence, a second one, and whether it really came next.

    In half of all draws the second is a sentence of another text.
    """
    found = sentences(case.text)
    if len(found) < 2:
        raise EmptyText("The next sentence needs a text of two sentences. Write one more.")
    rng = np.random.default_rng(case.seed)
    if rng.random() < 0.5:
        return found[0], found[1], True
    others = [
        sentences(one)[0] for group in ready() for one in group.passages if one not in case.text
    ]
    return found[0], str(rng.choice(np.array(others))), False


def _cut(bundle: Bundle, case: Exercise) -> Tokens:
    cut = tokens(bundle, Reading(case.model, case.text))
    _check(cut)
    if not cut.own.any():
        raise EmptyText("The text has no token of its own to hide. Write some words.")
    return cut


def _check(cut: Tokens) -> None:
    if len(cut) > LONGEST:
        raise TextTooLong(
            f"The text has {len(cut):,} tokens; an example has at most {LONGEST} here. "
            f"Shorten it by {len(cut) - LONGEST:,}."
        )


def _faces(cut: Tokens) -> list[str]:
    """What each token looks like: what it stands for, special ones by name."""
    return [
        piece if mark else data.decode("utf-8", "replace") or piece
        for piece, data, mark in zip(cut.pieces, cut.data, cut.special, strict=True)
    ]


def _an(family: str) -> str:
    return {"encoder": "an encoder", "decoder": "a decoder"}.get(family, "an encoder-decoder")
