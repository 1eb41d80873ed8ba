"""Jobs: sharing, watching, cancelling, processes that are killed with their children."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from engine import policy
from engine.errors import Busy, EngineError, ExportFailed, NotOffered, Stopped
from engine.jobs import processes, registry
from engine.jobs.processes import Limits
from engine.jobs.registry import Report
from tests.engine.test_processes import alive, until

KEYS = (f"test:{number}" for number in itertools.count())


@pytest.fixture
def key() -> str:
    return next(KEYS)


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def until_stopped(report: Report) -> None:
    while True:
        report.check()
        time.sleep(0.005)


def test_a_thread_tells_its_stage_progress_and_result(key: str):
    told = threading.Event()

    def work(report: Report) -> str:
        report.stage("Half way")
        report.progress(0.5)
        report.show(("a",))
        told.wait(5)
        return "done"

    job = registry.start(key, work)
    until(lambda: job.partial is not None)
    assert (job.stage, job.progress, job.partial, job.done) == ("Half way", 0.5, ("a",), False)
    told.set()
    assert job.wait(5)
    assert (job.result, job.progress, job.error) == ("done", 1.0, None)
    assert registry.find(key) is job


def test_equal_keys_share_one_running_job(key: str):
    count = itertools.count()
    gate = threading.Event()

    def work(report: Report) -> int:
        gate.wait(5)
        return next(count)

    found: list[registry.Job] = []
    threads = [
        threading.Thread(target=lambda: found.append(registry.start(key, work))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gate.set()
    assert len(set(map(id, found))) == 1
    assert found[0].wait(5) and found[0].result == 0


def test_a_finished_job_is_begun_anew(key: str):
    first = registry.start(key, lambda report: 1)
    assert first.wait(5)
    second = registry.start(key, lambda report: 2)
    assert second.wait(5) and second.result == 2 and second is not first


def test_one_viewers_cancel_leaves_the_job_to_the_others(key: str):
    job = registry.start(key, until_stopped, viewer="a")
    assert registry.start(key, until_stopped, viewer="b") is job
    assert not job.cancel("a") and not job.done
    assert job.cancel("b") and job.wait(5)
    assert job.stopped and isinstance(job.error, Stopped)


def test_a_viewer_who_has_not_looked_lately_does_not_count(
    key: str, monkeypatch: pytest.MonkeyPatch
):
    job = registry.start(key, until_stopped, viewer="gone")
    job.watch("here")
    monkeypatch.setattr(registry, "WATCHED_SECONDS", 0.05)
    time.sleep(0.1)
    assert job.cancel("here") and job.wait(5)


def test_a_job_that_nobody_watches_loses_its_patience(key: str):
    job = registry.start(key, until_stopped, patience=0.1)
    assert job.wait(5) and job.stopped


def test_a_sentence_and_a_bug_are_both_kept(key: str):
    def refuse(report: Report) -> None:
        raise NotOffered("No.")

    def break_down(report: Report) -> None:
        raise KeyError("bug")

    refused = registry.start(key, refuse)
    broken = registry.start(key + "b", break_down)
    assert refused.wait(5) and isinstance(refused.error, EngineError)
    assert broken.wait(5) and isinstance(broken.error, KeyError)


def test_who_waits_for_the_outcome_meets_what_ended_it(key: str):
    def refuse(report: Report) -> None:
        raise NotOffered("No.")

    assert registry.start(key, lambda report: "found").outcome("me", "It was stopped.") == "found"
    with pytest.raises(NotOffered, match="No."):
        registry.start(key + "b", refuse).outcome("me", "It was stopped.")
    with pytest.raises(Stopped, match="It was stopped."):
        registry.start(key + "c", lambda report: None).outcome("me", "It was stopped.")


@pytest.mark.parametrize("leaving", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_work_that_leaves_by_an_exit_ends_its_job(key: str, leaving: BaseException):
    def leave(report: Report) -> None:
        raise leaving

    job = registry.start(key, leave)
    assert job.wait(5) and not job.stopped
    assert type(leaving).__name__ in str(job.error)


def test_a_process_prints_events(key: str):
    text = (
        "import json, sys\n"
        "print('a library says hello')\n"
        "print(json.dumps({'stage': 'Load', 'progress': 0.25}))\n"
        "print('[1, 2]'); print('\\udcff' if 0 else '{')\n"
        "print(json.dumps({'result': {'name': 'é'}}))"
    )
    job = registry.start_process(key, script(text))
    assert job.wait(20)
    assert job.error is None and job.result == {"name": "é"} and job.stage == "Load"


def test_a_process_says_why_it_failed(key: str):
    text = 'print(\'{"error": "The disk is full."}\'); raise SystemExit(1)'
    job = registry.start_process(key, script(text))
    assert job.wait(20)
    assert isinstance(job.error, ExportFailed) and str(job.error) == "The disk is full."


def test_a_process_that_dies_gives_its_last_words(key: str):
    job = registry.start_process(key, script("raise MemoryError('too big')"))
    assert job.wait(20)
    assert "status 1" in str(job.error) and "too big" in str(job.error)


def test_a_command_that_is_not_there_is_a_sentence(key: str):
    job = registry.start_process(key, ["/no/such/command"])
    assert job.wait(20)
    assert isinstance(job.error, ExportFailed) and "could not be started" in str(job.error)


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")
def test_cancelling_kills_the_process_and_its_children(key: str, tmp_path: Path):
    text = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        'print(\'{"stage": "Started"}\', flush=True)\n'
        "time.sleep(60)"
    )
    job = registry.start_process(key, script(text))
    until(lambda: job.stage == "Started")
    child = int((tmp_path / "pid").read_text())
    assert alive(child)
    assert job.cancel() and job.wait(10) and job.stopped
    until(lambda: not alive(child))


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_process_that_ignores_the_request_is_killed(key: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "KILL_SECONDS", 0.2)
    text = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        'print(\'{"stage": "Started"}\', flush=True)\n'
        "time.sleep(60)"
    )
    job = registry.start_process(key, script(text))
    until(lambda: job.stage == "Started")
    job.cancel()
    assert job.wait(10) and job.stopped


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_cancelled_process_may_clean_up(key: str, tmp_path: Path):
    text = (
        "import signal, sys, time, pathlib\n"
        f"path = pathlib.Path({str(tmp_path / 'half')!r}); path.write_text('half')\n"
        "def stop(*_): raise SystemExit(143)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "try:\n"
        '    print(\'{"stage": "Started"}\', flush=True); time.sleep(60)\n'
        "finally:\n"
        "    path.unlink()"
    )
    job = registry.start_process(key, script(text))
    until(lambda: job.stage == "Started")
    job.cancel()
    assert job.wait(10)
    assert not (tmp_path / "half").exists()


def test_a_job_cancelled_before_its_process_runs_ends_too(key: str):
    job = registry.start_process(key, script("import time; time.sleep(60)"))
    job.kill()
    assert job.wait(10) and job.stopped


def test_a_job_is_done_with_its_result_not_with_the_end_of_its_process(key: str):
    text = (
        "import json, time\n"
        "print(json.dumps({'stage': 'Done', 'progress': 1.0, 'result': 1}), flush=True)\n"
        "time.sleep(60)"
    )
    job = registry.start_process(key, script(text))
    assert job.wait(20) and job.result == 1 and job.error is None


def test_a_process_that_nobody_looks_at_is_ended(key: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(policy, "kind", lambda name: policy.Kind("tests", patience=0.5))
    monkeypatch.setattr(registry, "MINDED_SECONDS", 0.05)
    job = registry.start_process(key, script("import time; time.sleep(60)"))
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        job.watch()
        time.sleep(0.05)
    assert not job.done
    assert job.wait(20) and job.stopped


def test_a_kind_of_job_has_its_limits_in_all_and_for_one_viewer(
    key: str, monkeypatch: pytest.MonkeyPatch
):
    rule = policy.Kind("tests", at_once=3, each=2)
    monkeypatch.setattr(policy, "kind", lambda name: rule)
    jobs = [registry.start(f"{key}a:{n}", until_stopped, viewer="a") for n in range(2)]
    assert registry.room(f"{key}a".partition(":")[0], "a") is not None
    with pytest.raises(Busy, match="Your tests under way: 2"):
        registry.start(f"{key}a:2", until_stopped, viewer="a")
    assert registry.start(f"{key}a:0", until_stopped, viewer="a") is jobs[0]  # joining is free
    jobs.append(registry.start(f"{key}a:3", until_stopped, viewer="b"))
    with pytest.raises(Busy, match="places for tests are taken"):
        registry.start(f"{key}a:4", until_stopped, viewer="c")
    for job in jobs:
        job.kill()
        assert job.wait(5)
    assert registry.start(f"{key}a:5", lambda report: 1, viewer="c").wait(5)


def test_a_viewers_oldest_makes_room_where_that_is_the_rule(
    key: str, monkeypatch: pytest.MonkeyPatch
):
    rule = policy.Kind("tests", each=2, yields=True)
    monkeypatch.setattr(policy, "kind", lambda name: rule)
    jobs = [registry.start(f"{key}b:{n}", until_stopped, viewer="a") for n in range(4)]
    assert jobs[0].wait(5) and jobs[1].wait(5) and jobs[0].stopped
    assert not jobs[2].done and not jobs[3].done
    jobs[2].watch("b")  # somebody else looks on: it stays, and there is no room
    with pytest.raises(Busy):
        registry.start(f"{key}b:4", until_stopped, viewer="a")
    for job in jobs:
        job.kill()


def test_a_process_is_held_to_the_limits_of_its_kind(key: str, monkeypatch: pytest.MonkeyPatch):
    rule = policy.Kind("tests", limits=Limits(wall=0.5))
    monkeypatch.setattr(policy, "kind", lambda name: rule)
    job = registry.start_process(key, script("import time; time.sleep(60)"))
    assert job.wait(20) and "took more than" in str(job.error)


def test_finished_jobs_are_bounded_and_expire(key: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "FINISHED_AT_MOST", 3)
    for number in range(6):
        assert registry.start(f"{key}:{number}", lambda report: None).wait(5)
    assert [registry.find(f"{key}:{n}") is not None for n in range(6)] == [False] * 3 + [True] * 3
    monkeypatch.setattr(registry, "FINISHED_SECONDS", 0.0)
    assert registry.find(f"{key}:5") is None


def test_what_finished_jobs_hold_is_bounded(key: str, monkeypatch: pytest.MonkeyPatch):
    """64 long texts read block by block left their pictures of 2.4 MB each in no bound."""
    monkeypatch.setattr(registry, "FINISHED_BYTES", 10**6)
    for number in range(5):
        work = lambda report: report.show((np.zeros(400_000, dtype=np.uint8),))  # noqa: E731
        assert registry.start(f"{key}:{number}", work).wait(5)
    assert [registry.find(f"{key}:{n}") is not None for n in range(5)] == [False] * 3 + [True] * 2
    assert registry.start(f"{key}:large", lambda report: bytes(10**7)).wait(5)
    assert registry.find(f"{key}:large") is not None and registry.find(f"{key}:4") is None


def test_too_many_running_jobs_are_refused(key: str, monkeypatch: pytest.MonkeyPatch):
    job = registry.start(key, until_stopped)
    monkeypatch.setattr(registry, "RUNNING_AT_MOST", len(registry.running()))
    with pytest.raises(Busy, match="running already"):
        registry.start(key + "more", until_stopped)
    job.kill()
    assert job.wait(5)
