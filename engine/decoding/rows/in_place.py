"""Whether a model may write with keys and values in their place: proved by running both graphs.

The graph was edited by its form (`engine.models.in_place`); here some rows of unequal length are
read and written with it and with the one that it came from, and every logit is compared. A model
that fails writes as before. Done once for a model in a process, at its first text.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from engine.decoding.rows.keys import Asked, InPlace, Joined
from engine.models.device import RUN_ERRORS
from engine.models.feeds import source_masks
from engine.models.in_place import Edited
from engine.models.runtime import Bundle
from engine.models.sessions import Session

CLOSE = 1e-4  # the largest difference allowed, over the largest logit where that is above 1
ROWS, PROMPT, STEPS = 2, 9, 3  # what is read and written for the proof
SOURCE = 5  # tokens of the source, where one is read
REMEMBERED = 64  # models

_proofs: OrderedDict[str, bool] = OrderedDict()
_guard = threading.Lock()


def proved(bundle: Bundle) -> tuple[Session, Edited] | None:
    """The session that writes in place and its graph; None where the model cannot, or is wrong."""
    found = bundle.in_place()
    if found is None:
        return None
    with _guard:
        if bundle.digest not in _proofs:
            _proofs[bundle.digest] = _equal(bundle, *found)
            while len(_proofs) > REMEMBERED:
                _proofs.popitem(last=False)
        return found if _proofs[bundle.digest] else None


def _equal(bundle: Bundle, session: Session, edited: Edited) -> bool:
    try:
        return difference(bundle, session, edited) <= CLOSE
    except RUN_ERRORS:  # it could be opened, but not run
        return False


def difference(bundle: Bundle, session: Session, edited: Edited) -> float:
    """The largest difference of logits, over the largest where that is above 1."""
    rng = np.random.default_rng(0)
    limit = bundle.card.limit or PROMPT + STEPS + 1
    prompt = max(1, min(PROMPT, limit - STEPS - 1))
    both = InPlace(bundle, session, edited), Joined(bundle)
    mask = np.ones((ROWS, prompt), dtype=bool)
    if "attention_mask" in session.inputs:
        mask[0, : prompt // 2] = False
    worst = 0.0
    for step in range(min(STEPS, limit - prompt) + 1):
        ids = rng.integers(0, bundle.card.vocabulary, (ROWS, 1 if step else prompt))
        if step:
            mask = np.concatenate([mask, np.ones((ROWS, 1), dtype=bool)], axis=1)
        ours, theirs = (one.read(_asked(bundle, one.session, ids, mask)) for one in both)
        assert ours is not None and theirs is not None
        worst = max(worst, float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max())))
    return worst if np.isfinite(worst) else np.inf


def _asked(bundle: Bundle, session: Session, ids: np.ndarray, mask: np.ndarray) -> Asked:
    """A step; what a source would give is made up, since both graphs are given the same."""
    feeds = {}
    for name, node in session.inputs.items():
        if name.startswith("source."):
            shape = (ROWS, node.shape[1], SOURCE, node.shape[3])
            rng = np.random.default_rng(len(feeds))
            feeds[name] = rng.standard_normal(shape).astype(session.dtype(name))
    feeds |= source_masks(session, np.ones((ROWS, SOURCE), dtype=bool))
    return Asked(ids, mask, feeds, {})
