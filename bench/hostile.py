"""Strangers who mean harm: requests and sockets at a steady rate, from few addresses and from many.

In: a server's address and a rate. Out: how it answered, by kind. Half claim one address, half a new
one each; every kind is one that the suite holds to its answer, so that here only others' waiting
counts.
"""

from __future__ import annotations

import asyncio
import random
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg

LONG = 20_000  # characters: what a request line holds
ROUTES: tuple[Callable[[random.Random], str], ...] = (
    lambda chance: f"/s/{chance.randbytes(6).hex()}",
    lambda chance: "/s/..%2f..%2fetc%2fpasswd",
    lambda chance: "/metrics",
    lambda chance: "/media/" + chance.randbytes(20).hex() + ".png",
    lambda chance: "/Attention?" + urlencode({"text": "<script>" * (LONG // 8)}),
    lambda chance: "/healthz?" + urlencode({"x": "y" * LONG}),
    lambda chance: "/_stcore/upload_file/a/b",
)
QUERIES = (
    {"text": "\u0000\u202e" + "boat " * 20_000},
    {"layer": "99", "head": "nan", "view": "<b>", "model": "../../etc"},
    {"text": "a", "length": "99999", "write": "yes", "c1": "top-k 999999999"},
)
AT_ONCE = 24


async def harm(address: str, per_minute: float, seconds: float, answers: Counter[str]) -> None:
    """Keep the rate for so long; count the answers."""
    chance, places = random.Random(7), asyncio.Semaphore(AT_ONCE)
    end, sent = time.monotonic() + seconds, set[asyncio.Task[None]]()
    while time.monotonic() < end:
        many = f"10.{chance.randint(100, 250)}.{chance.randint(0, 255)}.9"
        claimed = chance.choice(("10.99.0.1", many))
        act = _socket if chance.random() < 0.3 else _route
        asked = act(address, claimed, random.Random(chance.random()))
        task = asyncio.ensure_future(_counted(asked, places, answers))
        sent.add(task)
        task.add_done_callback(sent.discard)
        await asyncio.sleep(60 / per_minute)
    await asyncio.gather(*sent)


async def _counted(
    asked: Coroutine[None, None, str], places: asyncio.Semaphore, answers: Counter[str]
) -> None:
    async with places:
        try:
            answers[await asked] += 1
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            answers[type(error).__name__] += 1


async def _route(address: str, claimed: str, chance: random.Random) -> str:
    path = chance.choice(ROUTES)(chance)
    asked = urllib.request.Request(address + path, headers={"X-Forwarded-For": claimed})
    if "upload" in path:
        asked.method, asked.data = "PUT", b"x" * 100_000

    def ask() -> str:
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return str(answer.status)
        except urllib.error.HTTPError as error:
            return str(error.code)

    return await asyncio.to_thread(ask)


async def _socket(address: str, claimed: str, chance: random.Random) -> str:
    stream = address.replace("http", "ws", 1) + "/_stcore/stream"
    try:
        async with websockets.connect(
            stream,
            subprotocols=[websockets.Subprotocol("streamlit")],
            additional_headers={"X-Forwarded-For": claimed},
            max_size=None,
            open_timeout=30,
        ) as socket:
            if chance.random() < 0.3:
                await socket.send(chance.randbytes(50_000))
            else:
                back = BackMsg()
                back.rerun_script.query_string = urlencode(chance.choice(QUERIES))
                back.rerun_script.page_name = chance.choice(("Attention", "Decoding", "nowhere"))
                await socket.send(back.SerializeToString())
            with suppress(TimeoutError):
                async with asyncio.timeout(chance.uniform(0, 2)):
                    await socket.recv(decode=False)
            return "socket taken"
    except websockets.InvalidStatus as error:
        return f"socket {error.response.status_code}"
