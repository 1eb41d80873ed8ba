"""How many links an address may make."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import TooManyLinks
from engine.links import allowance
from engine.links.allowance import Allowance
from engine.links.state import SharedState
from engine.links.store import Links


def test_ten_thousand_links_from_one_address_store_two_hundred(tmp_path: Path):
    links, given = Links(tmp_path / "links.sqlite"), Allowance(200)
    refused = 0
    for number in range(10_000):
        try:
            if number < 210:
                state = SharedState("Home", f"{number}", "m")
                links.put(state, new=lambda: given.take("203.0.113.9"))
            else:
                given.take("203.0.113.9")
        except TooManyLinks as error:
            refused += 1
            assert "200 short links were made from this address today" in str(error)
    assert refused == 9800 and links.totals()[0] == 200
    # Others are not touched by it, and what was made already still costs nothing.
    given.take("203.0.113.10")
    links.put(SharedState("Home", "7", "m"), new=lambda: given.take("203.0.113.9"))


def test_a_new_day_begins_anew(monkeypatch: pytest.MonkeyPatch):
    now = [1e9]
    monkeypatch.setattr(allowance.time, "time", lambda: now[0])
    given = Allowance(1)
    given.take("a")
    with pytest.raises(TooManyLinks):
        given.take("a")
    now[0] += 86_400
    given.take("a")


def test_what_is_remembered_is_bounded_and_names_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(allowance, "REMEMBERED", 50)
    given = Allowance(5)
    for number in range(500):
        given.take(f"203.0.113.{number}")
    assert len(given._made) == 50
    assert not any(b"203" in name for name in given._made)
    assert Allowance(5)._secret != given._secret


def test_without_a_limit_nobody_is_counted_or_refused():
    given = Allowance(0)
    for _ in range(1000):
        given.take("203.0.113.9")
    assert not given._made
