"""What all tests share: tiny models, exported once a test run."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

# One thread a process, those that tests start included: workers that each take every core only
# wait for one another (a beam search of a tiny model took 20 times as long). Before any import.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ATLAS_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest  # noqa: E402

from tests.engine.checkpoints import Bundles  # noqa: E402
from tests.engines import cluster as cluster  # noqa: E402
from tests.engines import engine as engine  # noqa: E402
from tests.engines import remote as remote  # noqa: E402


@pytest.hookimpl(optionalhook=True)  # of xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests of one exported model to one worker."""
    from tests.sharing import ByModel

    return ByModel(config, log)


def pytest_collection_finish() -> None:
    """Keep what all tests share out of every collection of garbage: torch and 2,700 tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def no_predecessors(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shipped models without the n-gram table and the recurrent network among them."""
    from engine.models import catalog
    from engine.predecessors.bundles import is_predecessor

    folder: Path = tmp_path_factory.mktemp("shipped")
    for model in catalog.SHIPPED.iterdir():
        if not is_predecessor(model):
            (folder / model.name).symlink_to(model, target_is_directory=True)
    monkeypatch.setattr(catalog, "SHIPPED", folder)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """`bundles("gpt2")` is the folder of a tiny bundle; all workers of a run share them."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    return Bundles(root / "models")
