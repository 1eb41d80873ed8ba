"""What fails in a cluster, and what people see of it: nothing, or a sentence."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.api import Engine, Line, Reading, Sampling, Task, local
from engine.cluster import nodes, state
from engine.cluster.link import Link
from engine.cluster.questions import Question, version
from engine.decoding.generated import Generated
from engine.errors import BrokenBundle, EngineUnavailable
from engine.models import catalog
from engine.values import Tokens
from tests.cluster.asked import GPT, ONE, same
from tests.engines import ROOT

LONG = 240.0  # seconds: a slow machine is not a fault
LINES = tuple(Line(Sampling(temperature=1.0), run=run) for run in range(12))


def until(holds: Callable[[], bool], what: str, seconds: float = LONG) -> None:
    """Wait for something to hold."""
    latest = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < latest, f"{what}: not within {seconds:.0f} seconds"
        time.sleep(0.02)


def begun(remote: Engine, viewer: str) -> Iterator[tuple[Task, tuple[Generated, ...]]]:
    """Long texts of which a part is written, one after the other with other seeds."""
    ids = tuple(remote.tokens(ONE).ids.tolist())
    for seed in range(40, 60):
        task = Task(GPT, ids, seed=seed, limit=200)
        remote.write(task, LINES, viewer=viewer)
        found: list[tuple[Generated, ...]] = []

        def some(task: Task = task, found: list[tuple[Generated, ...]] = found) -> bool:
            found.append(remote.look(task, LINES, viewer=viewer))
            return any(one.tokens for one in found[-1])

        until(some, "a first token")
        yield task, found[-1]


def replicas() -> list[dict[str, str]]:
    """What those that are there say of themselves."""
    return Link().everyone()


def process(told: dict[str, str]) -> int:
    return int(told["replica"].rpartition("/")[2])


def test_a_text_whose_replica_is_killed_goes_on_identically(remote: Engine) -> None:
    until(lambda: len(replicas()) == 2, "two replicas")
    for task, _ in begun(remote, "killed"):
        writing = [process(one) for one in replicas() if int(one["streams"])]
        if len(writing) != 1:
            continue  # it was whole before we looked
        os.kill(writing[0], signal.SIGSTOP)  # so that it cannot end before it is killed
        before = remote.look(task, LINES, viewer="killed")
        if any(one.writing for one in before):
            break
        os.kill(writing[0], signal.SIGCONT)
    else:
        pytest.fail("every text was whole before its replica could be killed")
    assert sum(len(one.tokens) for one in before) < 200 * len(LINES)
    os.kill(writing[0], signal.SIGKILL)

    def whole() -> bool:
        return not any(one.writing for one in remote.look(task, LINES, viewer="killed"))

    until(whole, "the whole text")
    found = remote.look(task, LINES, viewer="killed")
    right = local().write(task, LINES, patience=LONG)
    for one, other, had in zip(found, right, before, strict=True):
        assert one.problem is None and one.end == other.end and one.end
        assert same(one.tokens, other.tokens) and one.texts == other.texts
        assert same(one.tokens[: len(had.tokens)], had.tokens), "what was read has changed"
    until(lambda: len(replicas()) == 2, "another replica in its place")


def test_a_text_that_is_stopped_ends_where_it_is_written(remote: Engine) -> None:
    for task, _ in begun(remote, "stops"):
        remote.stop_writing(task, LINES, viewer="stops")
        until(lambda: remote.texts_under_way() == 0, "the end of the writing")
        found = remote.look(task, LINES, viewer="stops")
        if sum(len(one.tokens) for one in found) < 200 * len(LINES):
            break
    else:
        pytest.fail("every text was whole before it could be stopped")
    assert not any(one.writing or one.problem for one in found)
    until(lambda: not any(int(one["streams"]) for one in replicas()), "the end of the stream")
    runs = [one["runs"] for one in replicas()]
    assert [one["runs"] for one in replicas()] == runs, "it is still being written"
    # Who asks again gets the whole text, from the tokens on that are here.
    again = remote.write(task, LINES, viewer="stops", patience=LONG)
    right = local().write(task, LINES, patience=LONG)
    assert all(same(one.tokens, other.tokens) for one, other in zip(again, right, strict=True))


def test_while_all_replicas_and_the_controller_are_lost_a_question_waits(remote: Engine) -> None:
    until(lambda: len(replicas()) == 2, "two replicas")
    controllers = [
        one
        for one in nodes.processes(state.read())
        if b"ServeController" in Path(f"/proc/{one}/cmdline").read_bytes()
    ]
    assert controllers
    for one in [*controllers, *map(process, replicas())]:
        os.kill(one, signal.SIGKILL)
    reading = Reading(GPT, "A question that nobody was there to answer.")
    assert same(remote.hidden(reading), local().hidden(reading))
    until(lambda: len(replicas()) == 2, "two other replicas")


def test_a_task_whose_replica_is_killed_is_done_all_the_same(remote: Engine) -> None:
    from engine.patching.contrast import Experiment

    until(lambda: len(replicas()) == 2, "two replicas")
    experiment = Experiment(GPT, "The king said that he", "The queen said that he", "feed-forward")
    job = remote.patch(experiment, viewer="me")
    for one in replicas():
        if int(one["streams"]):
            os.kill(process(one), signal.SIGKILL)
    assert job.wait(LONG) and job.error is None
    assert same(job.result, local().patched(experiment))


def test_a_lost_folder_is_told_and_found_again(remote: Engine, cluster: Path) -> None:
    shutil.copytree(catalog.SHIPPED / GPT, cluster / "mine", copy_function=os.link)

    def read(text: str) -> Tokens:
        return remote.tokens(Reading("mine", text))

    right = local().tokens(Reading("mine", "Here it is."))
    assert same(read("Here it is."), right)
    away = cluster.with_name("away")
    cluster.rename(away)
    try:
        time.sleep(0.1)  # a thread believes for 0.05 s what it saw
        with pytest.raises(BrokenBundle, match="is not there.*shares with its cluster"):
            read("Here it was.")
        question = Question(
            version(), "tokens", {"reading": Reading("mine", "x"), "side": "encoder"}
        )
        lost = replace(question, models=(("mine", "a digest"),))
        with pytest.raises(BrokenBundle, match="cannot read mine: the folder"):
            Link().ask(lost)
        assert remote.tokens(ONE).pieces  # what came along is elsewhere
    finally:
        away.rename(cluster)
    time.sleep(0.1)
    assert same(read("Here it is."), right)
    with pytest.raises(BrokenBundle, match="another model here"):
        Link().ask(lost)
    shutil.rmtree(cluster / "mine")


@pytest.mark.parametrize("call", ["answer", "follow", "write", "read_on"])
def test_two_versions_refuse_each_other_in_words(call: str, remote: Engine) -> None:
    remote.tokens(ONE)
    question = Question("another version", "patch", {"task": None, "lines": (), "reading": ONE,
                                                     "kind": "decoder"})  # fmt: skip
    with pytest.raises(EngineUnavailable, match="of version another.*the same version"):
        if call == "answer":
            Link().ask(question)
        else:
            list(Link().stream(call, question, *([()] if call == "write" else [])))


def test_what_is_no_question_is_not_answered(remote: Engine) -> None:
    remote.tokens(ONE)
    for method in ("delete", "__init__", "patch"):
        with pytest.raises(ValueError, match="not asked of a replica"):
            Link().ask(Question(version(), method, {}))


def front(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program of its own, with the settings of this one."""
    return subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "app.py")],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=280,
    )


ASK = """
from engine.doorway import engine
from engine.errors import EngineError
from engine.values import Reading
try:
    print(len(engine().tokens(Reading("tales-gpt", "Once upon a time"))))
except EngineError as error:
    print(type(error).__name__, error)
"""


def test_without_its_token_nobody_is_let_in(cluster: Path, tmp_path: Path) -> None:
    address = state.read().address
    (tmp_path / "token").write_text("0" * 64)
    other = {"ATLAS_CLUSTER": address, "RAY_AUTH_TOKEN_PATH": str(tmp_path / "token"),
             "RAY_AUTH_MODE": "token"}  # fmt: skip
    assert "EngineUnavailable" in front(ASK, **other).stdout


def test_without_a_cluster_there_is_a_remedy(cluster: Path, tmp_path: Path) -> None:
    nothing = front(ASK, ATLAS_MODELS=str(tmp_path / "models"))
    assert "EngineUnavailable" in nothing.stdout and "engine.cluster up" in nothing.stdout


MEMORY = """
import sys
from pathlib import Path
from engine.doorway import engine
from engine.models import runtime
from engine.values import Reading
import streamlit
for text in ("Once upon a time", "The end"):
    reading = Reading("tales-gpt", text)
    engine().layer(reading, "decoder", 0)
    engine().logits(reading, (1,))
lines = Path("/proc/self/status").read_text().splitlines()
(own,) = (int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
print(len(runtime.opened()), "torch" in sys.modules, own // 1000)
"""


def test_a_front_holds_no_model_and_little_memory(cluster: Path) -> None:
    run = front(MEMORY)
    # Its own memory: libraries are files that all processes of a machine share.
    opened, torch, megabytes = run.stdout.split()[-3:]
    assert (opened, torch) == ("0", "False") and int(megabytes) < 250, run.stdout + run.stderr
