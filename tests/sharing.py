"""Which tests one worker of a run gets together: those of one exported model.

Two workers that need the same bundle at once would wait for one export. Larger groups come first,
so that no worker is left with a long one at the end.
"""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

from tests.engine.recipes import RECIPES
from tests.engine.tasks import NAMES

MODELS = "|".join(sorted((*RECIPES, *NAMES), key=len, reverse=True))
NAMED = re.compile(rf"(?<![a-z0-9])(?<!tales-)({MODELS})(?![a-z0-9])")


def group(test: str) -> str:
    """The model that a test of the engine names, else the test itself: alone.

    >>> group("tests/engine/test_x.py::test_parity[gpt-neo-1]")
    'gpt-neo'
    """
    path, _, name = test.partition("::")
    found = NAMED.search(name) if path.startswith("tests/engine/") else None
    return found[1] if found else test


class ByModel(LoadScopeScheduling):
    """Groups are handed out whole; a test alone whenever a worker is nearly out of work."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
