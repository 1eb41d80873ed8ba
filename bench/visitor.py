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
import time
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

WAIT = 60.0  # seconds after which an answer counts as an error
FOLDED = ("Options", "Extend the text", "Repetition controls")  # folds that controls are in


class Failed(Exception):
    """The page showed an error, or no answer came."""


class Visitor:
    """One person: a socket, the page as it was last sent, and what may be done on it."""

    def __init__(self, address: str, headers: Mapping[str, str] | None = None) -> None:
        """Prepare to visit a server, `http://127.0.0.1:8501`, with headers of a proxy's."""
        self._address = address.replace("http", "ws", 1) + "/_stcore/stream"
        self._headers = dict(headers or {})
        self._socket: websockets.ClientConnection | None = None
        self._query = self._page = self._name = ""
        self._hashes: dict[str, str] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._typed = itertools.count(1)
        self._drawn: set[tuple[int, ...]] = set()  # in the last run of the whole page
        self.elements: dict[tuple[int, ...], Delta] = {}
        self.folds: dict[tuple[int, ...], Delta] = {}

    async def open(self, page: str = "", **values: str) -> None:
        """Follow a link to a page, the first time."""
        self._query, self._name = urlencode(values), page
        await self._connect()
        await self._asked(name=page)

    async def reopen(self) -> None:
        """Connect again after the connection was lost, and ask for the address one is at."""
        self._rest()
        self._page = ""
        await self._connect()
        await self._asked(name=self._name)

    async def _connect(self) -> None:
        self._socket = await websockets.connect(
            self._address,
            subprotocols=[websockets.Subprotocol("streamlit")],
            open_timeout=WAIT,
            max_size=None,
            compression=None,
            additional_headers=self._headers,
        )

    async def turn(self, page: str, **values: str) -> None:
        """Go to another page by the menu, or by a link with values; `open` has been awaited."""
        self._query, self._page, self._name = urlencode(values), self._hashes[page], page
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
        """Change one of the page's numbers or choices; one that is folded away is opened first."""
        closed = [fold for path, fold in self.folds.items() if not self._inside(path)]
        able = [(d, s) for d in self.elements.values() if (s := _moved(d, chance)) is not None]
        place = chance.randrange(max(1, len(able) + len(closed)))
        if place >= len(able) and closed:
            path = await self._open(closed[place - len(able)])
            able = [(d, s) for d in self._inside(path) if (s := _moved(d, chance)) is not None]
        if not able:
            return await self._asked()
        delta, state = chance.choice(able)
        await self._asked(state, fragment=delta.fragment_id)

    async def _open(self, fold: Delta) -> tuple[int, ...]:
        """Click on a fold; its place on the page."""
        state = WidgetState(id=_fold_id(fold), bool_value=True)
        await self._asked(state, fragment=fold.fragment_id)
        return next(path for path, one in self.folds.items() if _fold_id(one) == state.id)

    def _inside(self, path: tuple[int, ...]) -> list[Delta]:
        """What stands in a fold."""
        size = len(path)
        return [one for at, one in self.elements.items() if at[:size] == path and at != path]

    async def press(self, label: str, **fields: str) -> None:
        """Press a button; `fields` are those of its form, by their first word in small letters."""
        delta = self._labelled("button", label)
        states = [WidgetState(id=delta.new_element.button.id, trigger_value=True)]
        for name, value in fields.items():
            field = next(
                one.new_element.text_input
                for one in self.elements.values()
                if one.new_element.text_input.label.lower().startswith(name)
            )
            states.append(WidgetState(id=field.id, string_value=value))
        await self._asked(*states, fragment=delta.fragment_id)

    async def choose(self, chance: random.Random) -> str:
        """Answer the question of the page's panel with one of its choices; which it was."""
        await self.until(lambda: self._choices() is not None)
        delta = self._choices()
        assert delta is not None
        chosen = chance.choice(delta.new_element.radio.options)
        state = WidgetState(id=delta.new_element.radio.id, string_value=chosen)
        await self._asked(state, fragment=delta.fragment_id)
        return chosen.replace("\\", "")

    def _choices(self) -> Delta | None:
        """The choices of a lesson's question, once they are drawn."""
        found = self.elements.values()
        return next((one for one in found if "lesson-" in one.new_element.radio.id), None)

    def words(self) -> str:
        """Texts, boxes and drawn lists of the page, one after the other."""
        found = (delta.new_element for delta in self.elements.values())
        return "\n".join(one.markdown.body + one.alert.body + one.html.body for one in found)

    def sent(self, component: str) -> dict[str, Any]:
        """What a component of ours was last sent; {} where it is not there."""
        for delta in self.elements.values():
            one = delta.new_element.bidi_component
            if one.component_name.endswith(component):
                return json.loads(one.json)
        return {}

    async def until(self, seen: Callable[[], bool], seconds: float = WAIT) -> float:
        """Take what comes until something is seen; the seconds that it took."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            while not seen():
                self._take(await self._received())
        self._fail()
        return time.monotonic() - began

    def _labelled(self, kind: str, label: str) -> Delta:
        for delta in self.elements.values():
            element = delta.new_element
            if element.WhichOneof("type") == kind and getattr(element, kind).label == label:
                return delta
        raise Failed(f"there is no {kind} {label}")

    def pictures(self) -> list[str]:
        """Every picture of ours that is on the page."""
        found = (d.new_element.bidi_component for d in self.elements.values())
        data = (json.loads(one.json) for one in found if one.WhichOneof("data") == "json")
        return [one["svg"] for one in data if isinstance(one, dict) and "svg" in one]

    @property
    def waiting(self) -> bool:
        """Whether the page shows one's place in the queue."""
        heads = [
            delta.new_element.heading.body
            for delta in self.elements.values()
            if delta.new_element.WhichOneof("type") == "heading"
        ]
        return "Please wait a moment" in heads

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

    async def _asked(self, *states: WidgetState, fragment: str = "", name: str = "") -> None:
        """Ask for a run and take what it sends, to its end."""
        await self._send(*states, fragment=fragment, name=name)
        whole = begun = False
        early = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN
        async with asyncio.timeout(WAIT):
            while True:
                message = await self._received()
                kind = message.WhichOneof("type")
                self._take(message)
                if kind == "new_session":
                    if whole:
                        break  # the next run has begun: where both meet, the end is never sent
                    # A part that is asked for may run with others, or with the whole page.
                    parts = message.metadata.run.fragment_ids
                    mine = not parts or fragment in parts
                    # A part that runs by itself breaks nothing off: what was asked before is done.
                    if begun and not mine:
                        break
                    begun, whole = mine, not parts
                if kind == "script_finished" and begun:
                    # A run of the whole page that is broken off for another is not the answer yet.
                    # Of a part this is also said where the next part began before it was sent.
                    if not whole or message.script_finished != early:
                        break
                    whole = False
        self._fail()

    def _fail(self) -> None:
        for delta in self.elements.values():
            if delta.new_element.WhichOneof("type") == "exception":
                raise Failed(delta.new_element.exception.message[:200])

    async def _send(
        self, *states: WidgetState, fragment: str = "", name: str = "", auto: bool = False
    ) -> None:
        back = BackMsg()
        asked = back.rerun_script
        asked.query_string, asked.page_script_hash, asked.page_name = self._query, self._page, name
        asked.fragment_id, asked.is_auto_rerun = fragment, auto
        asked.widget_states.widgets.extend(states)
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
                self._drawn = set()
        elif kind == "navigation":
            menu = message.navigation
            self._page = menu.page_script_hash
            self._hashes = {page.url_pathname: page.page_script_hash for page in menu.app_pages}
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            path = tuple(message.metadata.delta_path)
            self._drawn.add(path)
            self.elements[path] = message.delta
        elif kind == "delta" and _fold_label(message.delta) in FOLDED:
            path = tuple(message.metadata.delta_path)
            self._drawn.add(path)
            self.folds[path] = message.delta
        elif kind == "script_finished":
            # A browser shows what was there until the run that left it out has ended.
            if message.script_finished == ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY:
                self.elements = {p: one for p, one in self.elements.items() if p in self._drawn}
                self.folds = {p: one for p, one in self.folds.items() if p in self._drawn}
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


def _fold_label(delta: Delta) -> str:
    """What is written on a fold that says whether it is open, "" for everything else."""
    block = delta.add_block
    kind = block.WhichOneof("type") if delta.WhichOneof("type") == "add_block" else None
    return (
        getattr(block, kind).label if kind in ("popover", "expandable") and _fold_id(delta) else ""
    )


def _fold_id(delta: Delta) -> str:
    block = delta.add_block
    return getattr(block, str(block.WhichOneof("type"))).id


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
