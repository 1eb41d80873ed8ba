"""What plays goes on through echoes of a slow browser, and stops for a choice."""

from __future__ import annotations

from typing import Any

import pytest

from pages.shell import player


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A session in which the player `p` has just told step 4."""
    found: dict[str, Any] = {"p-playing": True, "p-told": 4}
    monkeypatch.setattr(player.st, "session_state", found)
    return found


@pytest.mark.parametrize("step", [2, 3])
def test_a_step_told_just_before_is_an_echo(state: dict[str, Any], step: int) -> None:
    gone: list[int] = []
    player.chosen("p", lambda one: one == step, gone.append)
    assert gone == [4] and player.playing("p")


@pytest.mark.parametrize("step", [1, 5, 7])
def test_any_other_step_is_a_choice_and_stops(state: dict[str, Any], step: int) -> None:
    gone: list[int] = []
    player.chosen("p", lambda one: one == step, gone.append)
    assert gone == [] and not player.playing("p") and state["p-turned"]


def test_nothing_is_an_echo_while_nothing_plays(state: dict[str, Any]) -> None:
    state["p-playing"] = False
    assert player.echoed("p", lambda one: True) is None


def test_a_press_handled_twice_is_one_press(
    state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, gone = [10.0], list[int]()
    monkeypatch.setattr(player.time, "monotonic", lambda: clock[0])
    player._play("p", False, 4, gone.append)
    player._play("p", True, 4, gone.append)  # the same click, by what the button says now
    assert not player.playing("p") and gone == []
    clock[0] += 1
    player._play("p", True, 4, gone.append)
    assert player.playing("p") and gone == [4]
