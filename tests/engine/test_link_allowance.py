"""How many links an address may make, and whose address a request has."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from engine.errors import TooManyLinks
from engine.links import allowance
from engine.links.allowance import UNNAMED, Allowance, sender
from engine.links.state import SharedState
from engine.links.store import Links

NONE = ()
PROXY = (ip_network("10.0.0.5"), ip_network("fd00::/16"))
LOCAL = (ip_network("127.0.0.1"),)


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


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "whose"),
    [
        ("203.0.113.9", None, NONE, "203.0.113.9"),
        (None, None, NONE, "127.0.0.1"),
        # A stranger's own header is not believed.
        ("203.0.113.9", "198.51.100.1", NONE, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", PROXY, "203.0.113.9"),
        ("203.0.113.9", "10.0.0.5", PROXY, "203.0.113.9"),
        # A proxy that is named tells who asked it, and only the last it did not know itself.
        ("10.0.0.5", "203.0.113.9", PROXY, "203.0.113.9"),
        ("10.0.0.5", "1.1.1.1, 203.0.113.9", PROXY, "203.0.113.9"),
        ("10.0.0.5", "1.1.1.1, 203.0.113.9, fd00::1", PROXY, "203.0.113.9"),
        ("10.0.0.5", "nonsense", PROXY, "no address"),
        # The server has put the header's last address in the place of a peer on this computer.
        ("203.0.113.9", "1.1.1.1, 203.0.113.9", LOCAL, "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9", NONE, UNNAMED),
        # One network of IPv6 is one sender, and IPv4 written in IPv6 is IPv4.
        ("2001:db8:1:2:3:4:5:6", None, NONE, "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", None, NONE, "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", None, NONE, "203.0.113.9"),
        ("::ffff:10.0.0.5", "203.0.113.9", PROXY, "203.0.113.9"),
        ("203.0.113.9", "x" * 100_000, NONE, "203.0.113.9"),
    ],
)
def test_whose_a_request_is(peer, forwarded, proxies, whose):
    assert sender(peer, forwarded, proxies) == whose
