"""Two whole processes under a base path behind a real nginx, as hosting/nginx.conf has them."""

from __future__ import annotations

import re
import shutil
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import servers
from tests.browser.conftest import listen, rest
from tests.browser.test_replicas import KEY, ROOT, TEXT, Replicas, free_port
from tests.browser.test_short_links import share

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt install nginx-light)"),
]
LINK = f"/Attention?model=tales-gpt&text={TEXT.replace(' ', '+')}&layer=2&head=3"
# The certificate is made here, so that nobody vouches for it.
UNKNOWN = ssl._create_unverified_context()
# What stands around a file of /etc/nginx/conf.d, here with everything in a folder of its own.
AROUND = """
daemon off; pid {folder}/nginx.pid; error_log stderr warn; worker_processes 2;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/atlas.conf;
}}
"""


def configuration(folder: Path, port: int, each: list[str]) -> str:
    """The recipe itself, with the ports and the certificate of this test."""
    text = (ROOT / "hosting" / "nginx.conf").read_text(encoding="utf-8")
    places = [address.removeprefix("http://") for address in each]
    for old, new in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/ssl/school.example.pem", str(folder / "cert.pem")),
        ("/etc/ssl/school.example.key", str(folder / "key.pem")),
        ("127.0.0.1:8501", places[0]),
        ("127.0.0.1:8502", places[1]),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replicas]:
    """The address of the app behind nginx, and its two processes."""
    port = free_port()
    address = f"https://127.0.0.1:{port}/atlas"
    for name, value in (
        ("MODE", "public"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("ADMIN_KEY", KEY),
        ("PUBLIC_URL", address),
        ("LINKS", str(tmp_path / "links.sqlite")),
    ):
        monkeypatch.setenv(f"ATLAS_{name}", value)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=school.example", "-keyout", tmp_path / "key.pem",
         "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    with ExitStack() as stack:
        each = []
        for number in range(2):
            folder = tmp_path / f"process{number}"
            process, own = servers.start(folder, "--server.baseUrlPath=atlas", base="/atlas")
            stack.callback(process.wait, 20)
            stack.callback(servers.end, process.pid)
            each.append((process.pid, own.replace("localhost", "127.0.0.1")))
        config = tmp_path / "nginx.conf"
        (tmp_path / "atlas.conf").write_text(
            configuration(tmp_path, port, [own for _, own in each])
        )
        config.write_text(AROUND.format(folder=tmp_path))
        proxy = subprocess.Popen([str(NGINX), "-p", str(tmp_path), "-c", str(config)])
        stack.callback(proxy.wait, 20)
        stack.callback(proxy.terminate)
        for _ in range(200):
            if proxy.poll() is not None:
                pytest.fail("nginx did not start")
            try:
                asked(f"{address}/healthz")
                break
            except OSError:
                time.sleep(0.1)
        yield Replicas(address, tuple(each))


def asked(address: str, **headers: str) -> tuple[int, str, HTTPMessage]:
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10, context=UNKNOWN) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def cookie(context: BrowserContext) -> str:
    return {one["name"]: one["value"] for one in context.cookies()}["ATLAS"]


def opened(context: BrowserContext, address: str, problems: list[str]) -> Page:
    page = context.new_page()
    page.set_default_timeout(60_000)
    listen(page, problems)
    page.goto(address)
    rest(page)
    return page


@pytest.mark.timeout(400)
def test_visitors_are_spread_stay_and_go_on_where_a_process_dies(
    school: Replicas, chromium: Browser
) -> None:
    contexts = [chromium.new_context(ignore_https_errors=True) for _ in range(6)]
    problems: list[str] = []
    try:
        pages = [opened(context, school.address + LINK, problems) for context in contexts]
        for page in pages:
            expect(page.get_by_role("heading", name="Attention", exact=True)).to_be_visible()
        before = school.inside()
        # All have one address; their cookies choose (the odds of six on one side: 1 in 32).
        cookies = [cookie(context) for context in contexts]
        assert len(set(cookies)) == 6 and sum(before) == 6
        if 0 in before:
            pages += _one_more(school, chromium, contexts, problems)

        # A page of the menu, a reload, a short link: the same process, under the base path.
        page = pages[0]
        page.get_by_role("link", name="Tokenization").first.click()
        expect(page.get_by_role("heading", name="Tokenization", exact=True)).to_be_visible()
        assert re.match(f"{school.address}/Tokenization", page.url)
        page.goto(school.address + LINK)
        rest(page)
        link = share(page)
        assert re.fullmatch(f"{school.address}/s/[a-z2-7]{{10}}", link)
        page.keyboard.press("Escape")
        # A link made at one process opens at both: they share the file.
        drawn = page.locator(".st-key-attention-map svg").first.get_attribute("aria-label")
        for other in pages[1:]:
            other.goto(link)
            rest(other)
            picture = other.locator(".st-key-attention-map svg").first
            expect(picture).to_be_visible()
            assert picture.get_attribute("aria-label") == drawn
            assert other.url.startswith(f"{school.address}/Attention")
        assert [cookie(context) for context in contexts][:6] == cookies
        assert not problems, problems

        # Who loaded a page anew is a newcomer: their old places are free after a while.
        settled(school, len(pages))
        dead = max(range(2), key=lambda number: school.inside()[number])
        servers.end(school.each[dead][0], signal.SIGKILL)
        assert settled(school, len(pages))[dead] == -1
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


def settled(school: Replicas, visitors: int) -> list[int]:
    """Wait until the processes that live have so many visitors in all; how many each has."""
    deadline = time.monotonic() + 60
    while True:
        found = school.inside()
        if sum(max(0, one) for one in found) == visitors:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def _one_more(
    school: Replicas, chromium: Browser, contexts: list[BrowserContext], problems: list[str]
) -> list[Page]:
    """Visitors until both processes have one: twenty all on one side would be no accident."""
    pages = []
    for _ in range(14):
        contexts.append(chromium.new_context(ignore_https_errors=True))
        pages.append(opened(contexts[-1], school.address + LINK, problems))
        if 0 not in school.inside():
            return pages
    pytest.fail("nginx sends everybody to one process")


def test_what_strangers_get_past_the_proxy(school: Replicas) -> None:
    bearer = {"Authorization": f"Bearer {KEY}"}
    root = school.address.removesuffix("/atlas")
    assert asked(f"{school.address}/healthz")[1] == '{"status":"ok"}'
    for headers in ({}, bearer, {"X-Forwarded-For": "127.0.0.1"}, {"Host": "localhost"}):
        status, body, _ = asked(f"{school.address}/metrics", **headers)
        assert status == 404 and "atlas_runs" not in body
    # Nothing of the app lies beside the base path.
    for path in ("/healthz", "/metrics", "/Attention", "/s/aaaaaaaaaa"):
        status, body, _ = asked(root + path)
        assert status in (403, 404) and "<center>nginx" in body
    status, body, headers = asked(f"{school.address}/s/aaaaaaaaaa")
    assert status == 404 and "This link is not known here." in body
    assert 'href="/atlas/"' in body and "frame-ancestors 'self'" in str(headers)
    # A cookie that is none of ours is not taken for one.
    for given in ("", "ATLAS=x", "ATLAS=" + "A" * 32, "ATLAS=" + "0" * 33):
        made = asked(f"{school.address}/", Cookie=given)[2]["Set-Cookie"]
        assert re.fullmatch(
            "ATLAS=[0-9a-f]{32}; Path=/atlas; Secure; HttpOnly; SameSite=Lax", made
        ), given
    assert asked(f"{school.address}/", Cookie="ATLAS=" + "0" * 32)[2]["Set-Cookie"] is None
