"""Live answers about ready passages that are ranked for their query, as Search ranks them."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from engine.learn.asking import Answer, Asked, Candidate, NoQuestion, counted, first_of, live
from engine.learn.words import plain_word
from engine.space import retrieval
from engine.space.passages import PassageSet, ready
from engine.space.retrieval import Pooling, Ranking
from engine.values import Family

READERS: tuple[Family, ...] = ("encoder", "encoder-decoder")


def _set(value: Any) -> str:
    names = [one.name for one in ready()]
    return "" if value in names else f"one of {', '.join(names)}"


Passages = Annotated[str, _set]
"""Ready passages with a query, by their name: `Curling`."""


@live(families=READERS, facts=("best",))
def first_by_words(at: Asked, passages: Passages, without: str = "") -> Answer:
    """The passage with the highest BM25 for its set's query, words left out (`for someone`)."""
    one = _ready(passages)
    scores = _by_words(one, without).scores
    return first_of(
        [
            Candidate(text, float(score), f"{score:.2f}")
            for text, score in zip(one.passages, scores, strict=True)
        ],
        lambda best: f"“{best.name}” has the highest BM25: {best.shown}.",
    )


@live(families=READERS, facts=("best",))
def first_by_vectors(
    at: Asked, passages: Passages, after: int, pooling: Pooling = "mean", without: str = ""
) -> Answer:
    """The passage whose vector after a layer (0: what enters layer 1) is nearest to the query's."""
    one = _ready(passages)
    scores = _by_vectors(at, one, _query(one, without), after, pooling).scores
    return first_of(
        [
            Candidate(text, float(score), f"cosine {score:.3f}")
            for text, score in zip(one.passages, scores, strict=True)
        ],
        lambda best: f"“{best.name}” is nearest: {best.shown}.",
    )


@live(families=READERS, facts=("first", "of", "score"), counts=True)
def rank_by_words(at: Asked, passages: Passages, without: str = "") -> Answer:
    """The rank by BM25 of the passage that answers its set's query."""
    one = _ready(passages)
    found = _by_words(one, without)
    answer = _answering(one)
    score = float(found.scores[answer])
    if not score:
        raise NoQuestion("The passage that answers shares no word with the query: words give it 0.")
    return _rank(one, found, answer, f"BM25 {score:.2f}")


@live(families=READERS, facts=("first", "of", "score"), counts=True)
def rank_by_vectors(
    at: Asked, passages: Passages, after: int, pooling: Pooling = "mean", without: str = ""
) -> Answer:
    """The rank by vectors after a layer of the passage that answers its set's query."""
    one = _ready(passages)
    found = _by_vectors(at, one, _query(one, without), after, pooling)
    answer = _answering(one)
    return _rank(one, found, answer, f"cosine {float(found.scores[answer]):.3f}")


@live(families=READERS, facts=("before", "now", "of"), counts=True)
def ranks_changed(
    at: Asked, passages: Passages, without: str, after: int, pooling: Pooling = "mean"
) -> Answer:
    """How many passages get another rank by vectors when words of the query are left out."""
    one = _ready(passages)
    whole, fewer = (
        _by_vectors(at, one, query, after, pooling) for query in (one.query, _query(one, without))
    )
    answer, total = _answering(one), len(one.passages)
    moved = sum(whole.rank(place) != fewer.rank(place) for place in range(total))
    before, now = whole.rank(answer), fewer.rank(answer)
    return Answer(
        float(moved),
        f"{moved} of {total}",
        f"{moved} of {total} ranks change; the passage that answers had rank {before} and now has "
        f"rank {now}.",
        facts={"before": str(before), "now": str(now), "of": str(total)},
    )


def _ready(name: str) -> PassageSet:
    return next(one for one in ready() if one.name == name)


def _answering(one: PassageSet) -> int:
    assert one.answers is not None  # every ready set names its answer
    return one.answers


def _query(one: PassageSet, without: str) -> str:
    """The query less some of its words, as the page leaves them out: wherever they stand."""
    out = {plain_word(word) for word in without.split()}
    words = one.query.split()
    unknown = out - {plain_word(word) for word in words}
    if unknown:
        raise NoQuestion(f"The word “{min(unknown)[:40]}” is not in the query of {one.name}.")
    left = " ".join(word for word in words if plain_word(word) not in out)
    if not left:
        raise NoQuestion(f"Every word of the query of {one.name} is left out.")
    return left


def _by_words(one: PassageSet, without: str) -> Ranking:
    return retrieval.by_words(_query(one, without), one.passages).ranking


def _by_vectors(at: Asked, one: PassageSet, query: str, after: int, pooling: Pooling) -> Ranking:
    layers = at.engine.stack(at.model, "encoder").layers
    if not 0 <= after <= layers:
        raise NoQuestion(f"This model has {counted(layers, 'layer')}; the question is of {after}.")
    return at.engine.passages(at.model, query, one.passages, after, pooling)


def _rank(one: PassageSet, found: Ranking, answer: int, score: str) -> Answer:
    """The rank of the passage that answers. Raises `NoQuestion` where another has its score."""
    if int(np.isclose(found.scores, found.scores[answer], rtol=0, atol=1e-9).sum()) > 1:
        raise NoQuestion(f"The passage that answers ties with another at {score}.")
    rank, total = found.rank(answer), len(one.passages)
    first = one.passages[int(found.order[0])]
    told = "no passage has more" if rank == 1 else f"the first is “{first}”"
    return Answer(
        float(rank),
        f"rank {rank} of {total}",
        f"The passage that answers has rank {rank} of {total}, with {score}; {told}"
        f"{'.' if rank == 1 else ''}",
        facts={"first": first, "of": str(total), "score": score},
    )
