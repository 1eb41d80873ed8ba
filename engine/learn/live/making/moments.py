"""Live answers about one training and its moments; the text is a prompt, the model is not asked."""

from __future__ import annotations

from engine.api import Line
from engine.errors import NotOffered
from engine.learn.asking import (
    Answer,
    Asked,
    Candidate,
    NoQuestion,
    Number,
    first_of,
    live,
)
from engine.learn.live.making.training import Seed
from engine.moments import spelling
from engine.moments.asking import Surprise
from engine.moments.course import WORDS, Course, Moment

SETTING, TOKENS = "temperature 0.7", 32  # as the page has them at first


@live(facts=("share", "before", "before_share"), counts=True)
def spells_from(at: Asked, seed: Seed = 1) -> Answer:
    """The step from which on nine tenths of what the moments write are words."""
    course = at.engine.training_course()
    written = at.engine.moments_written(at.text, Line.parse(SETTING), length=TOKENS, seed=seed)
    shares = [one.spelled for one in written]
    first = next((k for k in range(len(shares)) if min(shares[k:]) >= spelling.SPELLS), None)
    if first is None or not first:
        raise NoQuestion("Here no moment is the first one that spells.")
    now, before = (f"{100 * shares[k]:.0f} %" for k in (first, first - 1))
    return Answer(
        float(course.steps[first]),
        _named(course.moments[first]),
        f"At {_named(course.moments[first])} {now} of what it writes are words, at "
        f"{_named(course.moments[first - 1])} {before}.",
        facts={
            "share": now,
            "before": _named(course.moments[first - 1]),
            "before_share": before,
        },
    )


@live(facts=("step", "chance", "first"))
def moment_loss(at: Asked, moment: Number) -> Answer:
    """What a token of the text costs a moment on average, in nats; moment 1 is untrained."""
    course, found = _surprised(at)
    one = _moment(course, moment)
    means = found.nats.mean(axis=1)
    mean = float(means[moment - 1])
    return Answer(
        mean,
        f"{mean:.1f} nats",
        f"At {_named(one)} a token costs {mean:.2f} nats; an even guess pays {found.chance:.2f}.",
        facts={
            "step": f"{one.step:,}",
            "chance": f"{found.chance:.1f}",
            "first": f"{means[0]:.1f}",
        },
    )


@live(facts=("before", "fall", "whole"), counts=True)
def falls_most(at: Asked) -> Answer:
    """The step by which the text's mean loss has fallen most since the moment before."""
    course, found = _surprised(at)
    means = found.nats.mean(axis=1)
    falls = (means[:-1] - means[1:]).tolist()
    place = max(range(len(falls)), key=lambda k: falls[k])
    one, before = course.moments[place + 1], course.moments[place]
    return Answer(
        float(one.step),
        _named(one),
        f"Between {_named(before)} and {_named(one)} it falls by {falls[place]:.1f} nats, of "
        f"{means[0] - means[-1]:.1f} in all.",
        facts={
            "before": _named(before),
            "fall": f"{falls[place]:.1f}",
            "whole": f"{means[0] - means[-1]:.1f}",
        },
    )


@live(facts=("best", "step"))
def nearest_word(at: Asked, word: str, moment: Number) -> Answer:
    """The word of the map whose token vector is nearest to a word's at a moment."""
    course = at.engine.training_course()
    one = _moment(course, moment)
    try:
        found = at.engine.moments_places(tuple(dict.fromkeys([word, *WORDS])))
    except NotOffered as why:
        raise NoQuestion(str(why)) from None
    if word not in found.words:
        raise NoQuestion(f"“{word}” is not one token of this model.")
    own = found.words.index(word)
    row = found.cosines[moment - 1, own]
    return first_of(
        [
            Candidate(name, float(row[k]), f"{row[k]:.2f}")
            for k, name in enumerate(found.words)
            if k != own
        ],
        lambda best: (
            f"At {_named(one)} the nearest to “{word}” is “{best.name}”: cosine {best.shown}."
        ),
        step=f"{one.step:,}",
    )


@live(facts=("step", "first"))
def to_previous(at: Asked, layer: Number, head: Number, moment: Number) -> Answer:
    """How much a head attends to the token before at a moment, on average, in percent."""
    course = at.engine.training_course()
    one, stack = _moment(course, moment), at.engine.stack(course.moments[-1].model, "decoder")
    if layer > stack.layers or head > stack.heads:
        raise NoQuestion(f"This model has no head {layer}.{head}.")
    weights = at.engine.moments_attention(at.text, layer - 1, head - 1).weights
    if weights.shape[1] < 2:
        raise NoQuestion("The text is one token long: there is none before it.")
    every = [float(one.diagonal(-1).mean()) for one in weights]
    share = 100 * every[moment - 1]
    return Answer(
        share,
        f"{share:.0f} %",
        f"At {_named(one)} head {layer}.{head} attends {share:.0f} % to the token before.",
        facts={"step": f"{one.step:,}", "first": f"{100 * every[0]:.0f} %"},
    )


def _surprised(at: Asked) -> tuple[Course, Surprise]:
    return at.engine.training_course(), at.engine.moments_surprise(at.text)


def _moment(course: Course, moment: int) -> Moment:
    if moment > len(course.moments):
        raise NoQuestion(
            f"There are {len(course.moments)} moments; the question is of number {moment}."
        )
    return course.moments[moment - 1]


def _named(one: Moment) -> str:
    return f"step {one.step:,}"
