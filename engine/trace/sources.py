"""What a decoder reads of its source, kept: the encoder runs once for all questions about a text.

In: a bundle, a reading, the source's tokens. Out: cross keys and values of every decoder layer,
from the store or from one run of the encoder. Whoever runs the encoder for another question leaves
them here too (`offered`, `keep`), so that both towers are traced in two runs. About 25 kB a token
for a model of Marian's usual size.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping

import numpy as np

from engine.models.runtime import Bundle
from engine.store import cached, store
from engine.trace import changes, sides
from engine.values import Reading, Side, Tokens

MOST = 256  # tokens of a source that is kept unasked

Source = dict[str, np.ndarray]


def of(bundle: Bundle, reading: Reading, cut: Tokens, make: Callable[[], Source]) -> Source:
    """All keys and values of a source that an unchanged encoder reads, made once."""
    return cached(_key(bundle, reading, cut), make)


def offered(names: Iterable[str]) -> list[str]:
    """Which outputs of an encoder's graph a decoder reads."""
    return sorted(name for name in names if name.startswith("source."))


def wanted(bundle: Bundle, reading: Reading, side: Side, cut: Tokens) -> list[str]:
    """What a run of the whole graph of a side should give besides, to be kept; mostly nothing."""
    card = bundle.card
    if not sides.two(card) or side != "encoder" or len(cut) > MOST:
        return []
    if changes.of(reading.change, card, side) is not None:
        return []
    known = store().peek(_key(bundle, reading, cut)) is not None
    return [] if known else offered(bundle.session("encoder").outputs)


def keep(bundle: Bundle, reading: Reading, cut: Tokens, found: Mapping[str, np.ndarray]) -> None:
    """Keep what a run gave besides."""
    # Copies: what a run gave may be a part of something larger.
    source = {name: np.array(found[name]) for name in offered(found)}
    store().put(_key(bundle, reading, cut), source)


def _key(bundle: Bundle, reading: Reading, cut: Tokens) -> Hashable:
    off = tuple(sorted(one for one in reading.off if one[0] == "encoder"))
    return ("source", bundle.digest, bundle.device.provider, cut.ids.tobytes(), off)
