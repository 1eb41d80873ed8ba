"""Many people at once, over the socket that browsers use: how long each waits, what it costs.

    python -m bench.sessions --sessions 100 --seconds 120
    python -m bench.sessions --address http://127.0.0.1:8501 --pid 4711    # a server of yours

Everybody opens a page by its link, thinks, and then types a text (a third of the time), goes to
another page (a quarter) or moves a control. Printed are the time from an act to the end of the
run that it caused, errors, and the memory of the server with its slope once everybody is there.
A `Visitor` speaks Streamlit's own messages; it draws nothing, so what a browser takes is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode

import numpy as np
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from bench.app import server
from bench.measure import memory_mb

PAGES = ("Tokenization", "Embeddings", "Attention", "Translation", "Decoding")
THINK = 8.0  # seconds between two acts, half as long to half as long again
WAIT = 60.0  # seconds after which an answer counts as an error
TYPED, TURNED = 1 / 3, 1 / 4  # shares of the acts
WORDS = (
    "the a little old white brave sad river boy girl king fox hen boat house garden morning night "
    "said saw found took went looked ran sat wanted loved under over with into behind and but then "
    "water bread book tree window road village mother friend once again slowly never always"
).split()


class Failed(Exception):
    """The page showed an error, or no answer came."""


class Visitor:
    """One person: a socket, the page as it was last sent, and what may be done on it."""

    def __init__(self, address: str) -> None:
        """Prepare to visit a server, `http://127.0.0.1:8501`."""
        self._address = address.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket: websockets.ClientConnection | None = None
        self._query = self._page = ""
        self._hashes: dict[str, str] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._typed = itertools.count(1)
        self.elements: dict[tuple[int, ...], Delta] = {}

    async def open(self, page: str = "", **values: str) -> None:
        """Follow a link to a page, the first time."""
        self._socket = await websockets.connect(
            self._address,
            subprotocols=[websockets.Subprotocol("streamlit")],
            max_size=None,
            compression=None,
        )
        self._query = urlencode(values)
        await self._asked(name=page)

    async def turn(self, page: str) -> None:
        """Go to another page by the menu; `open` has been awaited."""
        self._query, self._page = "", self._hashes[page]
        self._rest()
        await self._asked()

    async def type(self, text: str) -> None:
        """Put another text into the field of the page."""
        for delta in self.elements.values():
            element = delta.new_element
            if element.WhichOneof("type") == "text_area":
                state = WidgetState(id=element.text_area.id, string_value=text)
            elif element.bidi_component.component_name.endswith("atlas_textbox"):
                typed = {"typed": {"text": text, "seq": next(self._typed)}}
                state = WidgetState(id=element.bidi_component.id, json_value=json.dumps(typed))
            else:
                continue
            return await self._asked(state)
        raise Failed("there is no field to type into")

    async def move(self, chance: random.Random) -> None:
        """Change one of the page's numbers or choices."""
        able = [(d, s) for d in self.elements.values() if (s := _moved(d, chance)) is not None]
        delta, state = chance.choice(able) if able else (Delta(), None)
        await self._asked(state, fragment=delta.fragment_id)

    def pictures(self) -> list[str]:
        """Every picture of ours that is on the page."""
        found = (d.new_element.bidi_component for d in self.elements.values())
        data = (json.loads(one.json) for one in found if one.WhichOneof("data") == "json")
        return [one["svg"] for one in data if isinstance(one, dict) and "svg" in one]

    async def __aenter__(self) -> Self:
        """Use as `async with Visitor(...) as visitor`."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        self._rest()
        if self._socket is not None:
            await self._socket.close()

    def _rest(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    async def _asked(
        self, state: WidgetState | None = None, *, fragment: str = "", name: str = ""
    ) -> None:
        """Ask for a run and take what it sends, to its end."""
        await self._send(state, fragment=fragment, name=name)
        begun = False
        async with asyncio.timeout(WAIT):
            while True:
                message = await self._received()
                kind = message.WhichOneof("type")
                self._take(message)
                if kind == "new_session":
                    begun = list(message.metadata.run.fragment_ids) == [fragment] * bool(fragment)
                # A run that is broken off for another is not the answer yet.
                early = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN
                if kind == "script_finished" and begun and message.script_finished != early:
                    break
        for delta in self.elements.values():
            if delta.new_element.WhichOneof("type") == "exception":
                raise Failed(delta.new_element.exception.message[:200])

    async def _send(
        self, state: WidgetState | None = None, *, fragment: str = "", name: str = "", auto=False
    ) -> None:
        back = BackMsg()
        asked = back.rerun_script
        asked.query_string, asked.page_script_hash, asked.page_name = self._query, self._page, name
        asked.fragment_id, asked.is_auto_rerun = fragment, auto
        asked.widget_states.widgets.extend([] if state is None else [state])
        assert self._socket is not None, "a page is opened first"
        await self._socket.send(back.SerializeToString())

    async def _received(self) -> ForwardMsg:
        assert self._socket is not None, "a page is opened first"
        return ForwardMsg.FromString(await self._socket.recv(decode=False))

    def _take(self, message: ForwardMsg) -> None:
        """Keep what a browser would keep of a message."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            if not message.metadata.run.fragment_ids:
                self._rest()
                self.elements.clear()
        elif kind == "navigation":
            menu = message.navigation
            self._page = menu.page_script_hash
            self._hashes = {page.url_pathname: page.page_script_hash for page in menu.app_pages}
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self.elements[tuple(message.metadata.delta_path)] = message.delta
        elif kind == "auto_rerun":
            wish = message.auto_rerun
            timer = self._again(wish.fragment_id, wish.interval)
            self._stop(wish.fragment_id)
            self._timers[wish.fragment_id] = asyncio.ensure_future(timer)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._stop(fragment)

    def _stop(self, fragment: str) -> None:
        timer = self._timers.pop(fragment, None)
        if timer is not None:
            timer.cancel()

    async def _again(self, fragment: str, seconds: float) -> None:
        """The clock of a part that runs by itself."""
        while True:
            await asyncio.sleep(seconds)
            with contextlib.suppress(websockets.ConnectionClosed):
                await self._send(fragment=fragment, auto=True)

    async def think(self, seconds: float) -> None:
        """Do nothing but take what comes: parts that run by themselves go on."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    self._take(await self._received())


def _moved(delta: Delta, chance: random.Random) -> WidgetState | None:
    """Another value of a control, None where it is none that we know."""
    element, kind = delta.new_element, delta.new_element.WhichOneof("type")
    if (
        kind == "number_input"
        and element.number_input.has_max
        and not element.number_input.disabled
    ):
        one = element.number_input
        value = one.min + one.step * chance.randint(0, int((one.max - one.min) / one.step))
        return WidgetState(id=one.id, double_value=value)
    if kind == "button_group" and element.button_group.required:
        group = element.button_group
        state = WidgetState(id=group.id)
        state.string_array_value.data.append(chance.choice(group.options).content)
        return state
    return None


@dataclass
class Tally:
    """What all visitors saw: seconds of each kind of act, and errors."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)

    def report(self, settled: float) -> str:
        """All of it as lines; memory has settled after that many seconds."""
        every = [s for name, some in self.seconds.items() if name != "open" for s in some]
        lines = [_line(name, some) for name, some in sorted(self.seconds.items())]
        lines += [_line("all but opening", every), f"errors: {sum(self.errors.values())}"]
        lines += [f"    {count} x {what}" for what, count in self.errors.most_common(5)]
        late = [(at, mb) for at, mb in self.memory if at >= settled]
        if len(late) > 2:
            times, sizes = np.array(late).T
            slope = 60 * np.polyfit(times, sizes, 1)[0]
            first, last, most = late[0][1], late[-1][1], max(mb for _, mb in self.memory)
            lines.append(
                f"memory: {first:.0f} MB when all were there, {last:.0f} at the end, {most:.0f} at "
                f"most; {slope:+.1f} MB a minute"
            )
        return "\n".join(lines)


def _line(name: str, seconds: list[float]) -> str:
    if len(seconds) < 2:
        return f"{name}: {len(seconds)} acts"
    part = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    middle, most = statistics.median(seconds), max(seconds)
    return (
        f"{name}: {len(seconds)} acts, median {1e3 * middle:.0f} ms, 95 % within "
        f"{1e3 * part:.0f} ms, slowest {1e3 * most:.0f} ms"
    )


def sentence(chance: random.Random) -> str:
    """A text that hardly anybody else types."""
    return " ".join(chance.choices(WORDS, k=chance.randint(6, 14))).capitalize() + "."


async def visit(address: str, number: int, begin: float, end: float, tally: Tally) -> None:
    """One person's stay from `begin` to `end`, in seconds of the clock."""
    chance = random.Random(number)
    await asyncio.sleep(max(0.0, begin - time.monotonic()))

    async def timed(name: str, act: Coroutine[Any, Any, None]) -> None:
        began = time.monotonic()
        await act
        tally.seconds.setdefault(name, []).append(time.monotonic() - began)

    page = chance.choice(PAGES)
    try:
        async with Visitor(address) as visitor:
            await timed("open", visitor.open(page, text=sentence(chance)))
            while True:
                await visitor.think(THINK * chance.uniform(0.5, 1.5))
                if time.monotonic() > end:
                    return
                luck = chance.random()
                if luck < TYPED:
                    await timed("type", visitor.type(sentence(chance)))
                elif luck < TYPED + TURNED:
                    page = chance.choice([one for one in PAGES if one != page])
                    await timed("turn", visitor.turn(page))
                else:
                    await timed("move", visitor.move(chance))
    except (Failed, TimeoutError, OSError, websockets.WebSocketException) as error:
        tally.errors[f"{page}: {type(error).__name__} {error}"[:300]] += 1


async def crowd(address: str, sessions: int, seconds: float, pid: int | None = None) -> Tally:
    """All of them, come one after another within one time of thinking."""
    tally, began = Tally(), time.monotonic()
    arrive = [began + THINK * number / sessions for number in range(sessions)]
    end = began + THINK + seconds
    stays = [visit(address, n, at, end, tally) for n, at in enumerate(arrive)]
    everybody = asyncio.gather(*stays)
    while not everybody.done():
        if pid is not None:
            tally.memory.append((time.monotonic() - began, memory_mb(pid=pid)))
        await asyncio.wait([everybody], timeout=2)
    await everybody
    return tally


def main() -> None:
    """Start a server (or take the one named), send the crowd, say what was seen."""
    parser = argparse.ArgumentParser(description="Many people at once.")
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=120, help="after all have come")
    parser.add_argument("--address", help="of a server that runs already")
    parser.add_argument("--pid", type=int, help="its process, for its memory")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        address, pid = given.address, given.pid
        if address is None:
            address, process = stack.enter_context(server())
            pid = process.pid
        tally = asyncio.run(crowd(address, given.sessions, given.seconds, pid))
    print(f"{given.sessions} sessions for {given.seconds:.0f} seconds")
    print(tally.report(settled=2 * THINK))


if __name__ == "__main__":
    main()
