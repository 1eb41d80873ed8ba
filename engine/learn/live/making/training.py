"""Live answers about training: what is hidden from a model, and what it costs to say it."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from engine.errors import EmptyText
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
from engine.objectives.example import NEXT, Example, Exercise, Target
from engine.objectives.losses import Losses

ONE_TOWER = ("decoder", "encoder")
Objective = Literal["next token", "masked tokens"]
"""What a model of one tower is trained to predict."""


def _seed(value: Any) -> str:
    return "" if 0 <= value < 2**32 else "0 or more, as it is a seed"


Seed = Annotated[int, _seed]


@live(families=ONE_TOWER, facts=("share", "loss", "first", "first_share"))
def hidden_token(at: Asked, objective: Objective, place: Number, seed: Seed = 1) -> Answer:
    """The word that stands at a hidden place of the text, the first one being 1."""
    made, losses = _costs(at, objective, seed)
    if place > len(made.says):
        raise NoQuestion(
            f"This text has {counted(len(made.says), 'hidden token')}; the question is of number "
            f"{place}."
        )
    word = made.says[place - 1].text.strip()
    if not word.isalpha():
        raise NoQuestion(f"What is hidden there is “{word}”, which is no word.")
    share, nats = float(losses.probabilities[place - 1]), float(losses.nats[place - 1])
    best = at.engine.texts(at.model, [int(losses.best[place - 1][0])])[0].strip()
    likely = percent(math.exp(losses.best_log[place - 1][0]))
    return Answer(
        word,
        word,
        f"The hidden word is “{word}”. The model gives it {percent(share)}, which costs "
        f"{nats:.1f} nats.",
        facts={
            "share": percent(share),
            "loss": f"{nats:.1f}",
            "first": best,
            "first_share": likely,
        },
    )


@live(families=ONE_TOWER, facts=("chance", "count"))
def mean_loss(at: Asked, objective: Objective, seed: Seed = 1) -> Answer:
    """What a hidden token of the text costs the model on average, in nats."""
    _, losses = _costs(at, objective, seed)
    return Answer(
        losses.mean,
        f"{losses.mean:.1f} nats",
        f"The mean loss is {losses.mean:.2f} nats; an even guess pays {losses.chance:.2f}.",
        facts={"chance": f"{losses.chance:.1f}", "count": f"{len(losses.ids):,}"},
    )


@live(families=ONE_TOWER, facts=("best", "loss", "share"))
def dearest_token(at: Asked, objective: Objective, seed: Seed = 1) -> Answer:
    """The hidden token of the text that costs the model most."""
    made, losses = _costs(at, objective, seed)
    dear: dict[str, float] = {}
    for one, nats in zip(made.says, losses.nats.tolist(), strict=True):
        name = one.text.strip()
        if name and one.kind == "text":
            dear[name] = max(dear.get(name, 0.0), nats)
    return first_of(
        [Candidate(name, nats, f"{nats:.2f} nats") for name, nats in dear.items()],
        lambda best: (
            f"“{best.name}” costs {best.shown}: the model gave it {percent(_share(best.score))}."
        ),
        loss=f"{max(dear.values(), default=0.0):.2f}",
        share=percent(_share(max(dear.values(), default=0.0))),
    )


@live(families=("encoder",), facts=("of", "random", "kept"), counts=True)
def hidden_unmasked(at: Asked, seed: Seed = 1) -> Answer:
    """How many of the tokens to be predicted do not stand there as the mask token."""
    made = at.engine.training_example(Exercise(at.model, at.text, "masked tokens", seed))
    kinds = [one.kind for one in made.sees if one.other >= 0]
    random, kept = kinds.count("random"), kinds.count("kept")
    return Answer(
        float(random + kept),
        f"{random + kept} of {len(kinds)}",
        f"Of {counted(len(kinds), 'token')} to be predicted {random} "
        f"{'is' if random == 1 else 'are'} replaced by a random token and {kept} "
        f"{'is' if kept == 1 else 'are'} kept.",
        facts={"of": str(len(kinds)), "random": str(random), "kept": str(kept)},
    )


@live(facts=("hidden", "spans"), counts=True)
def span_answers(at: Asked, seed: Seed = 1) -> Answer:
    """How many tokens a model must write to restore the text's hidden spans, sentinels included."""
    made = _made(at, "spans", seed)
    said = [one for one in made.says if one.kind != "special"]
    runs = sum(one.kind == "sentinel" for one in made.sees)
    hidden = sum(one.kind == "text" for one in said)
    return Answer(
        float(len(said)),
        counted(len(said), "token"),
        f"{counted(hidden, 'hidden token')} and {counted(runs + 1, 'sentinel')} make {len(said)}.",
        facts={"hidden": str(hidden), "spans": str(runs)},
    )


@live()
def second_follows(at: Asked, seed: Seed = 1) -> Answer:
    """Whether the second sentence of a drawn pair came next in the text: "yes" or "no"."""
    made = _made(at, "next sentence", seed)
    follows = made.says[0].text == NEXT
    because = (
        "The second sentence is the text's own next one."
        if follows
        else "The second sentence was drawn from another text."
    )
    return Answer("yes" if follows else "no", "yes" if follows else "no", because)


def _made(at: Asked, objective: Target, seed: int) -> Example:
    try:
        return at.engine.training_example(Exercise(at.model, at.text, objective, seed))
    except EmptyText as why:
        raise NoQuestion(str(why)) from None


def _costs(at: Asked, objective: Objective, seed: int) -> tuple[Example, Losses]:
    wanted = {"next token": "decoder", "masked tokens": "encoder"}[objective]
    if at.family != wanted:
        title = at.engine.card(at.model).title
        raise NoQuestion(f"{title} was not trained with this target: a {wanted} is.")
    case = Exercise(at.model, at.text, objective, 0 if objective == "next token" else seed)
    made = _made(at, objective, case.seed)
    return made, at.engine.example_losses(case)


def _share(nats: float) -> float:
    return math.exp(-nats)
