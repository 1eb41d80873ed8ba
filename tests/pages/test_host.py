"""The guard, the queue and the routes of a host, asked as strangers ask."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.routing import Route
from streamlit import config

from engine.errors import TooManyLinks
from engine.hosting import figures, health
from engine.hosting.admission import AWAY, gate
from engine.links.allowance import Allowance
from engine.links.state import SharedState
from engine.links.store import Links
from engine.policy import Visitor
from engine.settings import settings
from pages.shell.host import guard, queue, routes
from pages.shell.host import life as lives
from pages.shell.host.guard import Guard
from pages.shell.links import making
from tests.pages.conftest import Open, components, crash, sentences

KEY = "a key that nobody guesses"
THERE = "203.0.113.9"
SOCKET = "/_stcore/stream"


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

    async def run() -> tuple[int, set[str]]:
        leave = asyncio.Event()

        async def stays(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})
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
        # The same guard, as every one of its connections has ended: it counts none of them still.
        after = await asyncio.gather(
            *(sent(app, SOCKET, kind="websocket", client=one, more={}) for one in clients)
        )
        return refused.status or 0, {one.kinds[0] for one in after}

    assert asyncio.run(run()) == (status, {"websocket.accept"})


@pytest.mark.parametrize(
    ("trusted", "peer", "said", "counted"),
    [
        ("", "127.0.0.1", "198.51.100.1", "127.0.0.1"),  # nobody is believed
        ("", THERE, "198.51.100.1", THERE),
        ("10.0.0.0/8", THERE, "198.51.100.1", THERE),  # a stranger is not
        ("10.0.0.0/8", "10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.0/8", THERE, "10.0.0.5", THERE),
        ("", THERE, "x" * 100_000, THERE),
        # A stranger's own word stands before the proxy's, and does not count.
        ("10.0.0.0/8", "10.1.2.3", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.0/8", "10.1.2.3", "1.1.1.1, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.0.0.0/8 fd00::/16", "10.1.2.3", "198.51.100.1, fd00::1", "198.51.100.1"),
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


def addresses(monkeypatch: pytest.MonkeyPatch, ip: str | None) -> list[str]:
    """Under which names the guard, the queue and the links count a visitor of an address."""
    names: list[str] = []

    class Noting:
        """In the place of what counts: notes the name."""

        def take(self, name: str, *_: Any) -> float:
            names.append(name)
            return 0.0

        def ask(self, viewer: str, *, address: str, **_: Any) -> None:
            names.append(address)

    with monkeypatch.context() as patch:
        app = Guard(plain)
        app._requests = Noting()  # type: ignore[assignment]
        ask(app, client=ip or "127.0.0.1")
        patch.setattr(type(streamlit.context), "ip_address", ip)
        patch.setattr(queue, "gate", Noting)
        queue._place(active=True)
        patch.setattr(making, "allowance", Noting)
        patch.setattr(making, "visitor", Visitor)
        making.count_new()
    return names


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        (None, "127.0.0.1"),
        (THERE, THERE),
        (f"::ffff:{THERE}", THERE),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::"),
    ],
)
def test_all_limits_count_an_address_under_one_name(
    ip: str | None, name: str, set_up, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert addresses(monkeypatch, ip) == [name] * 3


def test_ten_thousand_links_from_one_network_store_two_hundred(
    set_up, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_up(MODE="public")
    given, links = Allowance(settings().links_daily), Links(tmp_path / "links.sqlite")
    monkeypatch.setattr(making, "allowance", lambda: given)
    monkeypatch.setattr(making, "visitor", Visitor)

    def make(ip: str, number: int) -> bool:
        monkeypatch.setattr(type(streamlit.context), "ip_address", ip)
        try:
            return bool(links.put(SharedState("Home", f"{number}", "m"), new=making.count_new))
        except TooManyLinks:
            return False

    # Each from an address of its own, as who has a /64 has 2^64 of them.
    stored = sum(make(f"2001:db8:1:2::{number:x}", number) for number in range(10_000))
    assert stored == links.totals()[0] == 200
    assert make("2001:db8:1:3::1", 10_001) and make(THERE, 10_002)
    # What is stored already costs nothing.
    assert make("2001:db8:1:2::1", 7)


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


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ({"MODE": "public"}, False),
        ({"MODE": "public", "FIGURES": "all"}, True),
        ({"MODE": "class"}, True),
        ({"MODE": "class", "PUBLIC_URL": "https://school.example"}, False),
        ({"MODE": "home", "PUBLIC_URL": "http://localhost:8501"}, True),
    ],
)
def test_a_proxy_on_this_computer_that_says_nothing_opens_no_figures(
    variables: dict[str, str], seen: bool, set_up
) -> None:
    # As nginx asks by itself: from this computer, with its own name for the app and no more.
    set_up(**variables, ADMIN_KEY=KEY)
    proxied = {"client": "127.0.0.1", "Host": "127.0.0.1:8501"}
    assert ask(app(), "/metrics", **proxied).status == (200 if seen else 404)
    assert ("memory_mb" in ask(app(), "/healthz", **proxied).body) is seen
    assert ask(app(), "/metrics", **proxied, Authorization=f"Bearer {KEY}").status == 200


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


def test_threads_that_ask_at_once_all_learn_how_the_app_is(
    set_up, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A clock that runs so fast that what is kept is too old at every other look.
    kept = health._models.cache  # type: ignore[attr-defined]
    fast = type(kept)(1, ttl=2.0, timer=lambda: time.monotonic() * 20_000)
    monkeypatch.setattr(kept, "_TimedCache__timer", fast.timer)
    monkeypatch.setattr("engine.models.catalog.entries", lambda: ())
    before = sys.getswitchinterval()
    until, failed = time.monotonic() + 1.0, []

    def look() -> None:
        try:
            while time.monotonic() < until:
                health._models()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=look) for _ in range(8)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
        kept.clear()
    assert not failed


def test_a_look_that_fails_does_not_end_the_figures(
    set_up, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[int] = []

    def look() -> None:
        looks.append(len(looks))
        if len(looks) < 3:
            raise OSError("the folder of models is gone for a moment")

    async def run() -> None:
        async with lives.life(None):
            while len(looks) < 5:
                await asyncio.sleep(0.01)

    monkeypatch.setattr(lives, "EVERY", 0.0)
    monkeypatch.setattr(lives, "sample", look)
    asyncio.run(asyncio.wait_for(run(), 20))
    failed = [one for one in caplog.records if one.exc_info]
    assert len(failed) == 2 and failed[0].name == "atlas"


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


def went_away(monkeypatch: pytest.MonkeyPatch, viewer: str) -> None:
    """Free somebody's place, as their browser has been gone for long enough."""
    now = time.monotonic() + 2 * AWAY
    monkeypatch.setattr(gate(), "_clock", lambda: now)
    gate()._inside[viewer].here = lambda: False


@pytest.mark.parametrize("page", ["Home", "3_Attention"])
def test_a_newcomer_waits_and_comes_in_when_a_place_is_free(
    page: str, open_page: Open, set_up, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(SESSIONS="1")
    gate().ask("somebody", here=lambda: True)
    app = open_page(page)
    assert not crash(app) and [one.value for one in app.title] == ["Please wait a moment"]
    assert "number 1" in app.markdown[0].value and not app.selectbox
    went_away(monkeypatch, "somebody")
    app.run()
    assert not crash(app) and app.title[0].value != "Please wait a moment" and app.selectbox


def test_a_full_queue_is_said_and_nothing_else_is_drawn(open_page: Open, set_up) -> None:
    set_up(SESSIONS="1", QUEUE="0")
    gate().ask("somebody", here=lambda: True)
    app = open_page("Home")
    assert not crash(app) and not app.selectbox
    assert "full" in app.info[0].value


def test_who_lost_the_place_does_not_go_on_in_a_part_of_a_page(
    open_page: Open, set_up, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(SESSIONS="1")
    app = open_page("3_Attention")
    viewer = app.session_state["atlas"].viewer
    assert gate().counts()[0] == 1 and components(app, "atlas_picture")
    went_away(monkeypatch, viewer)
    gate().ask("somebody", here=lambda: True)
    with monkeypatch.context() as patch:
        # A part that runs alone does not come in by the page's door: it asks for itself.
        patch.setattr("pages.shell.frame.enter", lambda: None)
        app.run()
    assert set(sentences(app)) == {queue.OUT} and not components(app, "atlas_picture")
    app.run()
    assert [one.value for one in app.title] == ["Please wait a moment"]
    assert not sentences(app)
