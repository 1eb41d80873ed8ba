"""Streamlit servers of the journeys: one that all workers of a run share, or one of a test's own.

Journeys change nothing that others see: their state is in their browser and in their address, and
what they export or delete they do on a server of their own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"ATLAS_TRACE_MB": "60", "ATLAS_THREADS": "1", "ATLAS_DEVICE": "cpu"}


@contextmanager
def started(folder: Path, *options: str, **settings: str) -> Iterator[str]:
    """The address of a server with small settings, its log and its models in `folder`.

    `options` are Streamlit's, `settings` variables of the environment.
    """
    process, address = start(folder, *options, **settings)
    try:
        yield address
    finally:
        end(process.pid)
        process.wait(10)


@contextmanager
def shared(folder: Path) -> Iterator[str]:
    """The same for several processes: the first starts it, the last of them ends it."""
    folder.mkdir(exist_ok=True)
    own: subprocess.Popen[bytes] | None = None
    note, lock = folder / "users.json", FileLock(folder / "lock")
    with lock:
        known = json.loads(note.read_text()) if note.exists() else {"users": []}
        if not known["users"]:
            own, address = start(folder)
            known = {"server": own.pid, "address": address, "users": []}
        note.write_text(json.dumps(known | {"users": [*known["users"], os.getpid()]}))
    try:
        yield known["address"]
    finally:
        with lock:
            known = json.loads(note.read_text())
            # A worker that died has said no goodbye.
            left = [user for user in known["users"] if user != os.getpid() and alive(user)]
            note.write_text(json.dumps(known | {"users": left}))
            if not left:
                end(known["server"])
            if own is not None:
                # Another worker ends it: Python would warn of a child that still runs.
                own.returncode = 0 if left else own.wait(10)


def start(
    folder: Path, *options: str, base: str = "", **settings: str
) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server and wait until it answers, under the path `base`."""
    folder.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")]
    command += [f"--server.port={port}", "--server.address=127.0.0.1"]
    command += options
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | SETTINGS | {"ATLAS_MODELS": str(folder / "models")} | settings,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}{base}/_stcore/health", process, folder / "log.txt")
    except BaseException:
        end(process.pid)
        raise
    return process, f"http://localhost:{port}"


def end(server: int, how: signal.Signals = signal.SIGTERM) -> None:
    """End a server and what it has started; also where it has ended already."""
    with suppress(ProcessLookupError):
        os.killpg(server, how)


def alive(process: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end_of_patience = time.monotonic() + 60
    while time.monotonic() < end_of_patience and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-3000:]}")
