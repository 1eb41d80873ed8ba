"""The last words of a run are heard before the first of the next one, and none after."""

from __future__ import annotations

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
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


def drawn(path: list[int], part: str, text: str = "") -> ForwardMsg:
    """An element of a part that runs by itself, or a container where there is no text."""
    message = ForwardMsg()
    message.metadata.delta_path[:] = path
    message.delta.fragment_id = part
    if text:
        message.delta.new_element.markdown.body = text
    else:
        message.delta.add_block.allow_empty = True
    return message


def page(part: str, inner: str, run: str, inside: int = 3) -> list[ForwardMsg]:
    """What a part draws: its container, elements, and a part inside it."""
    return [
        drawn([0, 0], part),
        *(drawn([0, 0, k], part, f"{run} {k}") for k in range(inside)),
        drawn([0, 0, inside], inner),
        drawn([0, 0, inside, 0], inner, f"{run} inner"),
    ]


def shown(messages: list[ForwardMsg]) -> dict[tuple[int, ...], str]:
    """What a browser shows of them. An element that is put behind nothing is an error there."""
    found: dict[tuple[int, ...], str] = {(0,): ""}
    for message in messages:
        if message.WhichOneof("type") != "delta":
            continue
        path = tuple(message.metadata.delta_path)
        last = path[-1]
        ready = path[:-1] in found and all((*path[:-1], k) in found for k in range(last))
        assert ready, f"Bad delta path index {last}"
        found[path] = message.delta.new_element.markdown.body
    return found


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ForwardMsgQueue, "clear", inspect.unwrap(ForwardMsgQueue.clear))
    runs.keep_what_was_drawn()


def queued(*messages: ForwardMsg) -> ForwardMsgQueue:
    """A queue of what no browser has taken yet."""
    queue = ForwardMsgQueue()
    for message in messages:
        queue.enqueue(message)
    return queue


def test_a_part_that_runs_again_before_it_was_sent_leaves_nothing_without_a_place(
    keeping: None,
) -> None:
    queue = queued(*page("outer", "inner", "first"))
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["outer"])
    half = page("outer", "inner", "second")[:3]  # it ends before it came to the part inside it
    for message in half:
        queue.enqueue(message)
    found = shown(queue.flush())
    assert found[0, 0, 0] == "second 0" and found[0, 0, 1] == "second 1"
    assert found[0, 0, 2] == "first 2" and found[0, 0, 3, 0] == "first inner"
    assert queue.is_empty()


def test_a_whole_run_lets_go_of_what_was_drawn_before(keeping: None) -> None:
    queue = queued(*page("outer", "inner", "first"))
    queue.clear(retain_lifecycle_msgs=True)
    assert queue.is_empty()


def test_what_nobody_takes_is_bounded(keeping: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "UNSENT", 4)
    queue = queued(*page("outer", "inner", "first"))
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["outer", "inner"])
    assert queue.is_empty()


def test_by_itself_streamlit_leaves_a_part_inside_without_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where this fails Streamlit has mended it, and that half of the module may go."""
    monkeypatch.setattr(ForwardMsgQueue, "clear", inspect.unwrap(ForwardMsgQueue.clear))
    queue = queued(*page("outer", "inner", "first"))
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["outer"])
    with pytest.raises(AssertionError, match="Bad delta path index"):
        shown(queue.flush())


def test_a_server_is_set_up_so() -> None:
    from pages.shell.host import life  # noqa: F401

    assert hasattr(getattr(AppSession, runs.HANDLER), "__wrapped__")
    assert hasattr(ForwardMsgQueue.clear, "__wrapped__")
