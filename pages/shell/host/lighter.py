"""What Streamlit 1.67 does anew for every element or run, and need not.

    lighten()      # once, before there are sessions

- A field, a list to choose from and a box of numbers each ask whether the session holds nothing
  under their key. For that Streamlit copies the whole session, every picture's state included:
  0.4 ms each. They are handed a look at the session instead, which finds the one key.
- At each run's beginning the loop, which all sessions share, reads a hundred settings of the theme
  and writes them into a message: 1 ms. They do not change while a server runs.
- For each part of a page that runs alone it copies, twice, where on the page the next elements go,
  by the general way that asks every value how it is copied: 0.5 ms. They are four values.

`tests/pages/test_lighter.py` fails where Streamlit changes this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import wraps
from typing import Any

from streamlit.cursor import RunningCursor
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session
from streamlit.runtime.state.safe_session_state import SafeSessionState

THEME = "_populate_theme_msg"


class Look(Mapping[str, Any]):
    """A session's values by the keys of their widgets, found when asked for."""

    def __init__(self, session: SafeSessionState) -> None:
        """Look at a session."""
        self._session = session

    def __getitem__(self, key: str) -> Any:
        """The value under a key; KeyError where there is none."""
        with self._session._lock:
            return self._session._state[key]

    def __iter__(self) -> Iterator[str]:
        """All keys, of a copy."""
        return iter(self._copy())

    def __len__(self) -> int:
        """How many values there are."""
        return len(self._copy())

    def __repr__(self) -> str:
        """As the copy would be written."""
        return repr(self._copy())

    def _copy(self) -> dict[str, Any]:
        with self._session._lock:
            return self._session._state.filtered_state


def lighten() -> None:
    """Let Streamlit look keys up without a copy, read the theme once, and copy places quickly."""
    RunningCursor.__deepcopy__ = _copied  # type: ignore[attr-defined]
    SafeSessionState.filtered_state = property(Look)  # type: ignore[assignment, method-assign]
    populate = getattr(app_session, THEME)
    if getattr(populate, "__wrapped__", None) is None:
        setattr(app_session, THEME, _once(populate))


def _copied(cursor: RunningCursor, _memo: dict[int, Any]) -> RunningCursor:
    """Another pointer to the same place; the elements that a spinner shows are copied too."""
    found = object.__new__(type(cursor))
    shown = cursor._transient_elements
    found.__dict__.update(
        cursor.__dict__, _transient_elements=deepcopy(shown) if len(shown) else type(shown)()
    )
    return found


def _once(populate: Any) -> Any:
    made: dict[str, CustomThemeConfig] = {}

    @wraps(populate)
    def populated(message: CustomThemeConfig, section: str = "theme") -> None:
        if section not in made:
            fresh = CustomThemeConfig()
            populate(fresh, section)
            made[section] = fresh
        if made[section].ListFields():
            message.MergeFrom(made[section])

    return populated
