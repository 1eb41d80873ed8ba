"""What Streamlit is spared gives the same as what it would do itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from copy import deepcopy

import pytest
from streamlit.cursor import RunningCursor
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import SessionState

from pages.shell.host import lighter
from tests.pages.conftest import Open, crash

SECTIONS = ("theme", "theme.light", "theme.dark", "theme.sidebar", "theme.dark.sidebar")


@pytest.fixture(autouse=True)
def lightened(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    true = inspect.unwrap(getattr(app_session, lighter.THEME))
    monkeypatch.setattr(app_session, lighter.THEME, true)
    monkeypatch.setattr(SafeSessionState, "filtered_state", SafeSessionState.filtered_state)
    had = RunningCursor.__dict__.get("__deepcopy__")
    lighter.lighten()
    yield
    if had is None:
        delattr(RunningCursor, "__deepcopy__")


def held(**values: object) -> tuple[SafeSessionState, SessionState]:
    state = SessionState()
    for key, value in values.items():
        state[key] = value
    return SafeSessionState(state, lambda: None), state


def test_a_look_at_a_session_shows_what_a_copy_holds() -> None:
    session, state = held(text="A fox", head=None, layer=3)
    look, copy = session.filtered_state, state.filtered_state
    assert dict(look) == copy and len(look) == 3 and repr(look) == repr(copy)
    assert "head" in look and look["head"] is None and "elsewhere" not in look
    assert look.get("elsewhere", "-") == "-"
    state["layer"] = 4
    assert look["layer"] == 4


@pytest.mark.parametrize("page", ["3_Attention", "5_Decoding", "7_Training"])
def test_no_control_copies_the_session(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """Where this fails Streamlit copies it elsewhere, or no more: then the look may go."""
    asked: list[str] = []
    whole = lighter.Look._copy

    def copied(look: lighter.Look) -> dict[str, object]:
        asked.append("copied")
        return whole(look)

    monkeypatch.setattr(lighter.Look, "_copy", copied)
    looks: list[SafeSessionState] = []
    monkeypatch.setattr(
        SafeSessionState,
        "filtered_state",
        property(lambda session: looks.append(session) or lighter.Look(session)),
    )
    assert not crash(open_page(page))
    assert looks and not asked


@pytest.mark.parametrize("section", SECTIONS)
def test_the_theme_is_written_as_streamlit_writes_it(section: str) -> None:
    populate = getattr(app_session, lighter.THEME)
    for _ in range(2):  # made, and found again
        true, ours = CustomThemeConfig(), CustomThemeConfig()
        inspect.unwrap(populate)(true, section)
        populate(ours, section)
        assert ours.SerializeToString(deterministic=True) == true.SerializeToString(
            deterministic=True
        )


def test_a_message_in_which_a_section_says_nothing_has_no_such_section() -> None:
    populate = getattr(app_session, lighter.THEME)
    whole = CustomThemeConfig()
    populate(whole.sidebar, "theme.sidebar")
    assert not whole.HasField("sidebar")


def test_a_copied_place_is_a_place_of_its_own() -> None:
    cursor = RunningCursor(root_container=0, parent_path=(2, 5))
    cursor.lock_element()
    cursor._transient_elements[1] = Element()
    found = deepcopy({0: cursor})[0]
    assert type(found) is RunningCursor
    assert (found.root_container, found.parent_path, found.index) == (0, (2, 5), 1)
    assert list(found._transient_elements.items()) == list(cursor._transient_elements.items())
    found.lock_element()
    found._transient_elements[3] = Element()
    assert (found.index, cursor.index) == (2, 1) and 3 not in cursor._transient_elements


def test_a_server_is_set_up_so() -> None:
    from pages.shell.host import life

    assert life.lighten is lighter.lighten
