"""The path of a text through a model as towers of layers: Home draws it, and Attention's layers.

In: a model and a text. Out: the towers of `pages.pictures.architecture` with the weights of this
text's run, and what comes out at the top. A long text is cut in the picture, never in the run: the
first tokens are shown, and their weights are those of the whole text. Draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.models.bundle import Card
from engine.values import Attention, Kind, Reading, Side
from pages.pictures import architecture, palette
from pages.shell.cache import engine

SHOWN = 10  # tokens of each tower: what a screen can hold


@dataclass(frozen=True)
class Path:
    """What was read, the towers it went through, what came out of the positions that are shown.

    `last` is what comes out of the last position of the text, shown or not; `cut` when the text was
    longer than the picture.
    """

    reading: Reading
    towers: list[architecture.Tower]
    outcomes: list[architecture.Outcome]
    last: architecture.Outcome | None
    cut: bool


def path(model: str, text: str) -> Path:
    """The path of a text, of which the picture shows the beginning."""
    return path_of(Reading(model, text))


def path_of(reading: Reading) -> Path:
    """The path of what was read: a text, a pair of texts, a text with what the model wrote."""
    card = engine().card(reading.model)
    if card.family != "encoder-decoder":
        side: Side = "encoder" if card.family == "encoder" else "decoder"
        colour = palette.ENCODER if side == "encoder" else palette.DECODER
        title = (
            "Encoder: attends in both directions"
            if side == "encoder"
            else "Decoder: reads, then generates"
        )
        towers = [_tower(reading, side, "t", title, colour)]
    else:
        side = "decoder"
        if reading.target is None:
            reading = engine().translated(reading.model, reading.text)
        towers = [
            _tower(reading, "encoder", "s", "Encoder: reads the text", palette.ENCODER),
            _tower(reading, side, "t", "Decoder: generates one token per step", palette.DECODER),
        ]
    outcomes, last = _outcomes(reading, side)
    cut = any(tower.shown < len(tower.texts) for tower in towers)
    return Path(reading, towers, outcomes, last, cut)


def with_head(found: Path, kind: Kind, layer: int, head: int) -> Path:
    """The path with one layer marked, in which the lines are those of one head alone."""
    place = 0 if kind == "encoder" else len(found.towers) - 1
    tower = found.towers[place]
    own = engine().attention(_first_tokens(found.reading, kind), kind, layer).weights[head]
    name = "cross" if kind == "cross" else "weights"
    weights = np.array(getattr(tower, name))
    weights[layer] = _placed(own, weights.shape[1:])
    changed = replace(tower, mark=layer, **{name: weights})
    towers = [*found.towers[:place], changed, *found.towers[place + 1 :]]
    return replace(found, towers=towers)


def sides_of(card: Card) -> tuple[Side, ...]:
    """The sides of a model, in the order of its towers."""
    return tuple(side for side in ("encoder", "decoder") if getattr(card, side) is not None)


def shown_of(reading: Reading, side: Side) -> tuple[Reading, Side]:
    """What is run for the weights that a tower shows."""
    return _first_tokens(reading, side), side


def _tower(
    reading: Reading, side: Side, letter: str, title: str, colour: str
) -> architecture.Tower:
    tokens = engine().tokens(reading, side)
    ids = tuple(tokens.ids.tolist())
    # An unknown word is drawn as the text has it, not by the one name that all of them share.
    texts = tuple(
        tokens.text[start:end] if lost and start < end else text
        for text, lost, (start, end) in zip(
            engine().texts(reading.model, ids, side),
            tokens.unknown,
            tokens.spans.tolist(),
            strict=True,
        )
    )
    roles, cross = engine().roles(reading.model, side), None
    if side == "decoder" and engine().card(reading.model).encoder is not None:
        cross = _mean_weights(reading, "cross", len(engine().tokens(reading, "encoder")))
    return architecture.Tower(
        letter=letter,
        title=title,
        colour=colour,
        texts=texts,
        ids=ids,
        roles=tuple(roles.get(token_id, "") for token_id in ids),
        weights=_mean_weights(reading, side, len(ids)),
        cross=cross,
    )


def _mean_weights(reading: Reading, kind: Kind, n_keys: int) -> np.ndarray:
    """Weights [layer, query, key] of the queries that are shown, the mean over heads."""
    first = _first_tokens(reading, kind)
    layers = range(engine().stack(reading.model, kind).layers)
    found: list[Attention] = [engine().attention(first, kind, layer) for layer in layers]
    rows = min(SHOWN, found[0].weights.shape[1])
    return np.stack([_placed(one.weights.mean(axis=0), (rows, n_keys)) for one in found])


def _first_tokens(reading: Reading, kind: Kind) -> Reading:
    """A reading whose first tokens have the weights that they have in the whole text.

    Where attention is causal what comes later changes nothing for the first tokens: of a long text
    only those are run. An encoder reads all of it.
    """
    if kind == "encoder" or not engine().is_long(reading, kind):
        return reading
    ids = tuple(engine().tokens(reading, "decoder").ids.tolist())
    return replace(reading, target=ids[:SHOWN])


def _placed(weights: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The first rows of a map, 0 for keys that its queries may not attend to."""
    rows = np.zeros(shape, dtype=np.float32)
    part = np.nan_to_num(weights[: shape[0], : shape[1]])
    rows[: part.shape[0], : part.shape[1]] = part
    return rows


def _outcomes(
    reading: Reading, side: Side
) -> tuple[list[architecture.Outcome], architecture.Outcome | None]:
    """What the model predicts at each position shown, and at the last: the token that was written,
    or the likeliest one.
    """
    card = engine().card(reading.model)
    if not card.predicts:
        return [], None
    count = len(engine().tokens(reading, side))
    places = tuple(dict.fromkeys((*range(min(count, SHOWN)), count - 1)))
    likely = _likely(engine().logits(reading, places).logits)
    chosen = likely.argmax(axis=1)
    written = card.family == "encoder-decoder"
    if written and reading.target:
        following = [place for place in places if place + 1 < count]
        chosen[: len(following)] = [reading.target[place + 1] for place in following]
    texts = engine().texts(reading.model, tuple(chosen.tolist()), side)
    found = [
        architecture.Outcome(
            text,
            float(likely[row, chosen[row]]),
            written=written or (card.family == "decoder" and place == count - 1),
        )
        for row, (place, text) in enumerate(zip(places, texts, strict=True))
    ]
    return found[: min(count, SHOWN)], found[-1]


def _likely(logits: np.ndarray) -> np.ndarray:
    """Probabilities [row, vocabulary] of logits."""
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    return likely / likely.sum(axis=1, keepdims=True)
