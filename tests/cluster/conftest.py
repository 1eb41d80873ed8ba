"""What the tests of a cluster share; the cluster itself is in `tests.engines`."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.api import Engine, local
from tests.engines import NEEDS_RAY


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here that starts a cluster is marked, and left out where there is no Ray."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and "cluster" in getattr(item, "fixturenames", ()):
            for mark in NEEDS_RAY:
                item.add_marker(mark)


@pytest.fixture(params=["local", "remote"])
def engine(request: pytest.FixtureRequest, cluster: Path) -> Engine:
    """Each engine in its turn, with the settings of the cluster's front."""
    return local() if request.param == "local" else request.getfixturevalue("remote")
