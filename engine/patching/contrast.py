"""Two texts of equal length, clean and corrupted, and the two answers that tell their runs apart.

In: a bundle and an `Experiment`. Out: a `Contrast`: tokens, the place where the answers are
predicted, their logits in both runs. What cannot be compared is refused here, with the remedy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from engine import policy
from engine.errors import NotOffered, TextTooLong
from engine.models.bundle import Card
from engine.models.runtime import Bundle
from engine.tokenizers import tokens as cutting
from engine.tokenizers import vocabulary as words
from engine.tokenizers.vocabulary import Vocabulary
from engine.trace import running, tracing
from engine.values import Frozen, Reading, Side, Tokens

Part = Literal["residual", "attention", "feed-forward"]
PARTS: tuple[Part, ...] = get_args(Part)
LONGEST = 48  # tokens
LEAST = 0.1  # of the logit differences, clean minus corrupted: below it their ratio says nothing
ANSWER = 80  # characters of an answer


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is restored: a part of each block of a model, from one text's run into another's.

    `answers` are the token that is right after the clean text and the one that is right after the
    corrupted text; "" takes what the model predicts first.
    """

    model: str
    clean: str
    corrupted: str
    part: Part = "residual"
    answers: tuple[str, str] = ("", "")


@dataclass(frozen=True, eq=False, slots=True)
class Contrast(Frozen):
    """Both runs as they are: `logits[run, answer]`, clean and corrupted, at `position`.

    `answers` are ids, `pieces` in how many tokens each of those typed was cut (of several the
    first counts; 1 for the model's own), `predicted` what each run predicts first.
    """

    clean: Tokens
    corrupted: Tokens
    position: int
    answers: tuple[int, int]
    pieces: tuple[int, int]
    predicted: tuple[int, int]
    logits: Float[np.ndarray, "2 2"]

    @property
    def differences(self) -> tuple[float, float]:
        """Logit of the first answer minus that of the second, in the clean and corrupted run."""
        clean, corrupted = (self.logits[:, 0] - self.logits[:, 1]).tolist()
        return clean, corrupted

    @property
    def changed(self) -> tuple[int, ...]:
        """Positions where the two texts have different tokens."""
        return tuple(np.flatnonzero(self.clean.ids != self.corrupted.ids).tolist())


def contrast(bundle: Bundle, asked: Experiment, vocabulary: Vocabulary) -> Contrast:
    """Read both texts, or say why they cannot be compared.

    Raises `EmptyText`, `TextTooLong` and `NotOffered`.
    """
    _check_model(bundle.card)
    policy.check_text(asked.clean, asked.corrupted, *asked.answers)
    side: Side = "decoder" if bundle.card.decoder else "encoder"
    readings = [Reading(asked.model, text) for text in (asked.clean, asked.corrupted)]
    clean, corrupted = (running.tokens(bundle, one, side) for one in readings)
    position = _place(bundle, clean, corrupted)
    rows = np.stack([tracing.logits(bundle, one, (position,)).logits[0] for one in readings])
    predicted = (int(rows[0].argmax()), int(rows[1].argmax()))
    named = [_answer(bundle, vocabulary, text, side) for text in asked.answers]
    answers = tuple(
        own if one is None else one[0] for one, own in zip(named, predicted, strict=True)
    )
    found = Contrast(
        clean,
        corrupted,
        position,
        (answers[0], answers[1]),
        (named[0][1] if named[0] else 1, named[1][1] if named[1] else 1),
        predicted,
        rows[:, list(answers)],
    )
    _check_answers(bundle, found, side)
    return found


def _check_model(card: Card) -> None:
    if card.family == "encoder-decoder":
        raise NotOffered(
            f"{card.title} has two towers; activation patching is shown for models of one. Choose "
            "a decoder or an encoder."
        )
    if not card.predicts:
        raise NotOffered(
            f"{card.title} makes vectors and predicts no tokens, so no answer could come back. "
            "Choose a model that predicts."
        )


def _place(bundle: Bundle, clean: Tokens, corrupted: Tokens) -> int:
    """Where the answer is predicted: after the last token, or at the mask."""
    if len(clean) != len(corrupted):
        raise NotOffered(
            f"The clean sentence has {len(clean)} tokens and the corrupted one {len(corrupted)}: "
            "each token is restored from the same position, so they need equally many. Replace "
            "words by words of as many tokens."
        )
    if len(clean) > LONGEST:
        raise TextTooLong(
            f"The sentences have {len(clean)} tokens; at most {LONGEST} are patched, each in every "
            f"layer. Shorten both by {len(clean) - LONGEST}."
        )
    if np.array_equal(clean.ids, corrupted.ids):
        raise NotOffered(
            "Both sentences have the same tokens, so nothing is corrupted. Change a word of the "
            "corrupted sentence."
        )
    if bundle.card.decoder is not None:
        return len(clean) - 1
    masks = [np.flatnonzero(one.ids == bundle.card.mask) for one in (clean, corrupted)]
    if [len(one) for one in masks] != [1, 1] or masks[0][0] != masks[1][0]:
        mask = _mask(bundle)
        raise NotOffered(
            f"{bundle.card.title} predicts at a mask: both sentences need one {mask}, at the same "
            f"token. They have {len(masks[0])} and {len(masks[1])}; write {mask} where the answer "
            "belongs."
        )
    return int(masks[0][0])


def _mask(bundle: Bundle) -> str:
    known = bundle.card.mask
    return "mask" if known is None else cutting.piece_texts(bundle, [known])[0]


def _answer(
    bundle: Bundle, vocabulary: Vocabulary, text: str, side: Side
) -> tuple[int, int] | None:
    """The id of an answer that was typed, and how many tokens it is; None for no answer."""
    text = " ".join(text[:ANSWER].split())
    if not text:
        return None
    found = words.exact(vocabulary, text)
    if found is not None:
        return found, 1
    cut = cutting.tokenize(bundle, text, side=side)
    own = np.flatnonzero(~cut.special)
    if not len(own):
        raise NotOffered(f"“{text}” is no token of {bundle.card.title}. Type another answer.")
    return int(cut.ids[own[0]]), len(own)


def _check_answers(bundle: Bundle, found: Contrast, side: Side) -> None:
    named = cutting.piece_texts(bundle, found.answers, side=side)
    one, other = (text.strip() or text for text in named)
    if found.answers[0] == found.answers[1]:
        raise NotOffered(
            f"Both answers are “{one}”, so there is no difference to restore. Type two answers, or "
            "corrupt another word."
        )
    clean, corrupted = found.differences
    if abs(clean - corrupted) < LEAST:
        raise NotOffered(
            f"“{one}” is {clean:.2f} logits above “{other}” in the clean run and {corrupted:.2f} "
            f"in the corrupted one: less than {LEAST} apart, so nothing was lost that could come "
            "back. Corrupt another word, or type other answers."
        )
