"""Live answers about the world's models: their sizes, their families, who may have their weights.

None depends on the text or the model at hand: they are computed from the tables of the page Models.
"""

from __future__ import annotations

from typing import Annotated

from engine.landscape import amounts, known, notes, ordering
from engine.landscape.stages import stages
from engine.learn.asking import (
    Answer,
    Asked,
    Candidate,
    NoQuestion,
    Number,
    OneOf,
    first_of,
    live,
    percent,
)

FAMILIES = {
    "before": "a recurrent network, from before the transformer",
    "encoder": "an encoder: it reads both ways",
    "decoder": "a decoder: it writes on",
    "encoder-decoder": "an encoder and a decoder together",
}


Known = Annotated[str, OneOf(lambda: tuple(one.name for one in notes.note_models()))]
"""A model of the family tree by its name: `GPT-3`."""


@live(facts=("year",))
def family_of(at: Asked, of: Known) -> Answer:
    """The family of a well-known model: before, encoder, decoder, encoder-decoder."""
    one = _model(of)
    return Answer(
        one.family,
        one.family,
        f"{one.name} ({one.date.year}) is {FAMILIES[one.family]}.",
        facts={"year": str(one.date.year)},
    )


@live(facts=("larger", "smaller"))
def times_larger(at: Asked, of: Known, than: Known) -> Answer:
    """How many times more parameters the largest of one family has than that of another."""
    one, other = _model(of), _model(than)
    if not one.largest or not other.largest:
        raise NoQuestion(f"The number of parameters of {one.name} or {other.name} is not known.")
    times = one.largest / other.largest
    larger, smaller = (amounts.count(each.largest or 0) for each in (one, other))
    return Answer(
        times,
        amounts.digits(times),
        f"{one.name} has {larger} parameters, {other.name} {smaller}.",
        facts={"larger": larger, "smaller": smaller},
    )


@live(facts=("best",))
def size_order(at: Asked, seed: Number) -> Answer:
    """The largest of six models that a seed draws; all of them in order of their parameters."""
    return first_of(
        [
            Candidate(one.name, one.largest or 0, amounts.count(one.largest or 0))
            for one in ordering.six(seed)
        ],
        lambda best: f"{best.name} is the largest: {best.shown} parameters.",
    )


@live(facts=("size", "date"))
def first_above(at: Asked, billions: Number) -> Answer:
    """The first dense neural model of Epoch's table above so many billion parameters."""
    found = next(
        (
            one
            for one in known.known_models()
            if not one.kind and one.sure and (one.parameters or 0) > billions * 1e9
        ),
        None,
    )
    if found is None:
        raise NoQuestion(f"The table has no dense model above {billions:,} billion parameters.")
    size = amounts.count(found.parameters or 0)
    return Answer(
        found.name,
        found.name,
        f"{found.name} was the first, on {found.published.isoformat()}, with {size} parameters.",
        facts={"size": size, "date": found.published.isoformat()},
    )


@live(facts=("open", "of"))
def open_share(at: Asked, billions: Number) -> Answer:
    """How many percent of the models above so many billion parameters have open weights."""
    large = [one for one in known.known_models() if (one.parameters or 0) > billions * 1e9]
    if not large:
        raise NoQuestion(f"The table has no model above {billions:,} billion parameters.")
    count = sum(one.weights == "open" for one in large)
    share = count / len(large)
    return Answer(
        100 * share,
        percent(share),
        f"{count} of {len(large)} models above {billions:,} billion parameters have open weights.",
        facts={"open": str(count), "of": str(len(large))},
    )


@live(facts=("names",), counts=True)
def outside_parts(at: Asked) -> Answer:
    """How many parts of an application are connected from outside of the model."""
    outside = [one.name for one in stages() if one.outside]
    names = " and ".join(one.lower() for one in outside)
    return Answer(
        float(len(outside)),
        str(len(outside)),
        f"{len(outside)} are connected from outside: {names}.",
        facts={"names": names},
    )


def _model(name: str) -> notes.NoteModel:
    found = notes.note_model(name)
    assert found is not None, name
    return found
