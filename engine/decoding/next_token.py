"""The next token, opened up: what the model offered and what each filter did to it.

In: the logits of one position, a `Sampling`, the ids before. Out: `Opened`, the likeliest
candidates with their own and their final probability, who cut them and where each filter stops.
Everything is counted on the whole vocabulary; only the rows to show are picked. Runs no model, so
that a slider acts at once on logits that are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Int8

from engine.decoding import filters
from engine.decoding import sampling as draws
from engine.decoding.ranking import Row, descending, probabilities
from engine.decoding.sampling import BY_NAME, Sampling
from engine.models.bundle import Card
from engine.values import Frozen


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a filter stops: `before` tokens came to it, `kept` are left, holding `mass` of it.

    `limit` is the least probability that a filter with a threshold keeps, None for the others.
    """

    stage: str
    before: int
    kept: int
    mass: float
    limit: float | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Opened(Frozen):
    """The next token's candidates, in the order in which the filters see them.

    `own` is the model's probability, `after` the one that is drawn from; `logits` are the model's,
    `adjusted` those after penalties and temperature; `rank` counts from 1 in the model's own order;
    `cut` indexes `sampling.STAGES`, -1 for kept. The first `listed` are the likeliest, the rest
    were asked for besides. Of all others `others_kept` and `others_cut` are the numbers,
    `others_own` and `others_after` the probabilities. `highest` is the largest adjusted logit
    kept, `total` the sum of exp(adjusted - highest)
    over all kept: after = exp(adjusted - highest) / total. Entropies are in bits.
    """

    ids: Int[np.ndarray, "candidate"]
    own: Float[np.ndarray, "candidate"]
    after: Float[np.ndarray, "candidate"]
    logits: Float[np.ndarray, "candidate"]
    adjusted: Float[np.ndarray, "candidate"]
    rank: Int[np.ndarray, "candidate"]
    cut: Int8[np.ndarray, "candidate"]
    listed: int
    vocabulary: int
    kept: int
    others_kept: int
    others_cut: int
    others_own: float
    others_after: float
    highest: float
    total: float
    entropy: float
    entropy_after: float
    stops: tuple[Stop, ...]


def opened(
    logits: Row,
    sampling: Sampling,
    ids: Sequence[int],
    *,
    start: int = 0,
    rows: int = 12,
    also: Sequence[int] = (),
    ban: Sequence[int] = (),
) -> Opened:
    """List the `rows` likeliest candidates after `ids`, and those in `also`.

    The first `start` of `ids` are the prompt, which the frequency penalty does not count.
    """
    own = probabilities(logits)
    order, before, stops = logits, logits, []
    for name, changed in draws.stages(logits, sampling, ids, start=start, ban=ban):
        if name == "temperature" and not sampling.greedy:
            # What a filter cut before a late temperature keeps its place among the others, too.
            order = filters.temperature(order, sampling.temperature)
        else:
            order = np.where(np.isneginf(changed), order, changed)
            if name not in (*draws.PENALTIES, "banned"):
                stops.append(_stop(name, before, changed, sampling))
        before = changed
    final, cut = draws.cuts(logits, sampling, ids, start=start, ban=ban)
    after = probabilities(final)
    listed = _listed(order, rows, [i for i in also if 0 <= i < len(logits)])
    rest = np.ones(len(logits), dtype=bool)
    rest[listed] = False
    kept = cut < 0
    highest = float(order[kept].max())
    return Opened(
        ids=listed,
        own=own[listed],
        after=after[listed],
        logits=logits[listed],
        adjusted=order[listed],
        rank=np.array([1 + np.count_nonzero(own > own[i]) for i in listed]),
        cut=cut[listed],
        listed=min(rows, len(logits)),
        vocabulary=len(logits),
        kept=int(kept.sum()),
        others_kept=int((kept & rest).sum()),
        others_cut=int((~kept & rest).sum()),
        others_own=float(own[rest].sum(dtype=np.float64)),
        others_after=float(after[rest].sum(dtype=np.float64)),
        highest=highest,
        total=float(np.exp(order[kept] - highest).sum(dtype=np.float64)),
        entropy=draws.entropy(own),
        entropy_after=draws.entropy(after),
        stops=tuple(stops),
    )


def banned(card: Card) -> tuple[int, ...]:
    """Ids that a model's card forbids to write; its ends are not among them."""
    return tuple(i for i in card.generation.banned if i not in card.generation.ends)


def _listed(order: Row, rows: int, also: Sequence[int]) -> Int[np.ndarray, "candidate"]:
    """The best rows, then those asked for besides, each once."""
    best = descending(order, rows)[:rows]
    extra = [i for i in dict.fromkeys(also) if i not in best]
    extra.sort(key=lambda i: -order[i])
    return np.concatenate([best, np.array(extra, dtype=best.dtype)])


def _stop(name: str, before: Row, changed: Row, sampling: Sampling) -> Stop:
    scores = probabilities(before)
    held = ~np.isneginf(changed)
    threshold = BY_NAME[name].threshold
    return Stop(
        stage=name,
        before=int(np.count_nonzero(~np.isneginf(before))),
        kept=int(held.sum()),
        mass=float(scores[held].sum(dtype=np.float64)),
        limit=threshold(scores, getattr(sampling, name)) if threshold else None,
    )
