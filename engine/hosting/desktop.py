"""The app in a window of its own: `python -m engine.hosting.desktop`, or `make desktop`.

A server of its own on a free port of this computer, home mode, and one of three windows:

    pywebview           where it is installed (nothing asks for it)
    Chromium's family   in its app mode, with a profile that is thrown away afterwards
    the usual browser   a tab, where there is neither

In: nothing. Out: the exit status, once the window was closed. The server ends with its window and
the window with its server; what ends this program, even by force, ends both (`lifeline`). Of a tab
nobody is told when it is closed: the server ends when its last page has been gone for a while.
Needs nothing but the app itself.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from types import FrameType

from engine.hosting.lifeline import Held, hold
from engine.hosting.window import browsers

ROOT = Path(__file__).resolve().parents[2]
TITLE = "Transformer Atlas"
WIDTH, HEIGHT = 1360, 900  # pixels
STARTING = 60.0  # seconds that a server may take until it answers
EARLY = 3.0  # a browser that ends with an error within so many seconds has shown no window
COMING = 600.0  # seconds until the first page must have been opened in a tab
GONE = 20.0  # seconds without any page after which a tab counts as closed
LOOK = 0.5  # seconds between two looks
# A window of somebody's own computer, whatever the environment says of a host.
OWN = {"ATLAS_MODE": "home", "ATLAS_FIGURES": "here", "ATLAS_PUBLIC_URL": "", "ATLAS_SESSIONS": "0"}


class NotStarted(Exception):
    """The server did not come up; the message ends with its last words."""


def main() -> int:
    """Open the app and wait until its window is closed; the exit status."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _leave)
    try:
        with server() as (held, address):
            show(held, address)
            return 0 if held.alive else _said("The app ended by itself.")
    except NotStarted as error:
        return _said(str(error))
    except KeyboardInterrupt:
        return 0


def _said(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


@contextmanager
def server() -> Iterator[tuple[Held, str]]:
    """The app on a free port of this computer, for as long as the block lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.address=127.0.0.1", f"--server.port={port}", "--server.baseUrlPath="]
    with tempfile.TemporaryFile() as log, hold(command, ROOT, os.environ | OWN, log) as held:
        address = f"http://127.0.0.1:{port}"
        until = time.monotonic() + STARTING
        while not _answers(address):
            if not held.alive or time.monotonic() > until:
                log.seek(0)
                words = log.read()[-2000:].decode(errors="replace").strip()
                raise NotStarted(f"The app did not start.\n{words}")
            time.sleep(0.1)
        yield held, address


def show(held: Held, address: str) -> None:
    """Open a window and return once it is closed, or the server has ended."""
    if util.find_spec("webview") is not None and _webview(held, address):
        return
    for browser in browsers():
        if _app_mode(held, browser, address):
            return
    _tab(held, address)


def _webview(held: Held, address: str) -> bool:
    """A window of pywebview; False where it finds nothing to draw with."""
    import webview  # type: ignore[import-not-found]

    shown = webview.create_window(TITLE, address, width=WIDTH, height=HEIGHT)

    def watch() -> None:
        while held.alive:
            time.sleep(LOOK)
        shown.destroy()

    threading.Thread(target=watch, daemon=True).start()
    try:
        webview.start()
    except Exception as error:
        print(f"pywebview cannot open a window here: {error}", file=sys.stderr)
        return False
    return True


def _app_mode(held: Held, browser: str, address: str) -> bool:
    """A browser's window without its bars; False where it opened none.

    With a profile of its own a browser stays until the window is closed; else one that runs already
    would take the address over, and this one would end at once.
    """
    with tempfile.TemporaryDirectory(prefix="atlas-window-", ignore_cleanup_errors=True) as profile:
        command = [browser, f"--app={address}/", f"--user-data-dir={profile}"]
        command += [f"--window-size={WIDTH},{HEIGHT}", "--no-first-run", "--disable-sync"]
        command += ["--no-default-browser-check", "--disable-background-networking"]
        command += ["--disable-component-update", "--password-store=basic"]
        began = time.monotonic()
        try:
            with hold(command, ROOT, os.environ, subprocess.DEVNULL) as window:
                _wait(lambda: window.alive and held.alive)
                status = window.status
        except OSError:
            return False
    return not status or time.monotonic() - began > EARLY


def _tab(held: Held, address: str) -> None:
    """A tab of the usual browser, watched by how many pages the server has open."""
    print(f"{TITLE}: {address} (Ctrl+C ends it)", flush=True)
    webbrowser.open(f"{address}/")
    seen, last = False, time.monotonic()

    def stays() -> bool:
        nonlocal seen, last
        if _pages(address):
            seen, last = True, time.monotonic()
        return held.alive and time.monotonic() - last < (GONE if seen else COMING)

    _wait(stays)


def _wait(stays: Callable[[], bool]) -> None:
    while stays():
        time.sleep(LOOK)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
            return True
    except OSError:
        return False


def _pages(address: str) -> int:
    """How many pages are open; one where the server is too busy to say."""
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:
            return int(json.load(answer)["inside"])
    except (OSError, ValueError, KeyError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
