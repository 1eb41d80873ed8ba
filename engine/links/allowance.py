"""How many new links an address may make a day, and whose address a request has.

Nothing about a person is kept: an address is counted under a hash of it with a secret that is made
when the process starts and never written anywhere, and all is forgotten at midnight (UTC).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from engine.errors import TooManyLinks
from engine.settings import settings

Network = IPv4Network | IPv6Network
DAY = 86_400  # seconds
REMEMBERED = 100_000  # addresses of a day; of more the one unused longest is forgotten
UNNAMED = "behind a proxy that no setting names"


class Allowance:
    """A number of new links a day for each address; safe for threads."""

    def __init__(self, daily: int) -> None:
        """Allow `daily` a day."""
        self.daily = daily
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._day = 0
        self._made: OrderedDict[bytes, int] = OrderedDict()

    def take(self, address: str) -> None:
        """Count one for an address; raise `TooManyLinks` where its day is used up."""
        name = hmac.digest(self._secret, address.encode(), hashlib.sha256)[:16]
        today = int(time.time()) // DAY
        with self._lock:
            if today != self._day:
                self._day = today
                self._made.clear()
            made = self._made.pop(name, 0)
            self._made[name] = min(made + 1, self.daily)
            if len(self._made) > REMEMBERED:
                self._made.popitem(last=False)
        if made >= self.daily:
            raise TooManyLinks(
                f"{self.daily} short links were made from this address today, and no more are "
                "stored before tomorrow. The long address works without one."
            )


@cache
def allowance() -> Allowance:
    """The one of this process."""
    return Allowance(settings().links_daily)


def sender(peer: str | None, forwarded: str | None, proxies: Sequence[Network]) -> str:
    """Whose a request is: an address as it is counted, an IPv6 one by its /64 network.

    `peer` is who is connected (None: this computer), `forwarded` the header X-Forwarded-For. The
    header is believed from right to left as far as the proxies go that are named; whoever else
    sends it is counted by their own address. The server itself puts the header's last address in
    the place of a peer on this computer: where none named that proxy, all behind it are one sender.
    """
    own = peer or "127.0.0.1"
    chain = [part.strip() for part in (forwarded or "")[-2000:].split(",") if part.strip()]
    if not chain:
        return _counted(own)
    if own in chain:
        # Either the server took this out of the header, or somebody names their own address.
        if not _among("127.0.0.1", proxies) and not _among(own, proxies):
            return UNNAMED
    elif not _among(own, proxies):
        return _counted(own)
    for address in reversed(chain):
        if not _among(address, proxies):
            return _counted(address)
    return _counted(chain[0])


def _among(address: str, proxies: Sequence[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in proxies)


def _counted(address: str) -> str:
    try:
        found = ip_address(address.strip("[]"))
    except ValueError:
        return "no address"
    found = getattr(found, "ipv4_mapped", None) or found
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return str(found)
