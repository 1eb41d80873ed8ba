"""`/s/<id>` answered without a server: where it leads, and what it says."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.types import Message
from streamlit import config

from engine.errors import BadLink
from engine.links import state, store
from engine.links.state import SharedState
from engine.settings import settings
from pages.shell.links.route import routes


@pytest.fixture(autouse=True)
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[store.Links]:
    monkeypatch.setenv("ATLAS_LINKS", str(tmp_path / "links.sqlite"))
    settings.cache_clear()
    store.links.cache_clear()
    yield store.links()
    settings.cache_clear()
    store.links.cache_clear()


def ask(path: str, method: str = "GET", headers: tuple = ()) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of an answer."""
    came: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        came.append(message)

    where, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": where,
        "raw_path": where.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"atlas.example"), *headers],
        "client": ("203.0.113.9", 1),
        "server": ("atlas.example", 80),
        "scheme": "http",
        "http_version": "1.1",
    }
    asyncio.run(Starlette(routes=routes())(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in came[0]["headers"]}
    return came[0]["status"], found, b"".join(one.get("body", b"") for one in came[1:]).decode()


@pytest.fixture
def name(links: store.Links) -> str:
    return links.put(SharedState("Attention", "the sea", "m", controls={"layer": ("2",)}))


def test_a_link_leads_to_its_page(name: str, links: store.Links) -> None:
    status, headers, _ = ask(f"/s/{name}")
    assert (status, headers["location"]) == (302, f"/Attention?s={name}")
    assert headers["cache-control"] == "no-store"
    home = links.put(SharedState("Home", "", "m"))
    assert ask(f"/s/{home}")[1]["location"] == f"/?s={home}"


def test_a_base_path_is_kept(name: str) -> None:
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", "school/atlas")
    try:
        assert ask(f"/school/atlas/s/{name}")[1]["location"] == f"/school/atlas/Attention?s={name}"
        assert ask(f"/s/{name}")[0] == 404
        assert 'href="/school/atlas/"' in ask("/school/atlas/s/aaaaaaaaaa")[2]
    finally:
        config.set_option("server.baseUrlPath", before)


def test_head_is_answered_and_nothing_else_is(name: str) -> None:
    assert ask(f"/s/{name}", "HEAD")[0] == 302
    for method in ("POST", "PUT", "DELETE"):
        assert ask(f"/s/{name}", method)[0] == 405


def test_only_what_embeds_is_handed_on(name: str) -> None:
    query = "?embed=true&embed_options=dark_theme&text=other&next=//evil.example"
    where = ask(f"/s/{name}{query}")[1]["location"]
    assert where == f"/Attention?s={name}&embed=true&embed_options=dark_theme"
    for query in ("?embed=yes", "?embed_options=dark_theme", "?s=other"):
        assert ask(f"/s/{name}{query}")[1]["location"] == f"/Attention?s={name}"
    where = ask(f"/s/{name}?embed=true&embed_options=show_toolbar")[1]["location"]
    assert where == f"/Attention?s={name}&embed=true"


@pytest.mark.parametrize(
    "path",
    [
        "/s/aaaaaaaaaa",
        "/s/AAAAAAAAAA",
        "/s/..",
        "/s/%2e%2e",
        "/s/<script>alert(1)",
        "/s/" + "a" * 5000,
        "/s/a\0b",
        "/s/'; DROP TABLE links; --",
        "/s/https:evil.example",
    ],
)
def test_an_id_that_is_not_here_is_one_sentence_and_a_way_on(path: str) -> None:
    status, headers, body = ask(path)
    assert status == 404 and headers["content-type"].startswith("text/html")
    assert "This link is not known here." in body and '<a href="/">' in body
    assert "<script" not in body and "alert" not in body and "location" not in headers


def test_no_header_of_a_stranger_changes_where_a_link_leads(name: str) -> None:
    strange = (
        (b"x-forwarded-host", b"evil.example"),
        (b"x-forwarded-prefix", b"//evil.example"),
        (b"x-forwarded-for", b"1.2.3.4"),
        (b"forwarded", b"host=evil.example"),
    )
    assert ask(f"/s/{name}", headers=strange)[1]["location"] == f"/Attention?s={name}"


def test_a_page_that_is_not_here_is_said(links: store.Links) -> None:
    # Folders of pages/ are no pages, nor is what is like the file of one.
    for page in ("Astrology", "Shell", "Pictures", "Attentio", "Attention py", "Home 2"):
        status, headers, body = ask(f"/s/{links.put(SharedState(page, '', 'm'))}")
        assert status == 404 and f"a page that is not here: {page}" in body
        assert "location" not in headers
    for page in ("X*", "../app", "Attention/..", "[A]ttention", "attention", ""):
        # No state has such a page; who writes it into the file gets a sentence too.
        with pytest.raises(BadLink, match="no page that makes sense"):
            links.put(SharedState(page, "", "m"))
        status, headers, body = ask(f"/s/{forged(links, page=page)}")
        assert status == 404 and "names no page that makes sense" in body
        assert "location" not in headers


def test_a_link_of_a_later_version_says_so(links: store.Links) -> None:
    status, headers, body = ask(f"/s/{forged(links, version=2)}")
    assert status == 404 and "made by a newer Transformer Atlas" in body
    assert "location" not in headers


@pytest.mark.parametrize("text", ["x" * 1_000_000, "<script>alert(1)</script>" * 40_000])
def test_a_state_of_a_megabyte_is_refused_wherever_it_comes_from(
    links: store.Links, text: str
) -> None:
    with pytest.raises(BadLink, match="a short link carries 64 kB"):
        links.put(SharedState("Attention", text, "m"))
    status, headers, body = ask(f"/s/{forged(links, text=text)}")
    assert status == 404 and "64 kB at most" in body
    assert "location" not in headers and "alert" not in body and len(body) < 3000


def forged(links: store.Links, **changes: object) -> str:
    """The id of a state that somebody wrote into the file past every check."""
    links.put(SharedState("Attention", "the sea", "m"))  # makes the file
    fields = {"page": "Attention", "text": "", "model": "m", "version": 1, "controls": {}}
    raw = json.dumps(fields | changes).encode()
    name = state.digest(raw)[:10]
    with closing(sqlite3.connect(links.path)) as file, file:
        file.execute("INSERT INTO links VALUES (?, ?, 0)", (name, raw))
    return name


def test_a_store_that_cannot_be_opened_is_said(links: store.Links) -> None:
    links.path.mkdir()
    status, _, body = ask("/s/aaaaaaaaaa")
    assert status == 503 and "cannot be opened" in body


def test_a_rebuilt_store_says_that_links_may_be_missing(links: store.Links, name: str) -> None:
    links.path.write_bytes(b"no database at all" * 400)
    links.path.with_name(links.path.name + "-wal").unlink(missing_ok=True)
    status, _, body = ask(f"/s/{name}")
    assert status == 404 and "was damaged once" in body
