"""Each (layer, token) of one run restored in another run, one after the other.

In: a bundle, an `Experiment` and its `Contrast`. Out: a `Patched` after each layer: the difference
of the two answers' logits with one value of the corrupted run replaced by the clean run's.

The model's graph is cut at the value that is restored (`slicing`): what lies below it is fed as the
corrupted run had it, and all tokens of a layer are rows of one batch, a row a token. So nothing is
put into the graph, its weights stay in their file, a layer costs only what lies above it, and one
cut graph is open at a time. Meng et al. 2022, "Locating and Editing Factual Associations in GPT"
(causal tracing); Heimersheim and Nanda 2024, "How to use and interpret activation patching".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.errors import NotOffered
from engine.hosting import figures
from engine.models.device import Part as Cut
from engine.models.feeds import empty_past, head_masks, text_feeds
from engine.models.runtime import Bundle
from engine.models.slicing import Whole
from engine.patching import sublayers
from engine.patching.contrast import Contrast, Experiment, Part
from engine.values import Frozen, Tokens

AT_ONCE = 1024  # tokens of a batch
LOGITS = "logits"


@dataclass(frozen=True, slots=True)
class Place:
    """A value to restore in one layer; `below` are others that stay the corrupted run's."""

    name: str
    below: tuple[str, ...] = ()
    axis: int = 1  # of its tokens


@dataclass(frozen=True, eq=False, slots=True)
class Patched(Frozen):
    """Logit of the first answer minus that of the second, with one value restored.

    `differences[row, token]`; of the residual stream row 0 is what enters layer 1 and row k what
    leaves layer k, of the others row k is layer k + 1. NaN where nothing was computed yet.
    """

    experiment: Experiment
    contrast: Contrast
    differences: Float[np.ndarray, "row token"]

    @property
    def restored(self) -> Float[np.ndarray, "row token"]:
        """How much of the answer comes back, (patched − corrupted) / (clean − corrupted).

        0 is the corrupted run, 1 the clean one; below 0 the answer moves farther away, above 1 it
        overshoots.
        """
        clean, corrupted = self.contrast.differences
        return (self.differences - corrupted) / (clean - corrupted)

    @property
    def rows_done(self) -> int:
        """How many layers are computed."""
        return int(np.isfinite(self.differences).all(axis=1).sum())

    @property
    def layers(self) -> tuple[int, ...]:
        """What each row is called: the layer counted from 1, or 0 for what enters the first."""
        first = 0 if self.experiment.part == "residual" else 1
        return tuple(range(first, first + len(self.differences)))


def places(whole: Whole, part: Part, layers: int) -> tuple[Place, ...]:
    """What is restored, from the first layer to the last; raise `NotOffered` where it is unseen."""
    if part == "residual":
        return tuple(Place(sublayers.stream(whole, k)) for k in range(layers + 1))
    entering = [(sublayers.stream(whole, k), sublayers.heads(whole, k)) for k in range(layers)]
    if part == "attention":
        return tuple(Place(heads, (stream,), axis=2) for stream, heads in entering)
    found = []
    for k, below in enumerate(entering):
        name = sublayers.feed_forward(whole, k)
        if name is None:
            raise NotOffered(
                f"The feed-forward output of layer {k + 1} is not told apart in this model's "
                "graph. Restore the residual stream or the attention output."
            )
        found.append(Place(name, below))
    return tuple(found)


def patched(bundle: Bundle, asked: Experiment, contrast: Contrast) -> Iterator[Patched]:
    """Restore layer by layer; the first that is given has no layer computed yet."""
    whole = bundle.whole("model")
    if whole is None:
        raise NotOffered(f"The graph of {bundle.card.title} cannot be cut. Choose another model.")
    every = places(whole, asked.part, bundle.card.tower.layers)
    found = np.full((len(every), len(contrast.clean)), np.nan, dtype=np.float32)
    yield Patched(asked, contrast, found.copy())
    clean, corrupted = _captured(bundle, every, contrast)
    for row, place in enumerate(every):
        found[row] = _restored(bundle, place, contrast, clean, corrupted)
        yield Patched(asked, contrast, found.copy())


def _captured(
    bundle: Bundle, every: tuple[Place, ...], contrast: Contrast
) -> tuple[dict[str, np.ndarray], ...]:
    """What both runs have at the places, each text run by itself as on every other page."""
    names = list(dict.fromkeys(name for place in every for name in (place.name, *place.below)))
    with bundle.used():
        part = _cut(bundle, (), names, {})
        found = []
        for tokens in (contrast.clean, contrast.corrupted):
            found.append(_run(bundle, part, tokens, 1, contrast.position, {}, names))
    return tuple(found)


def _restored(
    bundle: Bundle,
    place: Place,
    contrast: Contrast,
    clean: dict[str, np.ndarray],
    corrupted: dict[str, np.ndarray],
) -> Float[np.ndarray, "token"]:
    """The difference of the answers' logits with one layer's value restored at each token alone."""
    own, other = clean[place.name], corrupted[place.name]
    count = len(contrast.clean)
    # Where both runs have the very same numbers there is nothing to restore.
    same = [
        np.array_equal(np.take(own, t, place.axis), np.take(other, t, place.axis))
        for t in range(count)
    ]
    todo = np.flatnonzero(~np.array(same))
    found = np.full(count, contrast.differences[1], dtype=np.float32)
    types = {name: str(corrupted[name].dtype) for name in (place.name, *place.below)}
    with bundle.used():
        part = _cut(bundle, (place.name, *place.below), (LOGITS,), types)
        if place.name not in part.inputs:
            raise NotOffered(
                f"In the graph of {bundle.card.title} nothing is computed from this value alone. "
                "Restore another part of the layers."
            )
        size = max(1, AT_ONCE // count)
        for start in range(0, len(todo), size):
            tokens = todo[start : start + size]
            given = {
                name: np.repeat(corrupted[name], len(tokens), axis=0) for name in place.below
            } | {place.name: _rows(own, other, tokens, place.axis)}
            run = _run(
                bundle, part, contrast.corrupted, len(tokens), contrast.position, given, (LOGITS,)
            )
            logits = run[LOGITS][:, 0, list(contrast.answers)].astype(np.float32)
            found[tokens] = logits[:, 0] - logits[:, 1]
    return found


def _rows(clean: np.ndarray, corrupted: np.ndarray, tokens: np.ndarray, axis: int) -> np.ndarray:
    """The corrupted value once for each of `tokens`, there as in the clean run."""
    rows = np.repeat(corrupted, len(tokens), axis=0)
    for row, token in enumerate(tokens):
        place = (row, *([slice(None)] * (axis - 1)), token)
        rows[place] = clean[(0, *place[1:])]
    return rows


def _cut(
    bundle: Bundle, given: tuple[str, ...], wanted: list[str] | tuple[str, ...], types: dict
) -> Cut:
    part = bundle.part("model", given, wanted, types)
    assert part is not None, "a graph that cannot be cut was refused before"
    return part


def _run(
    bundle: Bundle,
    part: Cut,
    tokens: Tokens,
    rows: int,
    position: int,
    given: dict[str, np.ndarray],
    wanted: list[str] | tuple[str, ...],
) -> dict[str, np.ndarray]:
    """One run of a part of the graph over `rows` times a text, in its turn."""
    figures.TOKENS_READ.inc(rows * len(tokens))
    with bundle.opened("model", part) as session:
        feeds = text_feeds(
            session,
            np.repeat(tokens.ids[None], rows, axis=0),
            segments=np.repeat(tokens.segments[None], rows, axis=0),
            first=(position,),
        )
        feeds |= empty_past(session, rows)
        feeds |= head_masks(session, own=bundle.card.family, off=())  # type: ignore[arg-type]
        for name, values in given.items():
            if name in session.inputs:
                feeds[name] = np.ascontiguousarray(values, dtype=session.dtype(name))
        return session.run(feeds, list(wanted))
