"""A server of the app and a page of a browser beside it, for what only a browser can time.

In: whether the browser may use the machine's GPU. Out: the page and the server's address.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.app import BROWSERS, server

SLOWEST = 240.0  # seconds until something awaited is given up
SOFTWARE = ["--disable-gpu", "--enable-unsafe-swiftshader"]


@contextmanager
def browsing(*, gpu: bool = False) -> Iterator[tuple[Any, str]]:
    """Start both; RuntimeError where this machine has no Chromium."""
    from playwright.sync_api import sync_playwright

    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        raise RuntimeError("no Chromium on this machine")
    arguments = ["--no-sandbox", "--disable-quic"]
    arguments += ["--ignore-gpu-blocklist"] if gpu else SOFTWARE
    with server() as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(1000 * SLOWEST)
        yield page, address
        browser.close()
