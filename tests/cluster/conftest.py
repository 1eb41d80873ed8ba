"""A cluster of one node on this machine, started by its own command, once for all tests here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.api import Engine, local
from engine.settings import settings

ROOT = Path(__file__).resolve().parents[2]
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here that starts a cluster is marked, and left out where there is no Ray."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)
            # Ray's own imports warn of interfaces that will go.
            item.add_marker(pytest.mark.filterwarnings("ignore"))
            if find_spec("ray") is None:
                item.add_marker(pytest.mark.skip(reason="needs requirements-cluster.txt"))


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


@pytest.fixture(params=["local", "remote"])
def engine(request: pytest.FixtureRequest, cluster: Path) -> Engine:
    """Each engine in its turn: what is promised of one is promised of the other."""
    return local() if request.param == "local" else request.getfixturevalue("remote")
