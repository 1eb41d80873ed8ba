"""Exports and trainings at a worker: what is asked of it, what it refuses, and the whole way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine import installing, policy
from engine.api import Engine, Reading, local
from engine.cluster import nodes, programs, state
from engine.cluster.link import Link
from engine.cluster.programs import MODULES, Programs, asked, here, lend
from engine.cluster.replicas import Update
from engine.errors import ExportFailed, NotAllowed
from engine.jobs import registry
from engine.jobs.registry import Job
from engine.models import adding
from engine.policy import Visitor
from engine.settings import settings
from engine.tuning import running
from engine.tuning.plans import Own
from tests.cluster.asked import ended, same
from tests.cluster.test_faults import LONG, process, until
from tests.engines import ROOT

HOST, GUEST = Visitor("host", here=True), Visitor("guest")
PYTHON = sys.executable


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Whoever is asked for programs after a test is who was asked before it."""
    runners, elsewhere = dict(registry._runners), list(installing.ELSEWHERE)
    yield
    registry._runners.clear()
    registry._runners.update(runners)
    installing.ELSEWHERE[:] = elsewhere


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that front and workers share."""
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path / "one" / "models"))
    settings.cache_clear()
    yield tmp_path / "one"
    monkeypatch.undo()
    settings.cache_clear()


# --- What is asked ---


def test_files_are_found_wherever_the_shared_folder_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = [PYTHON, "-m", "engine.export", "--json", "--", f"{folder}/checkpoints/a"]
    question = asked("export:host:a", argv, {"HF_HUB_CACHE": f"{folder}/hub", "HF_TOKEN": ""})
    assert question is not None and question.method == "program"
    options, environment = question.arguments["options"], question.arguments["environment"]
    assert str(folder) not in repr(question.arguments)
    monkeypatch.setenv("ATLAS_MODELS", "/elsewhere/models")
    settings.cache_clear()
    assert [here(one) for one in options] == ["--json", "--", "/elsewhere/checkpoints/a"]
    assert {name: here(value) for name, value in environment.items()} == {
        "HF_HUB_CACHE": "/elsewhere/hub",
        "HF_TOKEN": "",
    }


@pytest.mark.parametrize(
    "argv",
    [
        ["engine.export", "--json", "--", "/home/me/checkpoint"],  # which others cannot see
        ["engine.export", "--json", "--", f"{programs.SHARED}/../secret"],
        ["engine.installing", "exporter", "--json"],
        ["engine.space.vocabulary_layout", "umap"],
    ],
)
def test_what_only_this_machine_can_do_is_done_here(argv: list[str], folder: Path) -> None:
    assert asked("export:host:x", [PYTHON, "-m", *argv], {}) is None


# --- What a worker refuses ---


@pytest.mark.parametrize(
    ("key", "module", "environment"),
    [
        ("export:x", "os", {}),
        ("export:x", "engine.jobs.child", {}),
        ("map:x", "engine.export", {}),
        ("train:x", "engine.export", {}),
        ("export:x", "engine.training.own", {}),
        ("export:x", "engine.export", {"PYTHONPATH": "/tmp"}),
        ("export:x", "engine.export", {"LD_PRELOAD": "x", "HF_TOKEN": ""}),
    ],
)
def test_a_worker_runs_its_programs_and_no_other(
    key: str, module: str, environment: dict[str, str], folder: Path
) -> None:
    before = registry.running()
    with pytest.raises(NotAllowed, match="no program of a worker"):
        Programs().program(key, module, (), environment, "me")
    assert registry.running() == before and registry.find(key) is None


def test_in_public_no_worker_trains_and_nobody_exports_but_who_may(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_MODE", "public")
    settings.cache_clear()
    link = Fake()
    lend(link)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        Programs().program("train:x", "engine.training.own", (), {}, "me")
    for ask in (
        lambda: adding.export("gpt2", HOST, precision="fp32", name="gpt2"),
        lambda: running.train_own("x" * 600, Own(), "x", HOST),
    ):
        with pytest.raises(NotAllowed):
            ask()
    assert not link.asked, "a worker was asked before the rule was"


def test_what_a_front_hands_on_is_what_a_worker_takes(folder: Path) -> None:
    for who in (HOST, GUEST):
        assert set(policy.handed_on(who) | running.ONE_CORE) <= programs.ENVIRONMENT
    assert set(programs.KINDS) == {kind for kinds in MODULES.values() for kind in kinds}


# --- What a front does ---


class Fake:
    """A link to a worker that says what a test wants."""

    def __init__(self, *updates: Update | Exception, worker: bool = True) -> None:
        self.updates, self.worker = updates, worker
        self.asked: list[Any] = []
        self.left = 0

    def has(self, name: str) -> bool:
        return self.worker and name == "worker"

    def stream(self, call: str, question: Any, turn: int = 0) -> Iterator[Update]:
        self.asked.append(question)
        try:
            for update in self.updates:
                if isinstance(update, Exception):
                    raise update
                yield update
            while not self.updates[-1].done:  # type: ignore[union-attr]
                yield self.updates[-1]  # type: ignore[misc]
        finally:
            self.left += 1


ARGV = [PYTHON, "-m", "engine.export", "--json", "--", "maker/model"]


def test_a_job_shows_what_the_worker_shows(folder: Path) -> None:
    link = Fake(Update(0.25, "Loading", {"a": 1}), Update(1.0, "Done", done=True, result={"b": 2}))
    lend(link)  # type: ignore[arg-type]
    job = ended(registry.start_process("export:host:fake", ARGV, viewer="me"))
    assert job.error is None and job.result == {"b": 2} and job.partial == {"a": 1}
    assert job.stage == "Done" and job.kind == "export" and job.owner == "me"
    assert link.asked[0].viewer == "me" and link.left == 1


def test_a_refusal_of_the_worker_is_the_jobs(folder: Path) -> None:
    lend(Fake(Update(0.1, "a"), ExportFailed("There is no such model.")))  # type: ignore[arg-type]
    job = ended(registry.start_process("export:host:none", ARGV, viewer="me"))
    assert isinstance(job.error, ExportFailed) and str(job.error) == "There is no such model."


def test_who_stops_a_job_leaves_its_worker(folder: Path) -> None:
    link = Fake(Update(0.1, "for ever"))
    lend(link)  # type: ignore[arg-type]
    job = registry.start_process("export:host:long", ARGV, viewer="me")
    until(lambda: job.stage == "for ever", "its beginning")
    assert job.cancel("me") and ended(job).stopped and link.left == 1


def test_without_a_worker_a_program_runs_here(folder: Path) -> None:
    link = Fake(worker=False)
    lend(link)  # type: ignore[arg-type]
    argv = [PYTHON, "-m", "engine.export", "--json", "--", str(folder / "nothing")]
    job = ended(registry.start_process("export:host:nothing", argv, viewer="me"))
    assert isinstance(job.error, ExportFailed) and not link.asked


def test_a_front_needs_no_packages_for_what_others_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "missing", lambda part: ("torch",))
    assert "torch" in installing.told("models")
    lend(Fake())  # type: ignore[arg-type]
    assert installing.told("models") == installing.told("training") == ""
    assert "torch" in installing.told("maps"), "there is no mapper"


# --- In a cluster ---

SAVE = """
import sys
from pathlib import Path
from tests.engine.checkpoints import save
save(sys.argv[1], Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def checkpoint(cluster: Path) -> Path:
    """A tiny model as it is published, in the folder that all share."""
    place = cluster.parent / "checkpoints" / "tiny"
    argv = [PYTHON, "-c", SAVE, "gpt2", str(place)]
    subprocess.run(argv, cwd=ROOT, check=True, timeout=280, capture_output=True)
    return place


def parents(one: int) -> list[int]:
    """A process and those above it, the nearest first."""
    found = []
    while one > 1:
        found.append(one)
        one = int(nodes._stat(one)[1])
    return found


def running_at(program: bytes) -> list[int]:
    """Processes of the cluster that run a program."""
    found = []
    for one in nodes.processes(state.read()):
        try:
            if program in Path(f"/proc/{one}/cmdline").read_bytes():
                found.append(one)
        except OSError:
            continue
    return found


def begun(begin: Callable[[int], Job], program: bytes) -> tuple[Job, list[int]]:
    """A job whose processes stand still, so that it cannot end before we have looked."""
    for turn in range(9):
        job = begin(turn)
        until(lambda job=job: job.done or bool(running_at(program)), "its process")
        held = running_at(program)
        for one in held:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGSTOP)
        if held and held == running_at(program):
            return job, held
        assert job.error is None, job.error
    pytest.fail("every one had ended before we could look")


def go_on(held: list[int]) -> None:
    for one in held:
        os.kill(one, signal.SIGCONT)


def worker() -> int:
    """The process of the worker."""
    told, silent = Link().heard("worker", "told", 60)
    assert not silent and len(told) == 1
    return process(told[0])


def test_an_export_runs_at_the_worker_and_its_model_is_there_for_all(
    remote: Engine, cluster: Path, checkpoint: Path
) -> None:
    at = worker()

    def export(turn: int) -> Job:
        return adding.export(str(checkpoint), HOST, precision="fp32", name=f"exported-{turn}")

    job, held = begun(export, b"engine.export")
    name = job.key.rpartition(":")[2]
    try:
        assert all(at in parents(one) for one in held)
        assert adding.exporting(str(checkpoint), HOST, name) is job and not job.done
    finally:
        go_on(held)
    stages = set[str]()
    while not job.wait(0.02):
        job.watch("host")
        stages.add(job.stage)
    assert job.error is None and len(stages) > 1, (job.error, stages)
    assert (cluster / name / "card.json").exists() and job.result
    reading = Reading(name, "the cat")
    assert same(remote.hidden(reading), local().hidden(reading))
    remote.delete(name, HOST)
    assert not (cluster / name).exists()


def test_an_export_that_is_stopped_ends_at_the_worker_and_leaves_nothing(
    remote: Engine, cluster: Path, checkpoint: Path
) -> None:
    def export(turn: int) -> Job:
        return adding.export(str(checkpoint), HOST, precision="fp32", name=f"stopped-{turn}")

    job, _ = begun(export, b"engine.export")
    assert job.cancel("host") and ended(job).stopped
    until(lambda: not running_at(b"engine.export"), "the end of its process")
    assert not (cluster / job.key.rpartition(":")[2]).exists()


def test_a_training_runs_at_the_worker_and_ends_with_its_best_when_asked(
    remote: Engine, cluster: Path
) -> None:
    text = "\n".join(f"The fox number {k} went home and sat down to eat." for k in range(60))
    at = worker()

    def train(turn: int) -> Job:
        return remote.train_own(text, Own(1, 32, 1000), f"My text {turn}", HOST)

    job, held = begun(train, b"engine.training.own")
    try:
        assert all(at in parents(one) for one in held)
    finally:
        go_on(held)
    until(lambda: job.done or bool(job.partial), "its first figures")
    assert job in remote.trainings(HOST) and remote.trainings(GUEST) == ()
    remote.finish_training(job, HOST)
    assert ended(job, LONG).error is None, job.error
    assert int(job.result["curve"][-1][0]) < 1000
    name = job.key.partition(":")[2]
    assert remote.find(name).ready and (cluster / name / "card.json").exists()
    reading = Reading(name, "The fox")
    assert same(remote.hidden(reading), local().hidden(reading))
    remote.delete(name, HOST)
