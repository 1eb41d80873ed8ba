"""The guard, the queue and the routes of a host, asked as strangers ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from streamlit import config

from engine.hosting import figures, health
from engine.hosting.admission import gate
from engine.settings import settings
from pages.shell.host import guard, routes
from pages.shell.host.guard import SOCKET, Guard
from tests.pages.conftest import Open, crash, sentences

KEY = "a key that nobody guesses"
THERE = "203.0.113.9"


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    def chosen(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"ATLAS_{name}", value)
        settings.cache_clear()
        gate.cache_clear()

    chosen()
    yield chosen
    monkeypatch.undo()
    settings.cache_clear()
    gate.cache_clear()


class Answer:
    """What an ASGI app sent."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        start = next((m for m in messages if "status" in m), {})
        self.kinds = [message["type"] for message in messages]
        self.status = start.get("status")
        self.headers = {k.decode().lower(): v.decode() for k, v in start.get("headers", ())}
        self.body = b"".join(message.get("body", b"") for message in messages).decode()


async def sent(app: Any, path: str, *, kind: str, client: str, more: dict[str, Any]) -> Answer:
    messages: list[dict[str, Any]] = []
    headers = [(name.lower().encode(), value.encode()) for name, value in more.items()]
    scope = {
        "type": kind, "path": path, "raw_path": path.encode(), "method": "GET", "headers": headers,
        "client": (client, 4711), "query_string": b"", "root_path": "", "scheme": "http",
        "http_version": "1.1", "server": ("testserver", 80),
        "extensions": {"websocket.http.response": {}},
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    return Answer(messages)


def ask(app: Any, path: str = "/", *, kind: str = "http", client: str = THERE, **more) -> Answer:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return asyncio.run(sent(app, path, kind=kind, client=client, more=named))


async def plain(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine"})


# --- The guard ------------------------------------------------------------------------------------


def test_too_many_requests_of_an_address_are_refused_with_the_time_to_wait(set_up) -> None:
    set_up(ADDRESS_REQUESTS="3")
    app = Guard(plain)
    assert [ask(app).status for _ in range(4)] == [200, 200, 200, 429]
    refused = ask(app, "/metrics")
    assert refused.status == 429 and 1 <= int(refused.headers["retry-after"]) <= 20
    assert ask(app, client="203.0.113.10").status == 200


def test_an_address_of_its_own_for_each_request_helps_nobody(set_up) -> None:
    set_up(ADDRESS_REQUESTS="3")
    app = Guard(plain)
    found = [ask(app, client=f"2001:db8:1:2::{n:x}").status for n in range(1, 6)]
    assert found == [200, 200, 200, 429, 429]


def test_at_home_nothing_is_refused(set_up) -> None:
    app = Guard(plain)
    assert {ask(app, "/_stcore/upload_file/a/b").status for _ in range(50)} == {200}


def test_files_are_refused_where_none_are_taken(set_up) -> None:
    set_up(MODE="public")
    for path in ("/_stcore/upload_file/s/f", "/atlas/_stcore/upload_file/s/f"):
        assert ask(Guard(plain), path).status == 403
    assert ask(Guard(plain), "/_stcore/health").status == 200


def test_pages_opened_by_an_address_are_bounded_by_the_minute(set_up) -> None:
    set_up(ADDRESS_OPENINGS="2")
    app = Guard(plain)
    found = [ask(app, SOCKET, kind="websocket") for _ in range(3)]
    assert [one.status for one in found] == [200, 200, 429]
    assert "retry-after" in found[2].headers
    assert found[2].kinds[0] == "websocket.http.response.start"


@pytest.mark.parametrize(
    ("variables", "clients", "status"),
    [
        ({"ADDRESS_SESSIONS": "2"}, [THERE] * 4, 429),
        ({"SESSIONS": "1", "QUEUE": "2"}, [f"10.0.{n}.1" for n in range(53)], 503),
    ],
)
def test_connections_that_stay_open_are_bounded(
    variables: dict[str, str], clients: list[str], status: int, set_up
) -> None:
    set_up(**variables)

    async def run() -> tuple[int, int]:
        leave = asyncio.Event()

        async def stays(scope: Any, receive: Any, send: Any) -> None:
            await leave.wait()

        app = Guard(stays)
        held = [
            asyncio.create_task(sent(app, SOCKET, kind="websocket", client=one, more={}))
            for one in clients
        ]
        await asyncio.sleep(0)
        refused = await sent(app, SOCKET, kind="websocket", client=clients[0], more={})
        leave.set()
        await asyncio.gather(*held)
        after = asyncio.create_task(
            sent(Guard(plain), SOCKET, kind="websocket", client=clients[0], more={})
        )
        return refused.status or 0, (await after).status or 0

    assert asyncio.run(run()) == (status, 200)


@pytest.mark.parametrize(
    ("trusted", "peer", "said", "counted"),
    [
        ("", "127.0.0.1", "198.51.100.1", "127.0.0.1"),  # nobody is believed
        ("", THERE, "198.51.100.1", THERE),
        ("10.0.0.0/8", THERE, "198.51.100.1", THERE),  # a stranger is not
        ("10.0.0.0/8", "10.1.2.3", "198.51.100.1", "198.51.100.1"),
        # A stranger's own word stands before the proxy's, and does not count.
        ("10.0.0.0/8", "10.1.2.3", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.0/8", "10.1.2.3", "1.1.1.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
    ],
)
def test_an_address_is_believed_from_trusted_proxies_only(
    trusted: str, peer: str, said: str, counted: str, set_up
) -> None:
    set_up(TRUSTED_PROXIES=trusted)
    seen: list[str] = []

    async def note(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])
        await plain(scope, receive, send)

    # As the server makes it, which by itself believes this computer.
    ask(guard.Believed(note, "*"), client=peer, X_Forwarded_For=said)
    assert seen == [counted]


# --- Routes ---------------------------------------------------------------------------------------


def app() -> Starlette:
    return Starlette(routes=routes.ROUTES)


def test_anybody_may_ask_whether_the_app_is_well_and_learns_no_more(set_up) -> None:
    found = ask(app(), "/healthz", Host="atlas.example")
    assert found.status == 200 and json.loads(found.body) == {"status": "ok"}
    assert found.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("chosen", "client", "headers", "seen"),
    [
        ("here", "127.0.0.1", {"Host": "localhost:8501"}, True),
        ("here", THERE, {"Host": "localhost:8501"}, False),
        ("here", "127.0.0.1", {"Host": "localhost", "X-Forwarded-For": "::1"}, False),
        ("here", THERE, {"Host": "a.example", "Authorization": f"Bearer {KEY}"}, True),
        ("here", THERE, {"Host": "a.example", "Authorization": f"Bearer {KEY}x"}, False),
        ("here", THERE, {"Host": "a.example", "Authorization": "Bearer "}, False),
        ("all", THERE, {"Host": "a.example"}, True),
        ("no", "127.0.0.1", {"Host": "localhost", "Authorization": f"Bearer {KEY}"}, False),
    ],
)
def test_figures_are_for_who_may_see_them(
    chosen: str, client: str, headers: dict[str, str], seen: bool, set_up
) -> None:
    set_up(FIGURES=chosen, ADMIN_KEY=KEY)
    named = {name.replace("-", "_"): value for name, value in headers.items()}
    found = ask(app(), "/metrics", client=client, **named)
    assert found.status == (200 if seen else 404)
    assert ("atlas_runs_total" in found.body) is seen
    told = json.loads(ask(app(), "/healthz", client=client, **named).body)
    assert ("memory_mb" in told) is seen
    if seen:
        assert told["models_here"] == 3 and told["memory_mb"] > 10 and told["problems"] == []


def test_without_a_key_set_an_empty_one_opens_nothing(set_up) -> None:
    found = ask(app(), "/metrics", Host="a.example", Authorization="Bearer ")
    assert found.status == 404


@pytest.mark.parametrize("trouble", ["no models", "standstill"])
def test_an_app_that_cannot_serve_says_so(
    trouble: str, set_up, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trouble == "no models":
        monkeypatch.setattr("engine.models.catalog.entries", lambda: ())
    else:
        monkeypatch.setattr("engine.models.slots.Slots.longest", health.STANDSTILL + 1)
    health._models.cache.clear()  # type: ignore[attr-defined]
    try:
        found = ask(app(), "/healthz", Host="a.example")
        assert found.status == 503 and json.loads(found.body) == {"status": "failing"}
        assert figures.value("atlas_up") == 0
    finally:
        health._models.cache.clear()  # type: ignore[attr-defined]


def test_routes_stand_under_the_base_path_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {route.path for route in routes._routes()} == {"/healthz", "/metrics"}
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", "/atlas/")
    try:
        found: list[Route] = routes._routes()
    finally:
        config.set_option("server.baseUrlPath", before)
    assert {route.path for route in found} >= {"/atlas/healthz", "/atlas/metrics", "/healthz"}


# --- The queue ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["Home", "3_Attention"])
def test_a_newcomer_waits_and_comes_in_when_a_place_is_free(
    page: str, open_page: Open, set_up
) -> None:
    set_up(SESSIONS="1")
    gate().ask("somebody", here=lambda: True)
    app = open_page(page)
    assert not crash(app) and [one.value for one in app.title] == ["Please wait a moment"]
    assert "number 1" in app.markdown[0].value and not app.selectbox
    gate().leave("somebody")
    app.run()
    assert not crash(app) and app.title[0].value != "Please wait a moment" and app.selectbox


def test_a_full_queue_is_said_and_nothing_else_is_drawn(open_page: Open, set_up) -> None:
    set_up(SESSIONS="1", QUEUE="0")
    gate().ask("somebody", here=lambda: True)
    app = open_page("Home")
    assert not crash(app) and not app.selectbox
    assert "full" in app.info[0].value


def test_who_lost_the_place_does_not_go_on_in_a_part_of_a_page(open_page: Open, set_up) -> None:
    set_up(SESSIONS="1")
    app = open_page("3_Attention")
    viewer = app.session_state["atlas"].viewer
    assert gate().counts()[0] == 1
    gate().leave(viewer)
    gate().ask("somebody", here=lambda: True)
    app.run()
    assert [one.value for one in app.title] == ["Please wait a moment"]
    assert not sentences(app)
