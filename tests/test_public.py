"""A server in public mode, asked from outside as somebody would who means no good."""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import websockets
from streamlit.proto.WidgetStates_pb2 import WidgetState

from bench.visitor import Visitor
from tests.browser import servers
from tests.engine.plain import write_bundle

KEY = "a key that nobody guesses"
LIMITS = {
    "ATLAS_MODE": "public",
    "ATLAS_ADMIN_KEY": KEY,
    "ATLAS_SESSIONS": "3",
    "ATLAS_QUEUE": "2",
    "ATLAS_ADDRESS_SESSIONS": "30",
    "ATLAS_ADDRESS_OPENINGS": "100",
    "ATLAS_ADDRESS_REQUESTS": "400",
    "ATLAS_MAX_CHARS": "500",
    "ATLAS_WRITING_TOKENS": "60",
}


@pytest.fixture
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A server with small limits; a test may ask for smaller ones."""
    for name, value in (LIMITS | getattr(request, "param", {})).items():
        monkeypatch.setenv(name, value)
    write_bundle(tmp_path / "server" / "models" / "mine")
    with servers.started(tmp_path / "server") as address:
        yield address.replace("localhost", "127.0.0.1")


def ask(address: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(address, method=method, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode(errors="replace"), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace"), dict(error.headers)


def raw(address: str, path: str, method: str = "GET") -> tuple[int, bytes]:
    """A path as it is, which urllib would put right."""
    place = urlsplit(address)
    line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
    line.putrequest(method, path, skip_host=False)
    line.endheaders()
    answer = line.getresponse()
    found = answer.status, answer.read()
    line.close()
    return found


def words(visitor: Visitor) -> str:
    """All that a page shows, as text."""
    return "\n".join(str(delta.new_element) for delta in visitor.elements.values())


def test_routes_tell_a_stranger_nothing(server: str) -> None:
    assert ask(f"{server}/metrics", X_Forwarded_For="127.0.0.1")[0] == 404
    assert ask(f"{server}/metrics", Host="evil.example")[0] == 404
    assert ask(f"{server}/metrics", X_Forwarded_For="1.1.1.1", Authorization="Bearer x")[0] == 404
    assert ask(f"{server}/healthz", Host="atlas.example")[1] == '{"status":"ok"}'
    said = ask(f"{server}/metrics", Host="a.example", Authorization=f"Bearer {KEY}")
    assert said[0] == 200 and "atlas_runs_total" in said[1]
    for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/media/../app.py",
                 "//evil.example/", "/static/../../engine/settings.py"):  # fmt: skip
        status, body = raw(server, path)
        assert b"root:" not in body and b"ATLAS_" not in body, (path, status)


def test_files_are_not_taken(server: str) -> None:
    assert ask(f"{server}/_stcore/upload_file/a/b", "PUT")[0] == 403
    assert ask(f"{server}/_stcore/upload_file/a/b", "DELETE")[0] == 403
    for path in (
        "/_stcore/./upload_file/a/b",
        "/%5fstcore/upload_file/a/b",
        "/x/_stcore/upload_file/a",
    ):
        assert raw(server, path, "PUT")[0] in (400, 403, 404, 405), path


@pytest.mark.parametrize("server", [{"ATLAS_ADDRESS_REQUESTS": "60"}], indirect=True)
def test_a_flood_is_refused_whatever_address_it_claims(server: str) -> None:
    found = [ask(f"{server}/healthz", X_Forwarded_For=f"10.0.0.{n % 250}") for n in range(150)]
    refused = [headers for status, _, headers in found if status == 429]
    assert len(refused) > 20 and all(int(one["retry-after"]) >= 1 for one in refused)


def test_a_long_text_in_a_link_is_cut_and_a_long_typed_one_too(server: str) -> None:
    async def run() -> tuple[str, str]:
        async with Visitor(server) as visitor:
            await visitor.open("Attention", text="a fox " * 300)
            linked = words(visitor)
            await visitor.type("b fox " * 300)
            return linked, words(visitor)

    linked, typed = asyncio.run(run())
    for shown, word in ((linked, "a fox "), (typed, "b fox ")):
        assert word in shown and word * 84 not in shown


def test_a_link_cannot_ask_for_more_writing_than_is_given(server: str) -> None:
    async def run() -> str:
        async with Visitor(server) as visitor:
            link = {f"c{n}": "temperature 1" for n in range(1, 7)}
            await visitor.open("Decoding", text="Once upon a time", length="256", **link)
            await visitor.think(4)
            return words(visitor)

    shown = asyncio.run(run())
    figures = ask(f"{server}/metrics", Authorization=f"Bearer {KEY}")[1]
    (written,) = [
        float(line.split()[1])
        for line in figures.splitlines()
        if line.startswith("atlas_tokens_written_total ")
    ]
    assert "256" in shown and 0 < written <= 60


def test_buttons_that_are_not_drawn_cannot_be_pressed(server: str, tmp_path: Path) -> None:
    async def run() -> str:
        async with Visitor(server) as visitor:
            await visitor.open("")
            shown = words(visitor)
            for key in ("remove-now", "add-look-now", "add-export-now", "add-install-now"):
                state = WidgetState(id=f"$$ID-0123456789abcdef-{key}", trigger_value=True)
                await visitor._asked(state)
            key = WidgetState(id="$$ID-0123456789abcdef-admin-key", string_value=KEY[:-1] + "x")
            await visitor._asked(key)
            return shown + words(visitor)

    shown = asyncio.run(run())
    assert "This host" not in shown and "Delete " not in shown
    assert (tmp_path / "server" / "models" / "mine").is_dir()


async def _queue(server: str) -> list[str]:
    inside = [Visitor(server) for _ in range(3)]
    waiting = [Visitor(server) for _ in range(2)]
    told: list[str] = []
    async with inside[0], inside[1], inside[2], waiting[0], waiting[1], Visitor(server) as late:
        for visitor in (*inside, *waiting, late):
            await visitor.open("Tokenization", text="A fox ran.")
            told.append(words(visitor))
        await inside[0].__aexit__()
        await waiting[0].think(16)
        told.append(words(waiting[0]))
    return told


def test_past_all_places_one_waits_and_past_the_queue_one_is_sent_away(server: str) -> None:
    told = asyncio.run(_queue(server))
    assert all("A fox ran." in one for one in told[:3])
    assert "number 1" in told[3] and "number 2" in told[4] and "full" in told[5]
    assert not any("A fox ran." in one for one in told[3:6])
    assert "A fox ran." in told[6]


def test_connections_of_one_address_are_bounded(server: str) -> None:
    async def run() -> list[int]:
        held, found = [], []
        address = server.replace("http", "ws") + "/_stcore/stream"
        for _ in range(120):
            try:
                held.append(await websockets.connect(address, open_timeout=20))
                found.append(101)
            except websockets.InvalidStatus as refused:
                found.append(refused.response.status_code)
                assert "retry-after" in refused.response.headers
        for one in held:
            await one.close()
        return found

    found = asyncio.run(run())
    # 3 places, 2 in the queue, 50 to spare: none is held for nothing.
    assert found[:55] == [101] * 55 and set(found[55:]) <= {503, 429} and 429 in found
