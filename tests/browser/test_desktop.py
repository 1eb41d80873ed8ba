"""`make desktop` with a real Chromium, which draws its window in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, Playwright, expect

from tests.browser.conftest import ROOT, listen, rest, shot
from tests.browser.test_replicas import free_port
from tests.engine.test_desktop import gone, is_open, of_address

WRAPPER = """#!/bin/sh
echo $$ > {folder}/pid
exec {chromium} --headless=new --no-sandbox --disable-gpu --disable-quic \\
  --remote-debugging-port={port} "$@"
"""


def test_a_real_window_shows_the_app_and_its_end_ends_all(
    playwright: Playwright, chromium: Browser, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    port, program = free_port(), tmp_path / "bin" / "chromium"
    path = chromium.browser_type.executable_path
    real = next((p for p in ("/usr/bin/chromium", path) if Path(p).exists()), path)
    program.write_text(WRAPPER.format(folder=tmp_path, chromium=real, port=port))
    program.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.hosting.desktop"],
        cwd=ROOT,
        env=os.environ
        | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "ATLAS_THREADS": "1"}
        | {"ATLAS_MODELS": str(tmp_path / "models")},
    )
    problems: list[str] = []
    try:
        window = attached(playwright, process, port)
        (page,) = window.contexts[0].pages
        listen(page, problems)
        expect(page.locator("h1")).to_have_text("Transformer Atlas", timeout=60_000)
        rest(page)
        address = page.url
        assert address.startswith("http://127.0.0.1:") and len(of_address(address)) == 2
        # The window is the app's alone: no bar with an address stands above the page.
        height = page.evaluate("outerHeight - innerHeight")
        assert 0 <= height < 60
        # Who sits before it is at this computer: they may add models.
        expect(page.get_by_role("heading", name="Add a model")).to_be_visible()
        page.get_by_role("link", name="Attention").first.click()
        expect(page.get_by_role("heading", name="Attention", exact=True)).to_be_visible()
        rest(page)
        shot(page, "desktop")
        browser = int((tmp_path / "pid").read_text())
        # A window's cross ends a browser; without a screen it waits for the next and must be told.
        window.new_browser_cdp_session().send("Browser.close")
        assert process.wait(30) == 0
        assert gone(address, browser, seconds=2) and not is_open(address)
        assert not problems, problems
    finally:
        process.kill()
        process.wait(20)


def attached(playwright: Playwright, process: subprocess.Popen[bytes], port: int) -> Browser:
    """The browser of the window, once it is there."""
    until = time.monotonic() + 60
    while True:
        assert process.poll() is None and time.monotonic() < until
        try:
            return playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        except Exception:  # noqa: BLE001 (whatever it says while nobody listens there)
            time.sleep(0.2)
