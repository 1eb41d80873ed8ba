"""The next token in words: the sentence under the bars, the formula, the table.

In: an `Opened` next token, the setting, how to spell ids. Out: text and LaTeX in the numbers of
this position. Knows nothing of Streamlit.
"""

from __future__ import annotations

import math
from typing import Any

from engine.decoding.next_token import Opened, Stop
from engine.decoding.sampling import BY_NAME, STAGES, Sampling, label
from pages.decoding.words import Spell, percent, shown


def sentence(found: Opened, sampling: Sampling, spell: Spell) -> str:
    """What one sees in the bars, in their own numbers, in at most 60 words."""
    first = f"“{shown(int(found.ids[0]), spell, limit=64)}”"
    own = percent(float(found.own[0]))
    equal = 2**found.entropy
    words = [
        f"{first} has a model probability of {own}; the model is as uncertain as among "
        f"{equal:,.0f} equal choices ({found.entropy:.1f} bits)."
        if equal >= 1.5
        else f"The model is certain ({found.entropy:.1f} bits): {first} has {own}."
    ]
    removed = found.vocabulary - found.kept
    if sampling.greedy:
        words.append("Greedy decoding selects the likeliest token and never samples.")
    elif found.kept == 1:
        words.append("The filters keep one token, so nothing is left to chance.")
    elif removed:
        words.append(
            f"{found.kept:,} of {found.vocabulary:,} tokens are kept to sample from "
            f"({found.entropy_after:.1f} bits)."
        )
    elif sampling.temperature != 1:
        way = "sharpens" if sampling.temperature < 1 else "flattens"
        words.append(
            f"Temperature {sampling.temperature:g} {way} the distribution to "
            f"{found.entropy_after:.1f} bits."
        )
    else:
        words.append(f"Any of the {found.vocabulary:,} tokens may be sampled.")
    idle = [stop for stop in found.stops if stop.kept == stop.before]
    if idle:
        words.append(f"{_capital(remover(idle[0].stage))} removes nothing here.")
    return " ".join(words)


def order(sampling: Sampling) -> str:
    """In which order penalties and filters apply, "" where fewer than two do."""
    steps = [one.label for one, _ in sampling.stages]
    if sampling.greedy:
        steps.append("the likeliest token")
    elif sampling.stages:
        steps.append("sampling")
    return f"Applied in this order: {' → '.join(steps)}." if len(steps) > 2 else ""


def explanation(found: Opened, sampling: Sampling, place: int, name: str) -> str:
    """What the formula of one candidate shows; `$...$` is LaTeX, `name` is already escaped."""
    raw, after = float(found.logits[place]), _penalized(found, sampling, place)
    words = f"“{name}” has logit {_signed(raw, 3)}"
    words += f", {_signed(after, 3)} after penalties." if abs(raw - after) > 5e-4 else "."
    if sampling.greedy:
        return f"{words} Greedy decoding selects the largest logit: no temperature, no sampling."
    warm = "; $T$ is the temperature" if sampling.temperature != 1 else ""
    over = f"over the {found.kept:,} tokens kept" if found.kept > 1 else "over the one token kept"
    return f"{words} The softmax turns logits $z$ into probabilities{warm}. The sum runs {over}."


def formula(found: Opened, sampling: Sampling, place: int) -> str:
    """How the probability of one candidate comes about, with its numbers, as LaTeX."""
    logit, top = float(found.adjusted[place]), found.highest
    if sampling.greedy:
        if found.cut[place] < 0:
            return rf"\max_j z_j = z = {logit:.3f} \;\Rightarrow\; \text{{selected}}"
        if STAGES[int(found.cut[place])] == "temperature":
            return (
                rf"z = {logit:.3f} \le \max_j z_j = {top:.3f} \;\Rightarrow\; \text{{not selected}}"
            )
    if found.cut[place] >= 0:
        return rf"p = 0 \quad\text{{(removed by {remover(STAGES[int(found.cut[place])])})}}"
    heat = sampling.temperature
    z, most = logit * heat, top * heat
    symbols, above = "z - z_{\\max}", f"{z:.3f} - {_signed(most, 3, brackets=True)}"
    if heat != 1:
        symbols, above = f"({symbols})/T", rf"\frac{{{above}}}{{{heat:g}}}"
    power = math.exp(logit - top)
    return (  # two lines, as a phone is narrow
        rf"\begin{{aligned}} p &= \frac{{e^{{{symbols}}}}}"
        rf"{{\sum_j e^{{{symbols.replace('z -', 'z_j -')}}}}} \\ "
        rf"&= \frac{{e^{{{above}}}}}{{{found.total:.4g}}}"
        rf" = \frac{{{power:.4g}}}{{{found.total:.4g}}}"
        rf" = {100 * float(found.after[place]):.3g}\,\% \end{{aligned}}"
    )


def _penalized(found: Opened, sampling: Sampling, place: int) -> float:
    """The logit after the penalties, before the temperature."""
    heat = 1.0 if sampling.greedy else sampling.temperature
    return float(found.adjusted[place]) * heat


def _signed(value: float, digits: int, *, brackets: bool = False) -> str:
    if brackets:
        return f"({value:.{digits}f})" if value < 0 else f"{value:.{digits}f}"
    return f"{value:.{digits}f}".replace("-", "−")


def cutoff(stop: Stop) -> str:
    """Where one filter stops, in short: `top-p cutoff: 0.91`."""
    name, one = remover(stop.stage), BY_NAME[stop.stage]
    if stop.stage == "temperature":
        return "greedy: only the likeliest token is kept"
    if not one.contiguous:
        return f"{name} keeps {stop.kept:,} tokens: {stop.mass:.2f}"
    if one.legend == "threshold" and stop.limit is not None:
        return f"{name} cutoff: below {percent(stop.limit)}"
    return (
        f"{name} cutoff: {f'{stop.kept:,} tokens' if one.legend == 'count' else f'{stop.mass:.2f}'}"
    )


def cutoff_below(stop: Stop) -> str:
    """`cutoff` of a filter that stops among the tokens that are not listed."""
    return cutoff(stop).replace(" cutoff:", " cutoff among these:")


def remover(stage: str) -> str:
    """Who removed a token, in words."""
    names = {"temperature": "greedy decoding", "banned": "the model's own rule"}
    return names.get(stage) or label(stage)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def table(found: Opened, spell: Spell) -> dict[str, list[Any]]:
    """The candidates as columns of a table."""
    return {
        "id": found.ids.tolist(),
        "text": [spell(token_id) for token_id in found.ids.tolist()],
        "rank": found.rank.tolist(),
        "logit": found.logits.tolist(),
        "adjusted_logit": found.adjusted.tolist(),
        "probability": found.own.tolist(),
        "after_filters": found.after.tolist(),
        "removed_by": [remover(STAGES[c]) if c >= 0 else "" for c in found.cut.tolist()],
    }
