"""What there is to be seen in the pictures of Preference, from their own numbers. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.preference import best_of_n
from engine.preference.judges import Judge
from pages.training.preference.plan import SMALL, Scored, Told

NOT_PPO = (
    "This is best-of-n sampling, not PPO: no weight of the language model changes. It only chooses "
    "among what the model writes anyway."
)


def number(value: float) -> str:
    """A number with the digits that a sentence needs.

    >>> number(20.06), number(-3.254), number(0.0)
    ('20.1', '-3.25', '0')
    """
    return f"{value:.3g}" if abs(value) >= 0.005 else "0"


def distribution_said(scored: Scored) -> str:
    """What choosing does to the rewards, and the chance of the best completion to be chosen."""
    n, rewards = scored.plan.n, scored.rewards
    if float(np.ptp(rewards)) == 0:
        return "All completions have the same reward, so that choosing among them changes nothing."
    one, many = float(rewards.mean()), float(scored.chances(n) @ rewards)
    if n == 1:
        return (
            f"Best of 1 is one draw: mean reward {number(one)}; {scored.plan.count} completions go "
            f"from {number(rewards.min())} to {number(rewards.max())}."
        )
    below = float((rewards < many).mean())
    return (
        f"Best of {n}: the mean reward rises from {number(one)} to {number(many)}, which "
        f"{100 * below:.0f} % of single completions do not reach."
    )


def moved(scored: Scored) -> str:
    """Whether the second measure rises, falls or stays from n = 1 to all."""
    values = scored.seconds
    spread = float(values.std())
    first, last = float(values.mean()), float(scored.chances(scored.plan.count) @ values)
    if spread == 0 or abs(last - first) < SMALL * spread:
        return "stays"
    return "rises" if last > first else "falls"


def curve_said(scored: Scored) -> str:
    """What the second measure does while the reward rises, and how far from the model that is."""
    rewards, values, count = scored.rewards, scored.seconds, scored.plan.count
    if float(np.ptp(rewards)) == 0:
        return "Without differences in reward the best of n is the model itself: KL 0 nats."
    ends = [number(float(scored.chances(n) @ values)) for n in (1, count)]
    name, verb = scored.plan.second.name, moved(scored)
    up = [number(float(scored.chances(n) @ rewards)) for n in (1, count)]
    said = f"From n = 1 to {count} the reward rises from {up[0]} to {up[1]}; {name} {verb}: "
    said += f"{ends[0]} to {ends[1]} {scored.plan.second.unit}. "
    if verb == "falls" and scored.judged:
        said += "Politeness asks for no such thing: reward hacking. "
        if name == "length":
            said += "A mean over few tokens is extreme more easily. "
    elif verb == "falls":
        said += "Whether you wanted that, only you know. "
    n = scored.plan.n
    said += f"At n = {n}, {scored.divergence:.2f} nats from the model "
    return f"{said}(at most {best_of_n.kl_bound(n):.2f})."


def learning_said(told: Sequence[Told], sides: str) -> str:
    """How often the reward expected the choice, and what it cannot have learnt."""
    if not told:
        return (
            "No choice yet: every completion has reward 0, and the reward gives each pair 50 %. "
            "Choose between the two completions."
        )
    right = sum(one.probability > 0.5 for one in told[1:])
    last = told[-1]
    said = (
        f"Before your last choice the reward gave it {100 * last.probability:.0f} % "
        f"({100 * last.low:.0f} to {100 * last.high:.0f} %). "
    )
    if len(told) > 1:
        rest = len(told) - 1
        said += f"Since the first choice it expected {right} of {rest}; guessing would give half. "
    if len(told) > 3 and len(set(sides)) == 1:
        side = sides[0].upper()
        said += (
            f"All {len(told)} choices are for {side}. Sides are dealt by chance and the reward "
            "sees texts alone: if you chose the side, there is nothing to learn."
        )
    return said.strip()


def judge_said(judge: Judge, scores: Sequence[float]) -> str:
    """How the judge did with sentences like those it learnt from, and with these."""
    wrong = sum(
        (score > 0) != one.positive for score, one in zip(scores, judge.tricky, strict=True)
    )
    return (
        f"Trained on {judge.trained:,} generated sentences, the judge is right in {judge.right} "
        f"of {judge.measured} held-out ones ({100 * judge.right / judge.measured:.0f} %), and "
        f"wrong in {wrong} of these {len(judge.tricky)}, which are unlike them: it goes by words "
        "and their neighbours, not by what is meant."
    )
