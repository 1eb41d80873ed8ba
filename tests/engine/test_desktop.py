"""The app in a window of its own, started really; the browsers are programs of these tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.hosting import desktop, window
from engine.hosting.lifeline import MISSING, hold

ROOT = Path(__file__).resolve().parents[2]
# Notes how it was started and what the app answers, and stays until it is told to go.
BROWSER = """#!{python}
import json, os, pathlib, sys, time, urllib.request
folder = pathlib.Path({folder!r})
address = next((a for a in sys.argv if a.startswith("--app=")), "--app=" + sys.argv[-1])[6:]
with urllib.request.urlopen(address, timeout=20) as answer:
    page = answer.read().decode()
(folder / "note.part").write_text(json.dumps({{"argv": sys.argv, "address": address, "page": page,
  "profile": [a[16:] for a in sys.argv if a.startswith("--user-data-dir=")], "pid": os.getpid()}}))
os.replace(folder / "note.part", folder / "note.json")
{rest}
"""
STAYS = """
while not (folder / "close").exists():
    time.sleep(0.05)
sys.exit(int((folder / "close").read_text() or 0))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path


def browser(folder: Path, name: str = "chromium", rest: str = STAYS) -> Path:
    """A program on PATH in the place of a browser."""
    path = folder / "bin" / name
    path.write_text(BROWSER.format(python=sys.executable, folder=str(folder), rest=rest))
    path.chmod(0o755)
    return path


@pytest.fixture
def started(folder: Path) -> Iterator:
    """A function that starts `make desktop`'s program; none of them outlives the test."""
    found: list[subprocess.Popen[str]] = []

    def start(**environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.hosting.desktop"],
            cwd=ROOT,
            env=os.environ
            | {"PATH": str(folder / "bin"), "ATLAS_MODELS": str(folder / "models")}
            | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        found.append(process)
        return process

    yield start
    for process in found:
        process.kill()
        process.communicate()


def noted(folder: Path, process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the browser noted, once it has seen the page."""
    until = time.monotonic() + 60
    while not (folder / "note.json").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)
    return json.loads((folder / "note.json").read_text())


def is_open(address: str) -> bool:
    host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
    with socket.socket() as line:
        return line.connect_ex((host, int(port))) == 0


def gone(address: str, *pids: int, seconds: float = 20) -> bool:
    """Whether the server and these processes end within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not is_open(address) and not any(map(runs, pids)) and not of_address(address):
            return True
        time.sleep(0.1)
    return False


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def of_address(address: str) -> list[int]:
    """The processes that were started for a server of this address."""
    port = address.rstrip("/").rpartition(":")[2]
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if f"--server.port={port}".encode() in words and runs(int(path.parent.name)):
            found.append(int(path.parent.name))
    return found


def test_a_window_is_opened_and_its_end_ends_the_server(folder: Path, started) -> None:
    browser(folder)
    process = started(ATLAS_MODE="public", ATLAS_PUBLIC_URL="https://school.example")
    note = noted(folder, process)
    assert note["address"].startswith("http://127.0.0.1:") and "<title>" in note["page"]
    assert is_open(note["address"]) and len(of_address(note["address"])) == 2
    (profile,) = note["profile"]
    assert Path(profile).is_dir()
    (folder / "close").write_text("")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")
    assert gone(note["address"], note["pid"], seconds=1) and not Path(profile).exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_no_orphan_stays_however_the_program_ends(how: int, folder: Path, started) -> None:
    browser(folder)
    process = started()
    note = noted(folder, process)
    process.send_signal(how)
    process.communicate(timeout=30)
    assert gone(note["address"], note["pid"])


def test_the_window_ends_with_its_server(folder: Path, started) -> None:
    browser(folder)
    process = started()
    note = noted(folder, process)
    for pid in of_address(note["address"]):
        os.kill(pid, signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1 and "ended by itself" in err
    assert gone(note["address"], note["pid"], seconds=1)


def test_a_browser_that_shows_nothing_gives_way_to_the_next(folder: Path, started) -> None:
    (folder / "bin" / "chromium").write_text("#!/bin/sh\nexit 1\n")
    (folder / "bin" / "chromium").chmod(0o755)
    (folder / "bin" / "google-chrome").write_text("#!/no/such/program\n")
    (folder / "bin" / "google-chrome").chmod(0o755)
    browser(folder, "vivaldi")
    process = started()
    assert noted(folder, process)["argv"][0].endswith("vivaldi")
    (folder / "close").write_text("")
    assert process.wait(30) == 0


def test_a_server_that_does_not_start_is_said_with_its_last_words(folder: Path, started) -> None:
    browser(folder)
    process = started(ATLAS_RUNS="many")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and not (folder / "note.json").exists()
    assert "The app did not start." in err and "ATLAS_RUNS must be a whole number" in err


def test_without_such_a_browser_a_tab_is_opened_and_the_server_ends_after_its_last_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The usual browser hands the address over and is gone; its page stays for a while.
    rest = f"""
import asyncio, subprocess
visit = '''
import asyncio, sys
sys.path.insert(0, {str(ROOT)!r})
from bench.visitor import Visitor
async def run():
    async with Visitor(sys.argv[1].rstrip("/")) as visitor:
        await visitor.open("")
        await visitor.think(4)
asyncio.run(run())
'''
subprocess.Popen([sys.executable, "-c", visit, address])
"""
    browser(folder, "somebodys-own", rest)
    monkeypatch.setenv("PATH", str(folder / "bin"))
    monkeypatch.setenv("BROWSER", "somebodys-own %s")
    monkeypatch.setenv("ATLAS_MODELS", str(folder / "models"))
    monkeypatch.setattr(desktop.webbrowser, "_tryorder", None)
    monkeypatch.setattr(desktop, "GONE", 3.0)
    monkeypatch.setattr(desktop, "COMING", 60.0)
    began = time.monotonic()
    with desktop.server() as (held, address):
        desktop.show(held, address)
        took = time.monotonic() - began
        # As long as the page was there, and not for ever; gone is who was away for ten seconds.
        assert held.alive and 6 < took < 50
    assert gone(address, seconds=1)
    assert json.loads((folder / "note.json").read_text())["address"] == f"{address}/"
    assert address in capsys.readouterr().out


def test_a_tab_that_nobody_opens_does_not_keep_the_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder / "bin"))
    monkeypatch.setattr(desktop.webbrowser, "open", lambda address: False)
    monkeypatch.setattr(desktop, "COMING", 2.0)
    with desktop.server() as (held, address):
        desktop.show(held, address)
    assert gone(address, seconds=1)


WEBVIEW = """
import json, os, pathlib, time, urllib.request
folder = pathlib.Path(os.environ["NOTES"])
class Window:
    def destroy(self):
        (folder / "close").write_text("")
def create_window(title, address, **size):
    global said
    said = {"title": title, "address": address, "argv": [], "pid": os.getpid(), **size}
    return Window()
def start():
    if os.environ.get("BROKEN"):
        raise RuntimeError("You must have either QT or GTK")
    with urllib.request.urlopen(said["address"], timeout=20):
        (folder / "note.json").write_text(json.dumps(said))
    while not (folder / "close").exists():
        time.sleep(0.05)
"""


def test_pywebview_is_taken_where_it_is_and_a_browser_where_it_has_no_window(
    folder: Path, started
) -> None:
    (folder / "libraries").mkdir()
    (folder / "libraries" / "webview.py").write_text(WEBVIEW)
    own = {"PYTHONPATH": str(folder / "libraries"), "NOTES": str(folder)}
    browser(folder)
    process = started(**own)
    note = noted(folder, process)
    assert note["title"] == "Transformer Atlas" and note["width"] > note["height"] > 400
    for pid in of_address(note["address"]):  # the window is closed where the app has ended
        os.kill(pid, signal.SIGKILL)
    assert process.wait(30) == 1 and gone(note["address"], seconds=1)

    (folder / "note.json").unlink()
    (folder / "close").unlink()
    process = started(**own, BROKEN="1")
    assert noted(folder, process)["argv"][0].endswith("chromium")
    (folder / "close").write_text("")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "must have either QT or GTK" in err


def test_browsers_are_found_once_each_and_likeliest_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder / "bin"))
    assert window.browsers() == []
    for name in ("vivaldi", "msedge", "chromium", "firefox"):
        browser(folder, name)
    assert [Path(one).name for one in window.browsers()] == ["chromium", "msedge", "vivaldi"]
    monkeypatch.setattr(window.sys, "platform", "win32")
    monkeypatch.setenv("PROGRAMFILES", str(folder))
    edge = folder / window.PROGRAMS[1]
    edge.touch()  # on this system a name with backslashes in it
    assert window.browsers()[-1] == str(edge)


def test_what_a_held_program_started_ends_with_it(tmp_path: Path) -> None:
    # Its child is deaf to being asked.
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    script = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    log = (tmp_path / "log").open("wb")
    with hold([sys.executable, "-c", script], tmp_path, os.environ, log) as held:
        until = time.monotonic() + 20
        while not (said := (tmp_path / "log").read_text().strip()) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        assert held.alive and runs(int(said))
    log.close()
    assert not runs(int(said)) and not held.alive


def test_the_status_of_a_held_program_is_told(tmp_path: Path) -> None:
    for command, status in (
        ([sys.executable, "-c", "raise SystemExit(7)"], 7),
        (["/no/such/program"], MISSING),
    ):
        with hold(command, tmp_path, os.environ, subprocess.DEVNULL) as held:
            until = time.monotonic() + 20
            while held.alive and time.monotonic() < until:
                time.sleep(0.05)
            assert held.status == status
