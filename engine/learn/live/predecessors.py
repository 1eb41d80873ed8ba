"""Live answers about n-grams and a recurrent network beside a transformer, on the same text."""

from __future__ import annotations

from typing import Literal

import numpy as np

from engine.errors import NotOffered
from engine.learn.asking import (
    Answer,
    Asked,
    Candidate,
    NoQuestion,
    Number,
    counted,
    first_of,
    live,
    percent,
)
from engine.learn.words import find, token_names
from engine.predecessors.comparing import Continuations

DECODER = ("decoder",)
Predictor = Literal["window-1", "window-2", "window-4", "recurrent", "transformer"]
"""An n-gram table with a window of so many tokens, the recurrent network, the model itself."""
BEST = 10  # tokens that are compared
DIGITS = 3  # of bits


@live(families=DECODER, facts=("best",))
def best_of(at: Asked, predictor: Predictor) -> Answer:
    """The token that a predictor such as `window-4` or `recurrent` finds likeliest next."""
    found = at.engine.continuations(at.model, at.text, BEST)
    row, title = _row(at, found, predictor)
    names = token_names(at, found.best[row, -1].tolist(), "decoder")
    shares = found.shares[row, -1].tolist()
    return first_of(
        [Candidate(name, share, percent(share)) for name, share in zip(names, shares, strict=True)],
        lambda best: f"{title} gives “{best.name}” {best.shown}.",
    )


@live(families=DECODER, facts=("shorter", "longer"))
def window_matters(at: Asked, window: Number) -> Answer:
    """Whether n-grams with this window predict otherwise than those with a window of 1."""
    found = at.engine.continuations(at.model, at.text, BEST)
    (short, _), (row, title) = _row(at, found, "window-1"), _row(at, found, f"window-{window}")
    equal = np.array_equal(found.best[short, -1], found.best[row, -1]) and np.array_equal(
        found.shares[short, -1], found.shares[row, -1]
    )
    right = "no" if equal else "yes"
    names = token_names(at, [int(found.best[one, -1, 0]) for one in (short, row)], "decoder")
    shares = [percent(float(found.shares[one, -1, 0])) for one in (short, row)]
    told = [f"“{name}” with {share}" for name, share in zip(names, shares, strict=True)]
    why = "the same as" if equal else "and not as"
    return Answer(
        right,
        right,
        f"{title} begins with {told[1]}, {why} with a window of 1: {told[0]}.",
        facts={"shorter": told[0], "longer": told[1]},
    )


@live(families=DECODER, facts=("bits", "back"))
def changes_with(at: Asked, predictor: Predictor, word: str) -> Answer:
    """Whether a predictor's answer changes at all when a word is replaced: "yes" or "no"."""
    bits, back = _influence(at, word)
    found = at.engine.continuations(at.model, at.text, BEST)
    row, title = _row(at, found, predictor)
    right = "yes" if bits[row] > 0 else "no"
    shown = _bits(float(bits[row]))
    return Answer(
        right,
        right,
        f"“{word}” stands {counted(back, 'token')} back. Replaced, it changes {title} by {shown}.",
        facts={"bits": shown, "back": counted(back, "token")},
    )


@live(families=DECODER, facts=("best", "back"))
def changed_most(at: Asked, word: str) -> Answer:
    """The predictor whose answer changes most when a word is replaced by another."""
    bits, back = _influence(at, word)
    found = at.engine.continuations(at.model, at.text, BEST)
    titles = [_row(at, found, name)[1] for name in found.predictors]
    return first_of(
        [
            Candidate(title, float(one), _bits(float(one)))
            for title, one in zip(titles, bits, strict=True)
        ],
        lambda best: (
            f"With another word in place of “{word}” {best.name} changes most: {best.shown}."
        ),
        back=counted(back, "token"),
    )


@live(families=DECODER, facts=("possible", "met"), counts=True)
def contexts_kept(at: Asked, window: Number) -> Answer:
    """How many contexts of so many tokens are in the n-gram table."""
    try:
        found = at.engine.windows(at.model)
    except NotOffered as why:
        raise NoQuestion(str(why)) from None
    kept = found.contexts(window)
    if kept is None:
        raise NoQuestion(
            f"The table has windows up to {found.longest}; the question is of {window}."
        )
    possible = float(found.possible(window))
    shown = f"{possible:,.0f}" if possible < 1e9 else f"{possible:.1e}".replace("e+", " × 10^")
    return Answer(
        float(kept),
        f"{kept:,}",
        f"The table has {kept:,} contexts of {counted(window, 'token')}, of {shown} that there "
        "could be.",
        facts={"possible": shown, "met": f"{found.met(window):,}"},
    )


@live(families=DECODER, facts=("best",))
def fewest_bits(at: Asked) -> Answer:
    """The predictor that held-out prose costs the fewest bits a byte."""
    every = [
        (one.title, one.bits_per_byte)
        for one in at.engine.standings(at.model)
        if one.bits_per_byte is not None
    ]
    if len(every) < 2:
        raise NoQuestion("Their bits per byte have not been measured here.")
    return first_of(
        [Candidate(title, -bits, f"{bits:.3f} bits") for title, bits in every],
        lambda best: f"{best.name} needs the fewest: {best.shown} a byte.",
    )


def _row(at: Asked, found: Continuations, predictor: str) -> tuple[int, str]:
    """Where a predictor stands, and what it is called."""
    every = at.engine.standings(at.model)
    titles = {one.name: one.title for one in every}
    if predictor not in found.predictors:
        kind = "ngrams" if predictor.startswith("window") else predictor
        missing = next((one.missing for one in every if one.kind == kind and one.missing), "")
        raise NoQuestion(missing or f"There is no {predictor} to compare here.")
    return found.predictors.index(predictor), titles[predictor]


def _influence(at: Asked, word: str) -> tuple[np.ndarray, int]:
    """Bits by which each predictor changes with a word's last token, and how far back that is."""
    tokens = at.engine.tokens(at.reading)
    back = len(tokens) - find(tokens, word).tokens[-1]
    found = at.engine.influence(at.model, at.text)
    if back > found.tokens.shape[1]:
        raise NoQuestion(
            f"“{word}” stands {back} tokens back; {found.tokens.shape[1]} are looked at."
        )
    return found.mean[:, back - 1], back


def _bits(value: float) -> str:
    if value == 0:
        return "exactly 0 bits"
    return f"{value:.{DIGITS}f} bits" if value >= 0.001 else "less than 0.001 bits"
