"""Both engines for the tests that only ask: this process's, and a cluster's of one node.

A test that takes `engine` is run with `engine.api.local()`, and with what a front has where
`-m cluster` is chosen (`make test-cluster`). The node is started by its own command, once for all
tests of a run, with the models that come along in front of an empty folder of models.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from engine.api import Engine

ROOT = Path(__file__).resolve().parents[1]
PLAN = """\
applications:
  - name: reader
    import_path: engine.cluster.replicas:reader
    args: {workers: 4, queue: 3}
    deployments:
      - {name: Reader, num_replicas: 2, ray_actor_options: {num_cpus: 0.2}}
  - name: mapper
    import_path: engine.cluster.replicas:mapper
    deployments:
      - {name: Mapper, num_replicas: 1, ray_actor_options: {num_cpus: 0.2}}
  - name: worker
    import_path: engine.cluster.programs:worker
    deployments:
      - {name: Worker, num_replicas: 1, ray_actor_options: {num_cpus: 0.2}}
"""
NEEDS_RAY = (
    pytest.mark.cluster,
    # Ray's own imports warn of interfaces that will go.
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(find_spec("ray") is None, reason="needs requirements-cluster.txt"),
)


def command(*argv: str) -> str:
    """What `python -m engine.cluster` says."""
    run = subprocess.run(
        [sys.executable, "-m", "engine.cluster", *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of models that front and replicas share; its cluster is up."""
    from engine.settings import settings

    folder = tmp_path_factory.mktemp("cluster")
    (folder / "models").mkdir()
    (folder / "plan.yaml").write_text(PLAN)
    before = dict(os.environ)
    os.environ |= {"ATLAS_MODELS": str(folder / "models"), "ATLAS_ENGINE": "cluster"}
    settings.cache_clear()
    try:
        command("up", "--plan", str(folder / "plan.yaml"), "--cores", "2", "--memory-mb", "150")
        yield folder / "models"
    finally:
        if "ray" in sys.modules:
            import ray  # pyright: ignore[reportMissingImports]

            ray.shutdown()
        command("down")
        os.environ.clear()
        os.environ |= before
        settings.cache_clear()


@pytest.fixture(scope="session")
def remote(cluster: Path) -> Engine:
    """The engine of a front."""
    from engine.cluster.remote import remote

    return remote()


@pytest.fixture(params=["local", pytest.param("remote", marks=NEEDS_RAY)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in its turn: what is promised of one is promised of the other."""
    from engine.api import local

    return local() if request.param == "local" else request.getfixturevalue("remote")
