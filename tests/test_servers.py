"""The one server of the journeys: the first worker starts it, the last that lives ends it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import servers

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """What was started in the place of servers."""
    found: list[subprocess.Popen[bytes]] = []

    def start(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
        found.append(subprocess.Popen(SLEEP, start_new_session=True))
        return found[-1], f"http://localhost:{len(found)}"

    monkeypatch.setattr(servers, "start", start)
    yield found
    for process in found:
        process.returncode = None
        process.kill()
        process.wait(10)


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Another worker of the run."""
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait(10)


def join(folder: Path, process: subprocess.Popen[bytes]) -> None:
    note = folder / "users.json"
    known = json.loads(note.read_text())
    note.write_text(json.dumps(known | {"users": [*known["users"], process.pid]}))


def ended(process: subprocess.Popen[bytes]) -> bool:
    process.returncode = None
    for _ in range(100):
        if process.poll() is not None:
            return True
        time.sleep(0.02)
    return False


def test_a_server_is_ended_by_who_uses_it_alone(tmp_path: Path, begun: list) -> None:
    with servers.shared(tmp_path / "server") as address:
        assert address == "http://localhost:1" and servers.alive(begun[0].pid)
    assert ended(begun[0]) and len(begun) == 1


def test_a_server_stays_while_another_uses_it(
    tmp_path: Path, begun: list, other: subprocess.Popen[bytes]
) -> None:
    with servers.shared(tmp_path / "server"):
        join(tmp_path / "server", other)
    begun[0].returncode = None
    assert begun[0].poll() is None
    with servers.shared(tmp_path / "server") as address:  # no second one
        assert address == "http://localhost:1" and len(begun) == 1


def test_a_worker_that_died_keeps_no_server(
    tmp_path: Path, begun: list, other: subprocess.Popen[bytes]
) -> None:
    with servers.shared(tmp_path / "server"):
        join(tmp_path / "server", other)
        other.kill()
        other.wait(10)
    assert ended(begun[0])
