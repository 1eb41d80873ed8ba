"""Live answers about vectors: what layers do to them, which are near, where two part."""

from __future__ import annotations

import numpy as np

from engine.learn.asking import Answer, Asked, Candidate, NoQuestion, first_of, live
from engine.learn.words import find, named, plain_word, token_names
from engine.space import projection
from engine.values import Hidden, Reading, Side

CROWD = 60  # neighbors among which different words are looked for
SHOWN = 4


@live(facts=("best",))
def nearest(at: Asked, word: str) -> Answer:
    """The word of the vocabulary whose vector has the smallest angle to a word's."""
    space = at.engine.vocabulary_space(at.model)
    return first_of(
        _near(at, space.vectors[_one_token(at, word)], [word]),
        lambda best: f"Of all vectors that of “{best.name}” is nearest: the angle is {best.shown}.",
    )


@live(facts=("best",))
def analogy(at: Asked, a: str, b: str, c: str) -> Answer:
    """The word nearest to the vector a - b + c, the three words themselves left out."""
    space = at.engine.vocabulary_space(at.model)
    ids = [_one_token(at, word) for word in (a, b, c)]
    return first_of(
        _near(at, projection.analogy(space, *ids), [a, b, c]),
        lambda best: f"“{a}” − “{b}” + “{c}” comes nearest to “{best.name}”: {best.shown}.",
    )


@live(counts=True)
def vector_width(at: Asked) -> Answer:
    """How many numbers one token's vector has."""
    width = at.engine.card(at.model).width
    return Answer(
        float(width), f"{width} numbers", f"Each vector of this model has {width} numbers."
    )


@live(facts=("best", "entering"))
def parting_layer(at: Asked, word: str) -> Answer:
    """After which layer the two occurrences of a word are least alike."""
    cosines, _ = _twins(at, word)
    later = cosines[1:]
    candidates = [
        Candidate(f"layer {k}", -cosine, f"cosine {cosine:.2f}")
        for k, cosine in enumerate(later, 1)
    ]
    return first_of(
        candidates,
        lambda best: (
            f"After {best.name} the two “{word}” are least alike: {best.shown}, against "
            f"{cosines[0]:.2f} where they enter."
        ),
        entering=f"{cosines[0]:.2f}",
    )


@live(facts=("entering", "last"))
def twins_alike(at: Asked, word: str, after: int) -> Answer:
    """The cosine of the two occurrences of a word after a layer; 0 is what enters layer 1."""
    cosines, layers = _twins(at, word)
    if not 0 <= after <= layers:
        raise NoQuestion(f"This model has {layers} layers; the question is about {after}.")
    return Answer(
        cosines[after],
        f"{cosines[after]:.2f}",
        f"The cosine of the two “{word}” is {cosines[after]:.2f} after layer {after}; it enters "
        f"layer 1 with {cosines[0]:.2f}.",
        facts={"entering": f"{cosines[0]:.2f}", "last": f"{cosines[-1]:.2f}"},
    )


@live(facts=("cosine",))
def sees_what_follows(at: Asked, word: str) -> Answer:
    """Whether a word's last vector changes when the text goes on after it: "yes" or "no"."""
    states = _hidden(at)
    place = find(states.tokens, word).tokens[-1]
    end = int(states.tokens.spans[place][1])
    if not at.text[end:].strip():
        raise NoQuestion(f"Nothing follows “{word}” in this text.")
    short = at.engine.hidden(Reading(at.model, at.text[:end]), _side(at))
    own = find(short.tokens, word).tokens[-1]
    a, b = states.states[-1][place], short.states[-1][own]
    cosine = float(projection.distances(a[None], b)[0][0])
    right = "no" if cosine > 0.9999 else "yes"
    return Answer(
        right,
        right,
        f"With and without what follows, the last vectors of “{word}” have cosine {cosine:.2f}.",
        facts={"cosine": f"{cosine:.2f}"},
    )


@live(facts=("token", "entering"))
def same_word_enters_equal(at: Asked, word: str) -> Answer:
    """Whether two occurrences of a word enter layer 1 with equal vectors: "yes" or "no"."""
    found = at.engine.embedded(at.reading, _side(at))
    a, b = (find(found.tokens, word, nth).tokens[0] for nth in (1, 2))
    own = float(projection.distances(found.token[[a]], found.token[b])[0][0])
    sum_ = float(projection.distances(found.entering[[a]], found.entering[b])[0][0])
    right = "yes" if np.allclose(found.entering[a], found.entering[b], atol=1e-5) else "no"
    return Answer(
        right,
        right,
        f"Their token vectors have cosine {own:.2f}; with the positions added {sum_:.2f}.",
        facts={"token": f"{own:.2f}", "entering": f"{sum_:.2f}"},
    )


@live(families=("decoder", "encoder"), facts=("best",))
def largest_update(at: Asked) -> Answer:
    """The layer that changes the last token's vector most."""
    states = _hidden(at).states[:, -1]
    steps = np.linalg.norm(np.diff(states.astype(np.float64), axis=0), axis=1)
    candidates = [
        Candidate(f"layer {k}", float(step), f"length {step:.1f}")
        for k, step in enumerate(steps, 1)
    ]
    return first_of(
        candidates,
        lambda best: (
            f"{best.name.capitalize()} adds the longest vector, {best.shown}; the stream itself "
            f"ends with length {float(np.linalg.norm(states[-1])):.1f}."
        ),
    )


@live(families=("decoder",), facts=("token", "early"), counts=True)
def settles_at(at: Asked) -> Answer:
    """The layer from which on the final next token is ranked first (0: before layer 1)."""
    last = len(at.engine.tokens(at.reading)) - 1
    rows = at.engine.logit_lens(at.reading, "decoder", last)
    tops = rows.argmax(axis=1)
    settled = len(tops) - 1
    while settled and tops[settled - 1] == tops[-1]:
        settled -= 1
    name = token_names(at, [int(tops[-1])])[0]
    early = token_names(at, [int(tops[1])])[0]
    return Answer(
        float(settled),
        f"layer {settled}",
        f"“{named(name)}” is first after layer {settled} and stays first; after layer 1 it was "
        f"“{early}”.",
        facts={"token": name, "early": early},
    )


def _one_token(at: Asked, word: str) -> int:
    tokens = at.engine.bare(at.model, " " + word.strip())
    if len(tokens) != 1:
        raise NoQuestion(f"“{word}” is {len(tokens)} tokens here, so it has no vector of its own.")
    return int(tokens.ids[0])


def _near(at: Asked, vector: np.ndarray, without: list[str]) -> list[Candidate]:
    """The words nearest to a vector, by the angle; the same word written otherwise counts once."""
    space = at.engine.vocabulary_space(at.model)
    near = projection.neighbours(space, vector, CROWD)
    left_out = {plain_word(word) for word in without}
    found: dict[str, Candidate] = {}
    names = token_names(at, near.indices.tolist())
    for name, cosine, angle in zip(names, near.cosine, near.degrees, strict=True):
        plain = plain_word(name)
        if plain not in left_out and plain.isalpha():
            found.setdefault(plain, Candidate(name, float(cosine), f"{float(angle):.1f}°"))
    if len(found) < 2:
        raise NoQuestion(f"No words are near “{without[0]}” here.")
    return list(found.values())[:SHOWN]


def _side(at: Asked) -> Side:
    return "decoder" if at.family == "decoder" else "encoder"


def _hidden(at: Asked) -> Hidden:
    return at.engine.hidden(at.reading, _side(at))


def _twins(at: Asked, word: str) -> tuple[list[float], int]:
    """Cosines of the first two occurrences of a word after each layer, and the layers."""
    found = _hidden(at)
    a, b = (find(found.tokens, word, nth).tokens[0] for nth in (1, 2))
    cosines = [float(projection.distances(s[[a]], s[b])[0][0]) for s in found.states]
    return cosines, len(cosines) - 1
