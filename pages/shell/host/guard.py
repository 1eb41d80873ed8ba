"""What is refused before a page is asked: too many requests, connections, files, by address.

    app = st.App(__file__, middleware=(*MIDDLEWARE, *GUARD))

In: every request and connection. Out: the app's answer, or 429 (503 where all places are taken)
with Retry-After. The address is the machine that connects; only for those in ATLAS_TRUSTED_PROXIES
is what they say in X-Forwarded-For believed: `trust_proxies` tells the server so before it starts.
Knows nothing of pages; `engine.hosting` holds the counts.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import uvicorn.config
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from engine.hosting import figures
from engine.hosting.rates import Rates, counted
from engine.settings import settings

UPLOAD = "/_stcore/upload_file/"
NUMBERS = "/api/v1/"
SPARE = 50  # connections beyond all places and the queue: of those who are told that it is full
CONNECTIONS = 2  # for each visitor of an address: a page that is loaded again has two for a moment
SOON = 60  # seconds

MANY = "Too many requests from your network. Try again in {wait} seconds.\n"
CROWDED = "Too many pages are open in your network. Close one, or try again later.\n"
FULL = "The app and its queue are full. Try again in a minute.\n"
NO_FILES = "No files are taken here.\n"


class Believed(ProxyHeadersMiddleware):
    """The server's own reader of X-Forwarded-For, which believes whom the settings name."""

    def __init__(self, app: Any, trusted_hosts: object = None) -> None:
        """Stand before `app`; whom the server would believe by itself does not count."""
        super().__init__(app, settings().trusted_proxies.split())


def trust_proxies() -> None:
    """Let the server believe nobody's X-Forwarded-For but that of machines the settings name.

    By itself it believes whoever connects from this computer, where a proxy passes on what
    strangers say. Its configuration is made before the app is imported, and looks for this class
    afterwards; `tests/test_public.py` fails where that changes.
    """
    uvicorn.config.ProxyHeadersMiddleware = Believed  # type: ignore[misc]


class Guard:
    """Let through what an address may ask for, and refuse the rest."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before `app`."""
        self._app = app
        self._requests, self._openings = Rates(), Rates()
        self._connected: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, or refuse."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        client = scope.get("client")
        address = counted(client[0] if client else None)
        refusal: Response | None = self._refusal(scope, address)
        if refusal is not None:
            if NUMBERS in scope["path"]:
                refusal = _for_programs(refusal)
            return await _refuse(refusal, scope, receive, send)
        if scope["type"] == "http":
            return await self._app(scope, receive, send)
        self._connected[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._connected[address] -= 1
            if not self._connected[address]:
                del self._connected[address]

    def _refusal(self, scope: Scope, address: str) -> PlainTextResponse | None:
        chosen, path = settings(), scope["path"]
        if wait := self._requests.take(address, chosen.address_requests):
            return _later("requests", wait)
        if scope["type"] == "http":
            if UPLOAD in path and chosen.uploads == "no":
                figures.refused("upload")
                return PlainTextResponse(NO_FILES, 403)
            return None
        if wait := self._openings.take(address, chosen.address_openings):
            return _later("openings", wait)
        most = CONNECTIONS * chosen.address_sessions
        if most and self._connected[address] >= most:
            figures.refused("connections")
            return PlainTextResponse(CROWDED, 429, {"Retry-After": str(SOON)})
        everybody = chosen.sessions + chosen.queue + SPARE
        if chosen.sessions and sum(self._connected.values()) >= everybody:
            figures.refused("full")
            return PlainTextResponse(FULL, 503, {"Retry-After": str(SOON)})
        return None


GUARD = (Middleware(Guard),)


def _later(reason: str, wait: float) -> PlainTextResponse:
    figures.refused(reason)
    seconds = math.ceil(wait)
    return PlainTextResponse(MANY.format(wait=seconds), 429, {"Retry-After": str(seconds)})


def _for_programs(answer: PlainTextResponse) -> JSONResponse:
    """The same refusal as JSON, as whoever asks for numbers reads all others."""
    kept = {name: value for name, value in answer.headers.items() if name == "retry-after"}
    return JSONResponse({"error": bytes(answer.body).decode().strip()}, answer.status_code, kept)


async def _refuse(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the answer; a socket that cannot be answered in words is closed."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get(
        "extensions", {}
    ):
        await receive()
        return await send({"type": "websocket.close", "code": 1013})
    await answer(scope, receive, send)
