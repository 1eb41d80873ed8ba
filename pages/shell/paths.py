"""The path of a text through a model as towers of layers: Home draws it, and Attention's layers.

In: a model and a text. Out: the towers of `pages.pictures.architecture` with this text's own
weights, and what comes out at the top. Draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.values import Kind, Reading, Side
from pages.pictures import architecture, palette
from pages.shell.cache import engine

SHOWN = 10  # tokens of each tower: what a screen can hold


@dataclass(frozen=True)
class Path:
    """What was read, the towers it went through, what came out; `cut` when the text was longer."""

    reading: Reading
    towers: list[architecture.Tower]
    outcomes: list[architecture.Outcome]
    cut: bool


def path(model: str, text: str) -> Path:
    """The path of a text, or of its beginning where it is long."""
    card = engine().card(model)
    reading = _beginning(model, text)
    cut = len(reading.text) < len(text.strip())
    if card.family != "encoder-decoder":
        side: Side = "encoder" if card.family == "encoder" else "decoder"
        colour = palette.ENCODER if side == "encoder" else palette.DECODER
        title = (
            "Encoder: reads in both directions"
            if side == "encoder"
            else "Decoder: reads, then writes"
        )
        tower = _tower(reading, side, "t", title, colour)
        return Path(reading, [tower], _outcomes(reading, side, False), cut)
    reading = engine().translated(model, reading.text)
    reading = Reading(reading.model, reading.text, (reading.target or ())[:SHOWN])
    towers = [
        _tower(reading, "encoder", "s", "Encoder: reads the text", palette.ENCODER),
        _tower(reading, "decoder", "t", "Decoder: writes, one token a step", palette.DECODER),
    ]
    return Path(reading, towers, _outcomes(reading, "decoder", True), cut)


def with_head(found: Path, kind: Kind, layer: int, head: int) -> Path:
    """The path with one layer marked, in which the lines are those of one head alone."""
    place = 0 if kind == "encoder" else len(found.towers) - 1
    tower = found.towers[place]
    own = np.nan_to_num(engine().overview(found.reading, kind).weights[layer, head])
    name = "cross" if kind == "cross" else "weights"
    weights = np.array(getattr(tower, name))
    weights[layer] = own
    changed = replace(tower, mark=layer, **{name: weights})
    towers = [*found.towers[:place], changed, *found.towers[place + 1 :]]
    return replace(found, towers=towers)


def _beginning(model: str, text: str) -> Reading:
    """The text up to so many tokens that the picture stays legible."""
    tokens = engine().tokenized(model, text)
    room = SHOWN + 1
    while len(tokens) > SHOWN and room > 1:
        # A beginning is tokenized anew and may have a token more than it had in the whole text.
        room = min(room - 1, SHOWN - int(tokens.special.sum()))
        ends = tokens.spans[tokens.own][max(room, 1) - 1 :, 1]
        text = tokens.text[: int(ends[0])] if len(ends) else text
        tokens = engine().tokenized(model, text)
    return Reading(model, text)


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
    if side == "decoder" and reading.target:
        cross = engine().overview(reading, "cross").weights.mean(axis=1)
    return architecture.Tower(
        letter=letter,
        title=title,
        colour=colour,
        texts=texts,
        ids=ids,
        roles=tuple(roles.get(token_id, "") for token_id in ids),
        weights=np.nan_to_num(engine().overview(reading, side).weights).mean(axis=1),
        cross=cross,
    )


def _outcomes(reading: Reading, side: Side, written: bool) -> list[architecture.Outcome]:
    """What each position says comes next: the token that was written, or the likeliest one."""
    if not engine().card(reading.model).predicts:
        return []
    count = len(engine().tokens(reading, side))
    likely = _likely(engine().logits(reading, tuple(range(count))).logits)
    chosen = likely.argmax(axis=1)
    if written and reading.target:
        chosen[: count - 1] = reading.target[1:]
    texts = engine().texts(reading.model, tuple(chosen.tolist()), side)
    return [
        architecture.Outcome(text, float(likely[i, chosen[i]]), written or i == count - 1)
        for i, text in enumerate(texts)
    ]


def _likely(logits: np.ndarray) -> np.ndarray:
    """Probabilities [row, vocabulary] of logits."""
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    return likely / likely.sum(axis=1, keepdims=True)
