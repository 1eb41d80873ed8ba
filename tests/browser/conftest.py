"""A server for all workers and a Chromium that tells on every error and every outside request."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.browser import servers

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "screenshots"
# The one without windows first: it takes seven tenths of the processor's time for a page.
SYSTEM = (
    "chromium-headless-shell",
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Letters as wide as on a screen, which Chromium without windows would round.
    "--font-render-hinting=none",
    # Flat pictures by the CPU alone; 3-D by a GPU in software.
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
]
# A condition is waited for longer than the usual 5 s: two browsers and a server share two cores.
expect.set_options(timeout=15_000)
HERE = {"localhost", "127.0.0.1", "[::1]"}
Open = Callable[..., Page]
# Pictures are drawn by the parser of pages; saved ones are read as XML. Both must see the same.
DIFFERENT = """() => [...(globalThis.atlasPictures?.values() ?? [])].filter((text) => {
  const holder = document.createElement("template");
  holder.innerHTML = text;
  const html = holder.content.firstElementChild;
  const xml = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  for (const one of [html, xml])
    [one, ...one.querySelectorAll("[xmlns]")].forEach((node) => node.removeAttribute("xmlns"));
  return !html.isEqualNode(xml);
}).map((text) => text.slice(0, 300))"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the Streamlit server of this run: all its workers use one."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with servers.shared(folder / "server") as address:
        yield address


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[str]:
    """A server for one test: of what changes the models that all pages list."""
    with servers.started(tmp_path / "server") as address:
        yield address


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Chromium: the system's, else the one that `playwright install chromium` brought."""
    system = next((found for name in SYSTEM if (found := shutil.which(name))), None)
    path = system or playwright.chromium.executable_path
    if not Path(path).exists():
        pytest.fail("No Chromium. Install it (apt install chromium, playwright install chromium).")
    browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    yield browser
    browser.close()


class Browsers:
    """Separate browsers (contexts) of one Chromium, used again by test after test.

    A new one reads and compiles the app's scripts anew: half the work of opening a page. What pages
    keep in a browser is thrown away between tests; only the cache of files stays.
    """

    def __init__(self, chromium: Browser, server: str) -> None:
        self._chromium, self._server = chromium, server
        self._idle: list[BrowserContext] = []

    def new(self, **options: Any) -> BrowserContext:
        """A browser of its own, for its options or with nothing in its cache."""
        allowed = {"permissions": ["clipboard-read", "clipboard-write"]}
        return self._chromium.new_context(**(allowed | options))

    def take(self) -> BrowserContext:
        """One with the usual options, which nothing of this test has seen."""
        return self._idle.pop() if self._idle else self.new()

    def back(self, context: BrowserContext) -> None:
        """Close its pages, empty it and keep it for the next test."""
        while len(context.pages) > 1:
            context.pages[-1].close()
        page = context.pages[0]
        where = {"origin": self._server, "storageTypes": "cookies,local_storage,indexeddb"}
        context.new_cdp_session(page).send("Storage.clearDataForOrigin", where)
        page.close()
        self._idle.append(context)

    def close(self) -> None:
        for context in self._idle:
            context.close()


@pytest.fixture(scope="session")
def browsers(chromium: Browser, server: str) -> Iterator[Browsers]:
    found = Browsers(chromium, server)
    yield found
    found.close()


@pytest.fixture
def open_at(browsers: Browsers, server: str, request: pytest.FixtureRequest) -> Iterator[Open]:
    """`open_at("/Attention?layer=2", width=390, dark=True)`: a page, waited for until it rests.

    Each call of a test is a browser of its own (no shared memory, clipboard allowed), whose cache
    has the app's files of earlier tests unless it is `cold`. At the end of the test any console
    error, script error or request to an outside address fails it, and any picture that HTML and XML
    read differently; `allow` names parts of console errors that are expected.
    """
    problems: list[str] = []
    shared, own = [], []

    def opened(
        path: str = "/",
        *,
        width: int = 1440,
        height: int = 1000,
        dark: bool = False,
        cold: bool = False,
        allow: tuple[str, ...] = (),
        **options: Any,
    ) -> Page:
        usual = not (cold or options)
        context = browsers.take() if usual else browsers.new(**options)
        (shared if usual else own).append(context)
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_default_timeout(60_000)
        listen(page, problems, allow)
        page.goto(path if path.startswith("http") else server + path)
        rest(page)
        return page

    yield opened
    failed = getattr(request.node, "report_call", "passed") == "failed"
    if failed:
        for number, context in enumerate(shared + own):
            for page in context.pages:
                shot(page, f"failed-{request.node.name}-{number}")
    for page in (page for context in shared + own for page in context.pages):
        if not failed and not page.is_closed():
            problems += [f"read in two ways: {text}" for text in page.evaluate(DIFFERENT)]
    for context in own + shared * failed:
        context.close()
    for context in shared * (not failed):
        browsers.back(context)
    assert not problems, "\n".join(problems)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    setattr(item, f"report_{report.when}", report.outcome)
    return report


@pytest.fixture
def page(open_at: Open) -> Page:
    """The home page, light, 1440 wide."""
    return open_at("/")


def listen(page: Page, problems: list[str], allow: tuple[str, ...] = ()) -> None:
    """Collect what must not happen on a page."""

    def console(message: Any) -> None:
        # Opened at /Attention, Streamlit first looks for its server there and tells of the 404.
        known = "/_stcore/" in message.location.get("url", "")
        if message.type == "error" and not known and not any(a in message.text for a in allow):
            problems.append(f"console: {message.text}")

    def asked(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in HERE:
            problems.append(f"outside request: {request.url}")

    page.on("console", console)
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on("request", asked)


def rest(page: Page, seconds: float = 60) -> None:
    """Wait until the page's script has run to its end, with nothing stale left."""
    page.wait_for_selector("[data-testid=stApp]", timeout=1000 * seconds)
    # A click needs a moment to reach the server: the page must be still for a while, from now on.
    page.wait_for_function(STILL, arg=time.monotonic(), timeout=1000 * seconds)


# The server has often ended before the browser has drawn: places that wait for their part hold a
# skeleton, and pictures come by scripts that move what is below them. A long task must not count as
# stillness, so some looks must see the same, too.
STILL = """(asked) => {
  const app = document.querySelector('[data-testid=stApp]'), now = performance.now();
  const still = app?.getAttribute('data-test-script-state') === 'notRunning'
    && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')
    && document.querySelector('h1');
  const size = document.querySelector('[data-testid=stMain]')?.scrollHeight;
  const drawn = [asked, size, document.getElementsByTagName('*').length].join();
  if (!still || globalThis.drawn !== drawn)
    [globalThis.drawn, globalThis.since, globalThis.looks] = [drawn, now, 0];
  globalThis.looks += 1;
  return now - globalThis.since > 150 && globalThis.looks > 5;
}"""


def at_rest(place: Locator, look: str) -> None:
    """Wait until what `look` (JavaScript, of the element) gives has stayed the same for a while."""
    place.evaluate(SAME.replace("LOOK", look))


SAME = """async (node) => {
  const look = LOOK, seen = () => JSON.stringify(look(node));
  let before = seen(), since = performance.now();
  while (performance.now() - since < 150) {
    await new Promise((next) => setTimeout(next, 30));
    const now = seen();
    if (now !== before) [before, since] = [now, performance.now()];
  }
}"""


def shot(page: Page, name: str) -> Path:
    """Keep a screenshot in build/screenshots, the whole page."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    path = SHOTS / f"{name}.png"
    page.screenshot(path=path)
    return path
