"""What is hidden for training and what it costs, once more: drawn and summed with numpy alone."""

from __future__ import annotations

import numpy as np

from engine.objectives.example import Exercise
from engine.values import Reading
from tests.engine.truths.raw import ENGINE, card, ids_of, softmax, truth


def drawn(model: str, text: str, seed: int) -> tuple[list[int], list[float]]:
    """Places of 15 % of a text's own tokens, and the number that decides what becomes of each."""
    own = np.flatnonzero(~ENGINE.tokens(Reading(model, text)).special)
    rng = np.random.default_rng(seed)
    count = max(1, round(0.15 * len(own)))
    return sorted(rng.choice(own, size=count, replace=False).tolist()), rng.random(count).tolist()


def seen(model: str, text: str, seed: int) -> tuple[list[int], tuple[int, ...]]:
    """Places of the hidden tokens, and the ids that stand there for the model."""
    places, dice = drawn(model, text, seed)
    ids = ids_of(model, text)
    masked = ENGINE.training_example(Exercise(model, text, "masked tokens", seed)).sees
    for place, die in zip(places, dice, strict=True):
        if die < 0.8:
            ids[place] = card(model).mask or 0
        elif die < 0.9:
            ids[place] = masked[place].id  # which random token it is was drawn there
            assert ids[place] != card(model).mask
    return places, tuple(ids)


def costs(model: str, text: str, objective: str, seed: int) -> tuple[list[str], np.ndarray]:
    """Each hidden token as text, and the probability of it."""
    ids = ids_of(model, text)
    if objective == "next token":
        places, read = list(range(1, len(ids))), tuple(ids)
        rows = [place - 1 for place in places]
    else:
        places, read = seen(model, text, seed)
        rows = places
    logits = ENGINE.logits(Reading(model, text, target=read), tuple(rows)).logits
    right = [ids[place] for place in places]
    names = [one.strip() for one in ENGINE.texts(model, right)]
    return names, np.array([softmax(row)[i] for row, i in zip(logits, right, strict=True)])


@truth
def hidden_token(model: str, text: str, objective: str, place: int, seed: int = 1) -> str:
    return costs(model, text, objective, seed)[0][place - 1]


@truth
def mean_loss(model: str, text: str, objective: str, seed: int = 1) -> float:
    return float(-np.log(costs(model, text, objective, seed)[1]).mean())


@truth
def dearest_token(model: str, text: str, objective: str, seed: int = 1) -> str:
    names, shares = costs(model, text, objective, seed)
    return names[int(shares.argmin())]


@truth
def hidden_unmasked(model: str, text: str, seed: int = 1) -> float:
    return float(sum(die >= 0.8 for die in drawn(model, text, seed)[1]))


@truth
def span_answers(model: str, text: str, seed: int = 1) -> float:
    count = int((~ENGINE.tokens(Reading(model, text)).special).sum())
    hidden = min(max(1, round(0.15 * count)), count - 1)
    return float(hidden + min(max(1, round(hidden / 3)), count - hidden) + 1)


@truth
def second_follows(model: str, text: str, seed: int = 1) -> str:
    return "yes" if np.random.default_rng(seed).random() < 0.5 else "no"
