"""Three whole processes behind a real HAProxy, as compose.yaml has them; one of them is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from bench.app import free_port
from bench.hosting import configuration
from tests.browser import servers

ROOT = Path(__file__).resolve().parents[2]
HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(HAPROXY is None, reason="HAProxy is not installed (apt install haproxy)"),
]
TEXT = "The fox sat by the river and slept."
KEY = "a key that nobody guesses"
HOST = {"Authorization": f"Bearer {KEY}"}


@dataclass(frozen=True)
class Replicas:
    """The address of the proxy, and the replicas: process and address of each."""

    address: str
    each: tuple[tuple[int, str], ...]

    def inside(self) -> list[int]:
        """How many visitors each replica has; -1 for a dead one."""
        found = []
        for _, address in self.each:
            try:
                asked = urllib.request.Request(f"{address}/healthz", headers=HOST)
                with urllib.request.urlopen(asked, timeout=10) as answer:
                    found.append(json.load(answer)["inside"])
            except OSError:
                found.append(-1)
        return found


@pytest.fixture
def replicas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replicas]:
    for name, value in (
        ("MODE", "public"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("ADMIN_KEY", KEY),
    ):
        monkeypatch.setenv(f"ATLAS_{name}", value)
    with ExitStack() as stack:
        each = []
        for number in range(3):
            process, address = servers.start(tmp_path / f"replica{number}")
            stack.callback(process.wait, 20)
            stack.callback(servers.end, process.pid)
            each.append((process.pid, address.replace("localhost", "127.0.0.1")))
        port = free_port()
        config = tmp_path / "haproxy.cfg"
        config.write_text(configuration(port, [address for _, address in each]))
        proxy = subprocess.Popen([str(HAPROXY), "-db", "-f", str(config)])
        stack.callback(proxy.wait, 20)
        stack.callback(proxy.terminate)
        address = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield Replicas(address, tuple(each))


def test_a_visitor_stays_on_one_replica_and_goes_on_where_it_dies(
    replicas: Replicas, chromium: Browser
) -> None:
    contexts = [chromium.new_context() for _ in range(3)]
    try:
        pages = [context.new_page() for context in contexts]
        for page in pages:
            page.goto(f"{replicas.address}/Attention?text={TEXT.replace(' ', '+')}&layer=2")
            expect(page.get_by_role("heading", name="Attention", exact=True)).to_be_visible()
        # Whoever comes next goes where the fewest are.
        assert replicas.inside() == [1, 1, 1]
        cookies = [{one["name"]: one["value"] for one in c.cookies()}["ATLAS"] for c in contexts]
        assert len(set(cookies)) == 3
        pages[0].get_by_role("link", name="Tokenization").first.click()
        expect(pages[0].get_by_role("heading", name="Tokenization", exact=True)).to_be_visible()
        pages[0].goto(f"{replicas.address}/Attention?text={TEXT.replace(' ', '+')}&layer=2")
        expect(pages[0].get_by_role("heading", name="Attention", exact=True)).to_be_visible()
        assert {one["name"]: one["value"] for one in contexts[0].cookies()}["ATLAS"] == cookies[0]

        os.killpg(replicas.each[0][0], signal.SIGKILL)
        deadline = time.monotonic() + 60
        while sum(max(0, one) for one in replicas.inside()) < 3 and time.monotonic() < deadline:
            time.sleep(0.5)
        assert replicas.inside()[0] == -1 and sum(replicas.inside()[1:]) == 3
        for page in pages:
            box = page.get_by_role("textbox", name="Text")
            expect(box).to_have_value(TEXT)
            box.fill("A boat went down the river.")
            box.press("Control+Enter")
            expect(page.locator("body")).to_contain_text("boat", timeout=30_000)
            expect(page.get_by_test_id("stException")).to_have_count(0)
    finally:
        for context in contexts:
            context.close()


def test_figures_do_not_pass_the_proxy(replicas: Replicas) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{replicas.address}/metrics", timeout=10)
    with urllib.request.urlopen(f"{replicas.address}/healthz", timeout=10) as answer:
        assert json.load(answer) == {"status": "ok"}
