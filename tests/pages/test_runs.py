"""The last words of a run are heard before the first of the next one, and none after."""

from __future__ import annotations

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.scriptrunner import ScriptRunnerEvent

from pages.shell.host import runs

ENQUEUE, ENDED = (
    ScriptRunnerEvent.ENQUEUE_FORWARD_MSG,
    ScriptRunnerEvent.SCRIPT_STOPPED_WITH_SUCCESS,
)


class Bare(AppSession):
    """A session without a server around it."""

    def __del__(self) -> None:
        """Nothing was begun that should end."""


def played(*events: tuple[Any, ScriptRunnerEvent, str], current: Any) -> list[str]:
    """What a session sends of events, each (whose, which, its word), while `current` is its run."""
    sent: list[str] = []

    async def play() -> None:
        session = Bare.__new__(Bare)
        session._event_loop = asyncio.get_running_loop()
        session._scriptrunner, session._state = current, AppSessionState.APP_IS_RUNNING
        session._local_sources_watcher, session._run_on_save = None, False
        session._enqueue_forward_msg = lambda message: sent.append(  # type: ignore[method-assign]
            message.delta.fragment_id or str(message.WhichOneof("type"))
        )
        session._clear_queue = lambda *_: None  # type: ignore[method-assign]
        session._client_state = SimpleNamespace(page_script_hash="p")  # type: ignore[assignment]
        began = ForwardMsg()
        began.new_session.name = "app"
        session._create_new_session_message = lambda *_: began  # type: ignore[method-assign]
        session._create_script_finished_message = (  # type: ignore[method-assign]
            lambda *_: ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)
        )
        for whose, event, word in events:
            message = ForwardMsg()
            message.delta.fragment_id = word
            more: dict[str, Any] = {"forward_msg": message} if event is ENQUEUE else {}
            if event is ScriptRunnerEvent.SCRIPT_STARTED:
                more = {"page_script_hash": "p", "run_descriptor": object()}
            session._handle_scriptrunner_event_on_event_loop(whose, event, **more)
            assert session._scriptrunner is current or event is ScriptRunnerEvent.SHUTDOWN

    asyncio.run(play())
    return [one for one in sent if one != "session_status_changed"]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> None:
    true = inspect.unwrap(getattr(AppSession, runs.HANDLER))
    monkeypatch.setattr(AppSession, runs.HANDLER, true)
    runs.keep_what_was_drawn()
    runs.keep_what_was_drawn()  # twice is once


def events() -> tuple[Any, Any, list[tuple[Any, ScriptRunnerEvent, str]]]:
    before, now = SimpleNamespace(), SimpleNamespace()
    return (
        before,
        now,
        [
            (before, ENQUEUE, "last"),
            (before, ENDED, ""),
            (before, ScriptRunnerEvent.SHUTDOWN, ""),
            (now, ScriptRunnerEvent.SCRIPT_STARTED, ""),
            (before, ENQUEUE, "too late"),
            (now, ENQUEUE, "own"),
        ],
    )


def test_the_last_words_of_a_run_are_sent_and_none_after_the_next_began(heard: None) -> None:
    _, now, came = events()
    assert played(*came, current=now) == ["last", "script_finished", "new_session", "own"]


def test_by_itself_streamlit_drops_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this fails Streamlit has mended it, and `pages.shell.host.runs` may go."""
    true = inspect.unwrap(getattr(AppSession, runs.HANDLER))
    monkeypatch.setattr(AppSession, runs.HANDLER, true)
    _, now, came = events()
    assert played(*came, current=now) == ["new_session", "own"]


def test_a_server_is_set_up_so() -> None:
    from pages.shell.host import life  # noqa: F401

    assert hasattr(getattr(AppSession, runs.HANDLER), "__wrapped__")
