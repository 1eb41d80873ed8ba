"""Clicks that come faster than runs begin: each is heard once."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequests,
    ScriptRequestType,
)

from pages.shell.host import asked


class Bare(AppSession):
    """A session without a server and without threads: its runs wait until they are taken up."""

    def __init__(self) -> None:
        """Have run nothing."""
        self._state, self._scriptrunner = AppSessionState.APP_IS_RUNNING, None
        self.made: list[ScriptRequests] = []

    def __del__(self) -> None:
        """Nothing was begun that should end."""


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(session: Any, data: RerunData) -> None:
        requests = ScriptRequests()
        requests.request_rerun(data)
        session.made.append(requests)
        session._scriptrunner = SimpleNamespace(
            _requests=requests,
            request_stop=lambda: requests.request_stop(),
            request_rerun=lambda more: requests.request_rerun(more),
        )

    monkeypatch.setattr(AppSession, asked.CREATED, create)
    monkeypatch.setattr(AppSession, asked.ASKED, inspect.unwrap(AppSession.request_rerun))
    true = inspect.unwrap(ScriptRequests.request_stop)
    monkeypatch.setattr(ScriptRequests, "request_stop", true)
    asked.keep_what_was_asked()
    asked.keep_what_was_asked()  # twice is once


def states(*pressed: str, **values: int) -> ClientState:
    """What a browser sends: the buttons that were pressed and what fields hold."""
    found = ClientState()
    for name in pressed:
        found.widget_states.widgets.add(id=name, trigger_value=True)
    for name, value in values.items():
        found.widget_states.widgets.add(id=name, int_value=value)
    return found


def taken(requests: ScriptRequests) -> dict[str, bool | int] | None:
    """What a thread is told when it begins; None where it has nothing to do."""
    request = requests.on_scriptrunner_ready()
    if request.type is not ScriptRequestType.RERUN:
        return None
    widgets = getattr(request.rerun_data.widget_states, "widgets", ())
    return {one.id: getattr(one, one.WhichOneof("value")) for one in widgets}


def test_a_click_whose_run_has_not_begun_is_given_to_the_next() -> None:
    session = Bare()
    session.request_rerun(states("new seed", length=3))
    session.request_rerun(states("options", length=4))
    session.request_rerun(None)
    assert [taken(one) for one in session.made] == [
        None,
        None,
        {"new seed": True, "options": True, "length": 4},
    ]


def test_the_newest_value_of_a_field_stands() -> None:
    session = Bare()
    session.request_rerun(states("new seed", length=3))
    session.request_rerun(states(length=4))
    assert [taken(one) for one in session.made] == [None, {"new seed": True, "length": 4}]


def test_a_click_whose_run_has_begun_is_not_heard_twice() -> None:
    session = Bare()
    session.request_rerun(states("new seed"))
    assert taken(session.made[0]) == {"new seed": True}
    session.request_rerun(states("options"))
    assert taken(session.made[1]) == {"options": True}


def test_what_a_person_stopped_stays_stopped() -> None:
    session = Bare()
    session.request_rerun(states("new seed"))
    session.request_script_stop()
    session.request_rerun(states("options"))
    assert [taken(one) for one in session.made] == [None, {"options": True}]


def test_a_server_is_set_up_so() -> None:
    from pages.shell.host import life

    assert life and hasattr(ScriptRequests.request_stop, "__wrapped__")
