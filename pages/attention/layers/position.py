"""The position that the pictures of the layers are about."""

from __future__ import annotations

import numpy as np

from engine.attention.maps import Scene
from pages.attention.words import position_of
from pages.shell.cache import engine
from pages.shell.frame import selection


def position(scene: Scene) -> tuple[int, str]:
    """The pinned query, else the last word of the text; its place and its name.

    What the tokenizer put at the end is no word: an encoder's prediction there tells nothing.
    """
    names = engine().token_names(scene.reading, scene.kind)[0]
    spot = selection("spot", lambda ids: position_of(ids, len(names)) is not None, name="Word")
    place = position_of(spot, len(names))
    if place is None:
        queries = engine().sides(scene.reading, scene.kind)[0]
        own = np.flatnonzero(~queries.special).tolist() if scene.kind == "encoder" else []
        place = own[-1] if own else len(names) - 1
    return place, names[place]
