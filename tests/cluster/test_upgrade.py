"""A new version comes beside the old one while texts are written, and takes over."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.kills import Viewers
from engine.api import Engine, Line, Reading, Sampling, Task, local
from engine.cluster.link import application
from engine.errors import EngineUnavailable
from tests.cluster.asked import GPT, ONE, same
from tests.cluster.test_faults import begun, process, replicas, until
from tests.engines import ROOT, command

pytestmark = pytest.mark.timeout(900)  # three starts of replicas, on a slow machine
LINES = tuple(Line(Sampling(temperature=1.0), run=run) for run in range(12))
WRITE = """
import json, sys
from engine.api import Line, Sampling, Task
from engine.cluster.questions import version
from engine.doorway import engine
lines = [Line(Sampling(temperature=1.0), run=run) for run in range(3)]
told = []
for seed in range(3):
    task = Task("tales-gpt", tuple(json.loads(sys.argv[1])), seed=seed, limit=60)
    found = engine().write(task, lines, viewer="new", patience=240)
    assert not any(one.problem for one in found), found
    told.append([list(one.ids) for one in found])
print(json.dumps([version()[:8], told]))
"""


def other_version(folder: Path) -> Path:
    """The engine with a line more, in a folder of its own."""
    for name in ("engine", "hosting"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "assets").symlink_to(ROOT / "assets", target_is_directory=True)
    with (folder / "engine" / "cluster" / "__init__.py").open("a") as file:
        file.write("# Another version.\n")
    return folder


def run(folder: Path, *argv: str) -> subprocess.Popen[str]:
    """A program of the version in a folder, with the settings of this process."""
    return subprocess.Popen(
        [sys.executable, *argv], cwd=folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(folder)},
    )  # fmt: skip


def said(program: subprocess.Popen[str]) -> str:
    """What a program said that ended well."""
    told, _ = program.communicate(timeout=280)
    assert program.returncode == 0, told
    return told


def applications() -> dict[str, str]:
    """Each application and how it is: RUNNING, DELETING."""
    from ray import serve  # pyright: ignore[reportMissingImports]

    return {name: one.status.value for name, one in serve.status().applications.items()}


@contextmanager
def stopped(processes: list[int]) -> Iterator[None]:
    """Processes that do nothing meanwhile."""
    for one in processes:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in processes:
            os.kill(one, signal.SIGCONT)


@pytest.fixture
def another(remote: Engine, cluster: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder of another version; in the end the cluster is of this one again."""
    remote.tokens(ONE)
    yield other_version(tmp_path / "new")
    command("up", "--plan", str(cluster.parent / "plan.yaml"))
    command("retire")
    until(lambda: len(replicas()) == 2, "the replicas of this version")


def test_a_new_version_takes_over_and_no_sentence_is_lost(
    remote: Engine, cluster: Path, another: Path
) -> None:
    ids = local().tokens(ONE).ids.tolist()
    crowd = Viewers(remote, local(), 3)
    crowd.start()
    try:
        # The new one comes beside the old one; its front and the old one both write.
        plan = str(cluster.parent / "plan.yaml")
        said(run(another, "-m", "engine.cluster", "up", "--plan", plan))
        assert {application("reader"), application("mapper")} < set(applications())
        version, texts = json.loads(
            said(run(another, "-c", WRITE, json.dumps(ids))).splitlines()[-1]
        )
        assert f"reader-{version}" in applications() and f"reader-{version}" != application(
            "reader"
        )
    finally:
        tally = crowd.stop()
    assert tally.begun == tally.ended == tally.same > 0, tally.wrong
    for seed, found in enumerate(texts):
        task = Task(GPT, tuple(ids), seed=seed, limit=60)
        right = local().write(task, LINES[:3], patience=240)
        assert found == [list(one.ids) for one in right]

    # The last text of the old front is under way when its engines are retired.
    for task, _ in begun(remote, "last"):
        busy = [process(one) for one in replicas() if int(one["streams"])]
        with stopped(busy):  # so that it cannot end before
            before = remote.look(task, LINES, viewer="last")
            if not any(one.writing for one in before):
                continue
            retire = run(another, "-m", "engine.cluster", "retire")

            def retired(task: Task = task) -> bool:
                remote.look(task, LINES, viewer="last")  # somebody reads it all the while
                return applications().get(application("reader"), "") != "RUNNING"

            until(retired, "the beginning of the end of the old version")
        break
    else:
        pytest.fail("every text was whole before its engines could be retired")
    found = remote.write(task, LINES, viewer="last", patience=240)
    right = local().write(task, LINES, patience=240)
    for one, other in zip(found, right, strict=True):
        assert one.problem is None and one.end == other.end
        assert same(one.tokens, other.tokens) and one.texts == other.texts
    assert application("reader") in said(retire)
    ours = {f"{name}-{version}" for name in ("reader", "mapper", "worker")}
    assert set(applications()) == ours
    # A front that was forgotten hears why it is not answered.
    with pytest.raises(EngineUnavailable, match="this app is of version|of the cluster went away"):
        remote.hidden(Reading(GPT, "A question of yesterday's app."))
