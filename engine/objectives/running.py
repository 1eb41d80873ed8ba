"""What a model predicts at the places of a training example that are hidden from it.

In: an opened bundle, an `Exercise`, places of its answers. Out: logits. A model that writes is
teacher-forced: before each place it reads the right tokens, never its own, as in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from engine.decoding import batch
from engine.errors import NotOffered
from engine.models.feeds import empty_past, head_masks, source_masks, text_feeds
from engine.models.runtime import Bundle
from engine.objectives.example import PAIR, Exercise, example, pair, why_not
from engine.trace import tracing
from engine.trace.running import run, tokens
from engine.values import Reading


def logits(
    bundle: Bundle, case: Exercise, places: Sequence[int]
) -> Float[np.ndarray, "row choice"]:
    """What the model predicts for some of `Example.says`, by their places there.

    Raises as `example` does, and `NotOffered` with the sentence of `why_not`.
    """
    if reason := why_not(bundle, case.objective):
        raise NotOffered(reason)
    made, wanted = example(bundle, case), tuple(places)
    reading = Reading(case.model, case.text)
    if case.objective == "next token":
        before = tuple(made.says[place].other - 1 for place in wanted)
        return tracing.logits(bundle, reading, before).logits
    if case.objective == "masked tokens":
        cut = replace(tokens(bundle, reading), ids=np.array([one.id for one in made.sees]))
        first = tuple(made.says[place].other for place in wanted)
        return run(bundle, reading, "encoder", cut, ["logits"], first=first)["logits"][0]
    if case.objective == "next sentence":
        first, second, _ = pair(case)
        asked = Reading(case.model, first, second=second)
        return run(bundle, asked, "encoder", tokens(bundle, asked), [PAIR])[PAIR]
    source, said = ([one.id for one in side] for side in (made.sees, made.says))
    return _teacher_forced(bundle, source, said, wanted)


def _teacher_forced(
    bundle: Bundle, source: Sequence[int], said: Sequence[int], places: Sequence[int]
) -> Float[np.ndarray, "row vocabulary"]:
    """Logits for tokens of `said`, each after those before it, given the whole source."""
    start = bundle.card.generation.start
    assert start is not None, "an encoder-decoder begins with a start token"
    ids = np.array([[start, *said[:-1]]])
    read = batch.encode(bundle, np.array([source]))
    with bundle.used():
        session = bundle.session("model")
        feeds = text_feeds(session, ids, first=list(places)) | empty_past(session, 1)
        feeds |= head_masks(session, own="decoder", off=()) | source_masks(session, read.mask)
        found = batch.run_bound(bundle, session, feeds, bound=read.values, fetched=("logits",))
    return found["logits"].numpy()[0]
