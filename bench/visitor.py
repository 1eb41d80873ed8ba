"""One person on the app's pages, over the socket that browsers use.

    async with Visitor("http://127.0.0.1:8501") as visitor:
        await visitor.open("Attention", text="A fox ran.")
        await visitor.type("Another text.")
        visitor.pictures()

Speaks Streamlit's own messages and keeps what a browser would keep; it draws nothing, so what a
browser takes is not in it. Every act ends with the run that it caused.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from typing import Self
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

WAIT = 60.0  # seconds after which an answer counts as an error


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
            open_timeout=WAIT,
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
                    # A part that is asked for may run with others, or with the whole page.
                    parts = message.metadata.run.fragment_ids
                    begun = not parts or fragment in parts
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
