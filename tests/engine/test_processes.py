"""Child processes: one way to speak, bounds that hold, and no life after the app's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.jobs import processes
from engine.jobs.processes import ROOT, Child, Limits

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits are POSIX")
SLEEPER = "import os, time; print('{\"pid\": %d}' % os.getpid(), flush=True); time.sleep(60)"
ECHO = (
    "from engine.jobs.child import questions, say\n"
    "for question in questions(): say(answer=question['a'] * 2)"
)


def child(text: str, **limits: float) -> Child:
    return Child([sys.executable, "-c", text], limits=Limits(**limits))  # type: ignore[arg-type]


def test_questions_are_answered_one_after_the_other() -> None:
    asked = child(ECHO)
    assert [asked.ask({"a": a}, 20) for a in (1, "é\n", [2])] == [
        {"answer": 2},
        {"answer": "é\né\n"},
        {"answer": [2, 2]},
    ]
    asked.kill()
    assert not asked.alive and asked.ask({"a": 1}, 20) is None


def test_an_answer_that_does_not_come_in_time_ends_the_process() -> None:
    silent = child("import time; time.sleep(60)")
    before = time.monotonic()
    assert silent.ask({"a": 1}, 0.5) is None and silent.late
    assert time.monotonic() - before < 10
    silent.kill()


@posix
@pytest.mark.parametrize(
    ("text", "limits", "said"),
    [
        ("while True: pass", {"processor": 1}, "computed for more than 1 seconds"),
        ("import time; time.sleep(60)", {"wall": 1}, "took more than 1 seconds"),
        ("x = bytearray(3 * 10**9)", {"memory": 10**9}, "asked for more than 1 GB"),
    ],
    ids=["processor", "wall", "memory"],
)
def test_who_takes_more_than_the_limit_is_ended_and_told(
    text: str, limits: dict[str, float], said: str
) -> None:
    greedy = child(text, **limits)
    assert list(greedy.events()) == []
    assert said in (greedy.finish() or "")


@posix
def test_computing_is_limited_for_each_question_alone() -> None:
    text = (
        "import time\n"
        "from engine.jobs.child import questions, say\n"
        "for question in questions(processor=1.0):\n"
        "    end = time.process_time() + question['seconds']\n"
        "    while time.process_time() < end: pass\n"
        "    say(done=True)"
    )
    asked = child(text)
    # Together more than the limit, each less than it.
    assert [asked.ask({"seconds": 0.4}, 60) for _ in range(4)] == [{"done": True}] * 4
    assert asked.ask({"seconds": 30}, 60) is None and not asked.late
    asked.kill()


@posix
def test_a_child_outlives_the_thread_that_started_it() -> None:
    # Linux tells a process of its parent's end when the thread ends that made it.
    made: list[Child] = []
    thread = threading.Thread(target=lambda: made.append(child(ECHO)))
    thread.start()
    thread.join()
    assert made[0].ask({"a": 1}, 20) == {"answer": 2}
    time.sleep(0.2)
    assert made[0].ask({"a": 2}, 20) == {"answer": 4}
    made[0].kill()


APP = """
import sys, time
from engine.jobs.processes import Child
child = Child([sys.executable, "-c", sys.argv[1]])
print(next(child.events())["pid"], flush=True)
time.sleep(60)
"""
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


@posix
@pytest.mark.parametrize("signalled", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_child_outlives_the_app_however_it_ends(signalled: int) -> None:
    app, pid = _app(SLEEPER)
    assert alive(pid)
    app.send_signal(signalled)
    app.wait(10)
    until(lambda: not alive(pid), 5)


@posix
def test_a_child_that_ignores_the_request_is_killed_after_the_app() -> None:
    app, pid = _app(STUBBORN)
    app.kill()
    app.wait(10)
    until(lambda: not alive(pid), processes.KILL_SECONDS + 5)


@posix
def test_a_child_ends_with_its_stdin_where_no_kernel_tells_it() -> None:
    plan = f'{{"parent": {os.getpid()}}}'
    alone = subprocess.Popen(
        [sys.executable, "-m", "engine.jobs.child", plan, "-c", SLEEPER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert alone.stdin is not None and alone.stdout is not None
    alone.stdout.readline()
    alone.stdin.close()
    assert alone.wait(10) == -signal.SIGTERM
    alone.stdout.close()


def test_a_module_sees_its_own_arguments_and_the_projects_folder(tmp_path: Path) -> None:
    text = "import sys, os, json; print(json.dumps({'argv': sys.argv, 'cwd': os.getcwd()}))"
    asked = Child([sys.executable, "-c", text, "--look", "x"])
    told = next(asked.events())
    assert asked.finish() is None
    assert told == {"argv": ["-c", "--look", "x"], "cwd": str(ROOT)}


def _app(text: str) -> tuple[subprocess.Popen[str], int]:
    """A process that plays the app, with one child, and the child's id."""
    app = subprocess.Popen(
        [sys.executable, "-c", APP, text], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert app.stdout is not None
    pid = int(app.stdout.readline())
    app.stdout.close()
    return app, pid


def until(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return True
