"""What all tests share: tiny models, exported once a test run."""

from __future__ import annotations

import os

# One thread a process, those that tests start included: workers that each take every core only
# wait for one another (a beam search of a tiny model took 20 times as long). Before any import.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ATLAS_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest  # noqa: E402

from tests.engine.checkpoints import RECIPES, Bundles  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of one exported model to one worker: two would wait for the same export."""
    for item in items:
        parameters = getattr(item, "callspec", None)
        name = parameters and parameters.params.get("name")
        if isinstance(name, str) and name in RECIPES:
            item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """`bundles("gpt2")` is the folder of a tiny bundle; all workers of a run share them."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    return Bundles(root / "models")
