"""Values made by hand, for tests that need no model."""

import numpy as np

from engine.values import Tokens


def tokens_of(*pieces: str, special: tuple[int, ...] = (), ids: tuple[int, ...] = ()) -> Tokens:
    text, spans = "", []
    for index, piece in enumerate(pieces):
        if index in special:
            spans.append((0, 0))
            continue
        start = len(text)
        text += piece
        spans.append((start + len(piece) - len(piece.lstrip()), len(text)))
    n = len(pieces)
    return Tokens(
        text=text,
        ids=np.array(ids or range(n)),
        pieces=pieces,
        spans=np.array(spans).reshape(n, 2),
        special=np.isin(np.arange(n), special),
        unknown=np.zeros(n, dtype=bool),
        segments=np.zeros(n, dtype=np.int64),
        data=tuple(p.encode() for p in pieces),
        left_out=np.zeros(len(text), dtype=np.uint8),
    )
