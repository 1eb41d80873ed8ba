"""What all tests share: tiny models, exported once a test run."""

from __future__ import annotations

import os

import pytest

from tests.engine.checkpoints import Bundles


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """`bundles("gpt2")` is the folder of a tiny bundle; all workers of a run share them."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    return Bundles(root / "models")
