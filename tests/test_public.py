"""A server in public mode, asked from outside as somebody would who means no good."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
    there = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
    with contextlib.closing(there) as line:
        line.putrequest(method, path, skip_host=False)
        line.endheaders()
        with line.getresponse() as answer:
            return answer.status, answer.read()


def words(visitor: Visitor) -> str:
    """All that a page shows, as text."""
    return "\n".join(str(delta.new_element) for delta in visitor.elements.values())


def test_routes_tell_a_stranger_nothing(server: str) -> None:
    # As a proxy on this computer asks that says nothing of whom it asks for.
    assert ask(f"{server}/metrics")[0] == 404
    assert ask(f"{server}/healthz")[1] == '{"status":"ok"}'
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


def test_what_is_far_too_long_is_refused_and_the_app_goes_on(server: str) -> None:
    name, big = "a" * 10, "x" * 1_000_000
    for path in (f"/s/{name}?s={big}", f"/s/{big}", f"/Attention?s={big}"):
        try:
            status = raw(server, path)[0]
        except OSError:
            status = 400  # the line was closed before all of it was sent
        assert 400 <= status < 500, path[:20]
    for method in ("POST", "PUT"):
        assert ask(f"{server}/s/{name}", method)[0] == 405
    assert ask(f"{server}/healthz")[0] == 200

    async def run() -> str:
        async with Visitor(server) as visitor:
            # The socket takes longer addresses, up to half a megabyte: that is no id either.
            await visitor.open("Attention", s=big[:400_000], text="A fox ran.")
            return words(visitor)

    shown = asyncio.run(run())
    # Every sign that Markdown might read is escaped.
    assert "This link is not known here." in shown.replace("\\", "") and "xxxx" not in shown


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


def widgets(visitor: Visitor) -> dict[str, str]:
    """The ids of a page's widgets by their keys: the same in every session."""
    found = {}
    for delta in visitor.elements.values():
        kind = delta.new_element.WhichOneof("type")
        name = str(getattr(getattr(delta.new_element, kind), "id", "")) if kind else ""
        if name.startswith("$$ID-"):
            found[name.split("-", 2)[2]] = name
    return found


def test_buttons_that_are_not_drawn_cannot_be_pressed(server: str, tmp_path: Path) -> None:
    mine = tmp_path / "server" / "models" / "mine"

    async def press(visitor: Visitor, name: str) -> None:
        await visitor._asked(WidgetState(id=name, trigger_value=True))

    async def run() -> tuple[str, bool]:
        async with Visitor(server) as host, Visitor(server) as stranger:
            await host.open("")
            key = widgets(host)["admin-key"]
            await host._asked(WidgetState(id=key, string_value=KEY))
            assert "This host" in words(host) and "Delete " in words(host)
            await host._asked(
                WidgetState(id=widgets(host)["add-source"], string_value="maker/model")
            )
            buttons = widgets(host)

            await stranger.open("")
            shown = words(stranger)
            for guess in ("", KEY[:-1], KEY[:-1] + "x", KEY + "x"):
                if guess:
                    await stranger._asked(WidgetState(id=key, string_value=guess))
                for button in ("remove-now", "add-look-now"):
                    assert button not in widgets(stranger)
                    await press(stranger, buttons[button])
                shown += words(stranger)
            kept = mine.is_dir()
            # By the host's own hand the very same press deletes.
            await press(host, buttons["remove-now"])
            return shown, kept

    shown, kept = asyncio.run(run())
    assert "This host" not in shown and "Delete " not in shown
    assert kept and not mine.exists()
    said = ask(f"{server}/metrics", Authorization=f"Bearer {KEY}")[1]
    assert "atlas_runs_total" in said and 'atlas_jobs_total{kind="look"' not in said


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


NUMBERS = "/api/v1"
FEW_CALLS = {"ATLAS_ADDRESS_CALLS": "20", "ATLAS_MAX_TOKENS": "200"}


@pytest.mark.parametrize("server", [FEW_CALLS], indirect=True)
def test_numbers_over_http_hold_to_a_strangers_limits(server: str) -> None:
    asked = f"{server}{NUMBERS}/tokens?model=tales-gpt&text="
    status, body, headers = ask(asked + "a+fox")
    assert (status, json.loads(body)["pieces"]) == (200, ["a", "Ġfox"])
    assert headers["content-security-policy"] and headers["cache-control"] == "no-store"
    assert ask(asked + "a+" * 400)[0] == 413 and ask(asked + "a+" * 40_000)[0] == 414
    with contextlib.suppress(OSError, http.client.HTTPException):
        assert raw(server, f"{NUMBERS}/tokens?text={'a' * 10**6}")[0] in (400, 414, 431)
    for method in ("POST", "PUT", "DELETE"):
        assert ask(asked + "a", method)[0] == 405
    assert ask(asked + "a", "HEAD")[:2] == (200, "")
    for path in (f"{NUMBERS}/../../engine/settings.py", f"{NUMBERS}/%2e%2e/app.py", "/api/v1//"):
        status, page = raw(server, path)
        assert status in (400, 404) and b"import" not in page, path
    # What a stranger says of their address gives them no more: one machine, one count.
    found = [ask(asked + "a", X_Forwarded_For=f"10.0.0.{n}") for n in range(30)]
    assert {status for status, _, _ in found} == {200, 429}
    refused = [(json.loads(body), headers) for status, body, headers in found if status == 429]
    assert len(refused) >= 12 and all("error" in said for said, _ in refused)
    assert all(1 <= int(headers["retry-after"]) <= 60 for _, headers in refused)


@pytest.mark.parametrize("server", [{"ATLAS_ADDRESS_REQUESTS": "40"}], indirect=True)
def test_a_program_that_floods_is_told_so_as_json(server: str) -> None:
    found = [ask(f"{server}{NUMBERS}/models") for _ in range(80)]
    refused = [body for status, body, _ in found if status == 429]
    assert refused and all("Too many requests" in json.loads(body)["error"] for body in refused)


@pytest.mark.parametrize("server", [{"ATLAS_VIEWER_CALLS": "8"}], indirect=True)
def test_the_app_answers_while_programs_let_models_run(server: str) -> None:
    def translate(number: int) -> int:
        text = f"Le+chat+dort+sur+{number}+tables."
        return ask(f"{server}{NUMBERS}/translate?model=fr-en&text={text}&beams=1&limit=48")[0]

    ask(f"{server}{NUMBERS}/translate?model=fr-en&text=Bonjour.&beams=1&limit=20")
    with ThreadPoolExecutor(8) as programs:
        answers = [programs.submit(translate, number) for number in range(24)]
        waits = []
        while not all(one.done() for one in answers):
            began = time.monotonic()
            assert ask(f"{server}/_stcore/health")[0] == 200
            waits.append(time.monotonic() - began)
    assert {one.result() for one in answers} <= {200, 429, 503}
    assert sum(one.result() == 200 for one in answers) >= 8
    assert sorted(waits)[len(waits) // 2] < 0.5, waits
