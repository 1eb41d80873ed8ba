"""Maps of a vocabulary end to end: asked of a cluster, seen coming, stopped, shared, and the same.

Whoever has to wait for something here waits for it: the process that lays points out is made to
stand still where it must not end meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from engine.api import Engine, local
from engine.cluster import nodes, state
from engine.cluster.link import Link
from engine.jobs import registry
from engine.jobs.registry import Job
from engine.models.bundle import digest
from engine.settings import settings
from engine.space.vocabulary_layout import METHODS, Method
from engine.store import store
from tests.cluster.asked import GPT, difference, ended, same
from tests.cluster.test_faults import LONG, until
from tests.engines import ROOT

NAME = "mapped"
PROGRAM = b"engine.space.vocabulary_layout"


def write_model(folder: Path) -> None:
    """A small bundle whose vectors lie in clouds."""
    from tests.engine.plain import write_bundle

    write_bundle(folder)
    rng = np.random.default_rng(5)
    vectors = rng.standard_normal((300, 4)) + 3 * rng.integers(0, 4, (300, 1))
    vectors.astype(np.float32).tofile(folder / "weights.bin")
    card = json.loads((folder / "card.json").read_text())
    card["files"]["weights.bin"] = digest(folder / "weights.bin")
    (folder / "card.json").write_text(json.dumps(card))


@pytest.fixture
def model(cluster: Path) -> Iterator[str]:
    """A model in the shared folder, without maps."""
    write_model(cluster / NAME)
    yield NAME
    for path in [*(cluster / NAME).iterdir(), *maps(cluster)]:
        path.unlink()
    (cluster / NAME).rmdir()


def maps(cluster: Path) -> list[Path]:
    """The files of maps in the shared folder."""
    return sorted((cluster.parent / "maps").glob("*"))


def processes() -> list[int]:
    """Those of the cluster that lay points out."""
    found = []
    for one in nodes.processes(state.read()):
        try:
            if PROGRAM in Path(f"/proc/{one}/cmdline").read_bytes():
                found.append(one)
        except OSError:
            continue
    return sorted(found)


@contextmanager
def under_way(remote: Engine, model: str, method: Method, viewer: str) -> Iterator[Job]:
    """A map that has got somewhere and stands still; it goes on after the block."""
    for _ in range(20):
        until(lambda: not processes(), "the end of those that were made before")
        job = remote.lay_out(model, method, False, viewer=viewer)
        until(lambda job=job: job.done or (job.progress > 0 and bool(processes())), "progress")
        stopped = []
        for one in processes():
            os.kill(one, signal.SIGSTOP)
            stopped.append(one)
        if stopped and not job.done:
            break
    else:
        pytest.fail("every map was whole before it could be looked at")
    try:
        yield job
    finally:
        for one in set(stopped) & set(processes()):
            os.kill(one, signal.SIGCONT)


@contextmanager
def elsewhere(folder: Path) -> Iterator[Engine]:
    """The engine of this process, with a folder of models and maps of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATLAS_MODELS", str(folder / "models"))
        settings.cache_clear()
        write_model(folder / "models" / NAME)
        yield local()
    settings.cache_clear()


def outcomes() -> dict[str, float]:
    """How many maps ended at the mapper, by how."""
    told, silent = Link().heard("mapper", "counted", 60)
    assert not silent
    return {
        labels["outcome"]: value
        for _, samples in told
        for _, name, labels, value in samples
        if name == "atlas_jobs_total" and labels["kind"] == "map"
    }


@pytest.mark.parametrize("method", METHODS)
def test_a_map_is_seen_coming_and_is_the_one_that_this_process_makes(
    method: Method, remote: Engine, model: str, cluster: Path, tmp_path: Path
) -> None:
    assert remote.layout(model, method, False) is None
    assert remote.layout_quality(model, method, False, 2) is None
    with under_way(remote, model, method, "me") as job:
        assert 0 < job.progress < 1 and job.stage and job.kind == "map"
        assert remote.layout_job(model, method, False) is job
        assert remote.layout(model, method, False) is None and not job.wait(0)
    assert ended(job).error is None and job.progress == 1
    assert Path(job.result) in maps(cluster)
    found = remote.layout(model, method, False)
    quality = remote.layout_quality(model, method, False, 2)
    with elsewhere(tmp_path) as engine:
        assert ended(engine.lay_out(model, method, False, viewer="me")).error is None
        right = engine.layout(model, method, False)
        assert right is not None and right.shape == (300, 3)
        assert not difference(found, right)
        assert same(quality, engine.layout_quality(model, method, False, 2))


@pytest.mark.parametrize("unit", [True, False])
def test_main_directions_are_those_of_this_process(unit: bool, remote: Engine, model: str) -> None:
    for name in (model, GPT):
        store().clear()
        right = local().vocabulary_map(name, unit)
        store().clear()
        found = remote.vocabulary_map(name, unit)
        assert not difference(found, right) and len(found.coordinates) > 200


def test_a_map_that_is_stopped_ends_where_it_is_made(
    remote: Engine, model: str, cluster: Path
) -> None:
    before = outcomes().get("stopped", 0.0)
    with under_way(remote, model, "tsne", "me") as job:
        assert job.cancel("me")
        assert ended(job).stopped
        until(lambda: not processes(), "the end of its process")
    assert remote.layout_job(model, "tsne", False) is None
    assert remote.layout(model, "tsne", False) is None
    until(lambda: outcomes().get("stopped", 0.0) == before + 1, "the mapper's own account")
    assert not maps(cluster), "nothing half-made stays"
    again = remote.lay_out(model, "tsne", False, viewer="me")
    assert again is not job and ended(again).error is None
    assert remote.layout(model, "tsne", False) is not None


SECOND = """
import hashlib, sys
from engine.doorway import engine
job = engine().lay_out("mapped", "tsne", False, viewer="second")
print("begun", flush=True)
assert job.wait(240) and job.error is None, job.error
print(hashlib.sha256(engine().layout("mapped", "tsne", False).tobytes()).hexdigest())
"""


def test_two_fronts_share_one_computation_and_one_may_leave(remote: Engine, model: str) -> None:
    before = outcomes()
    with under_way(remote, model, "tsne", "first") as job:
        one = processes()
        argv = [sys.executable, "-c", SECOND]
        second = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert second.stdout is not None and second.stdout.readline() == "begun\n"
            assert processes() == one, "another computation began"
            assert job.cancel("first") and ended(job).stopped
        except BaseException:
            second.kill()
            raise
    said, _ = second.communicate(timeout=LONG)
    found = remote.layout(model, "tsne", False)
    assert second.returncode == 0 and found is not None
    assert said.strip() == hashlib.sha256(found.tobytes()).hexdigest()
    after = outcomes()
    assert after["done"] == before.get("done", 0) + 1
    assert after.get("stopped", 0) == before.get("stopped", 0)
    assert registry.running() == ()
