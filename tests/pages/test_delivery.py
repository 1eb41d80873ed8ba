"""What a page draws reaches its session's queue in bundles: all of it, in order, none late."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import ScriptRunnerEvent

from pages.shell.host import delivery

DRAWN, BEGUN, ENDED = (
    ScriptRunnerEvent.ENQUEUE_FORWARD_MSG,
    ScriptRunnerEvent.SCRIPT_STARTED,
    ScriptRunnerEvent.SCRIPT_STOPPED_WITH_SUCCESS,
)
LONG = 60.0  # seconds


class Bare(AppSession):
    """A session without a server around it, which keeps what its loop is told."""

    def __init__(self) -> None:
        """Belong to the running loop."""
        self._event_loop = asyncio.get_running_loop()
        self.heard: list[str] = []
        self.wakes = 0

    def __del__(self) -> None:
        """Nothing was begun that should end."""

    def _call_soon_on_event_loop(self, callback: Callable[[], None]) -> None:
        self.wakes += 1
        super()._call_soon_on_event_loop(callback)

    def _handle_scriptrunner_event_on_event_loop(
        self, sender: Any, event: ScriptRunnerEvent, *more: Any, **named: Any
    ) -> None:
        found = [one for one in (*more, *named.values()) if isinstance(one, ForwardMsg)]
        self.heard.append(found[0].delta.fragment_id if event is DRAWN else event.name)


@pytest.fixture(autouse=True)
def bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name in ((AppSession, delivery.SAID), (Runtime, delivery.AWAKE)):
        monkeypatch.setattr(owner, name, inspect.unwrap(getattr(owner, name)))
    delivery.bundle_what_is_drawn()
    delivery.bundle_what_is_drawn()  # twice is once


def drawn(session: AppSession, word: str) -> None:
    message = ForwardMsg()
    message.delta.fragment_id = word
    session._on_scriptrunner_event(SimpleNamespace(), DRAWN, forward_msg=message)  # type: ignore[arg-type]


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG):
        while not seen():
            await asyncio.sleep(0.001)


async def in_thread(work: Callable[[], None]) -> None:
    """As a page's script runs: in a thread of its own."""
    thread = threading.Thread(target=work)
    thread.start()
    await asyncio.to_thread(thread.join)


def test_a_page_is_handed_over_whole_and_in_order() -> None:
    async def play() -> Bare:
        session = Bare()

        def run() -> None:
            for number in range(300):
                drawn(session, str(number))
            session._on_scriptrunner_event(SimpleNamespace(), ENDED)  # type: ignore[arg-type]

        await in_thread(run)
        await until(lambda: session.heard[-1:] == [ENDED.name])
        return session

    session = asyncio.run(play())
    assert session.heard == [*map(str, range(300)), ENDED.name]


def test_what_is_drawn_at_once_wakes_the_loop_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "TOGETHER", LONG)  # a busy machine may take any time over it

    async def play() -> Bare:
        session = Bare()

        def run() -> None:
            for _ in range(50):
                drawn(session, "x")

        await in_thread(run)
        session._on_scriptrunner_event(SimpleNamespace(), ENDED)  # type: ignore[arg-type]
        await until(lambda: len(session.heard) == 51)
        return session

    assert asyncio.run(play()).wakes == 2  # for the first of them, and for the end


def test_nothing_is_heard_before_the_beginning_of_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session forgets then what was not sent: seven elements were missing before the eighth."""
    monkeypatch.setattr(delivery, "TOGETHER", LONG)

    async def play() -> list[str]:
        session = Bare()
        # All of it before the loop, which is busy, hears of anything.
        drawn(session, "the run before")
        session._on_scriptrunner_event(SimpleNamespace(), BEGUN)  # type: ignore[arg-type]
        drawn(session, "its own")
        session._on_scriptrunner_event(SimpleNamespace(), ENDED)  # type: ignore[arg-type]
        await until(lambda: len(session.heard) == 4)
        return session.heard

    assert asyncio.run(play()) == ["the run before", BEGUN.name, "its own", ENDED.name]


def test_one_that_fails_keeps_the_others_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "TOGETHER", LONG)

    async def play() -> tuple[list[str], list[str]]:
        session, errors = Bare(), list[str]()
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: errors.append(str(context["exception"]))
        )
        session._on_scriptrunner_event(SimpleNamespace(), DRAWN)  # type: ignore[arg-type]
        drawn(session, "next")
        session._on_scriptrunner_event(SimpleNamespace(), ENDED)  # type: ignore[arg-type]
        await until(lambda: len(session.heard) == 2)
        return session.heard, errors

    heard, errors = asyncio.run(play())
    assert heard == ["next", ENDED.name] and errors == ["list index out of range"]


def test_what_is_followed_by_nothing_comes_soon() -> None:
    async def play() -> list[str]:
        session = Bare()
        await in_thread(lambda: drawn(session, "alone"))
        await until(lambda: bool(session.heard))
        await in_thread(lambda: drawn(session, "again"))  # it is waited for anew
        await until(lambda: len(session.heard) == 2)
        return session.heard

    assert asyncio.run(play()) == ["alone", "again"]


def test_a_page_that_pauses_lets_go_of_what_it_drew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "TOGETHER", LONG)

    async def play() -> list[str]:
        session = Bare()

        def run() -> None:
            drawn(session, "picture")
            delivery.deliver_now()

        await in_thread(run)
        await until(lambda: bool(session.heard))
        return session.heard

    assert asyncio.run(play()) == ["picture"]


def test_a_thread_that_draws_nothing_has_nothing_to_let_go() -> None:
    thread = threading.Thread(target=delivery.deliver_now)
    thread.start()
    thread.join(LONG)
    assert not thread.is_alive()


def test_the_server_is_woken_without_a_detour_by_its_own_loop() -> None:
    async def play() -> tuple[list[str], bool]:
        calls: list[str] = []
        needed = asyncio.Event()
        loop = SimpleNamespace(call_soon_threadsafe=lambda _: calls.append("detour"))
        own = SimpleNamespace(need_send_data=needed, eventloop=asyncio.get_running_loop())
        other = SimpleNamespace(need_send_data=asyncio.Event(), eventloop=loop)
        wake = getattr(Runtime, delivery.AWAKE)
        wake(SimpleNamespace(_get_async_objs=lambda: other))
        wake(SimpleNamespace(_get_async_objs=lambda: own))
        return calls, needed.is_set()

    assert asyncio.run(play()) == (["detour"], True)


def test_a_server_is_set_up_so() -> None:
    from pages.shell.host import life  # noqa: F401

    assert hasattr(getattr(AppSession, delivery.SAID), "__wrapped__")
    assert hasattr(getattr(Runtime, delivery.AWAKE), "__wrapped__")
