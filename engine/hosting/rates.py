"""How often somebody may ask: so many times a minute, a minute's worth at once.

    wait = Rates().take(counted("10.0.0.7"), 120)    # 0.0: go on; else seconds until the next may

In: a name and how many a minute. Out: seconds to wait. Memory is bounded: names that have not asked
for longest are forgotten, which only ever makes room. Knows nothing of what is asked.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

NAMES_KEPT = 20_000


class Rates:
    """Buckets by name: each fills evenly and holds what may be asked in a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, kept: int = NAMES_KEPT) -> None:
        """Remember at most `kept` names."""
        self._clock, self._kept = clock, kept
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str, per_minute: int, cost: float = 1.0) -> float:
        """Take one, or `cost`, of `per_minute`; seconds to wait where too little is left.

        What is refused takes nothing. 0 a minute means no limit.
        """
        if per_minute <= 0:
            return 0.0
        with self._lock:
            now = self._clock()
            left = self._filled(name, per_minute, now)
            self._left.pop(name, None)
            allowed = left >= cost
            self._left[name] = (left - cost if allowed else left, now)
            while len(self._left) > self._kept:
                self._left.popitem(last=False)
        return 0.0 if allowed else (cost - left) * 60 / per_minute

    def wait(self, name: str, per_minute: int) -> float:
        """Seconds until one may be taken, 0 where it may now; takes nothing."""
        if per_minute <= 0:
            return 0.0
        with self._lock:
            left = self._filled(name, per_minute, self._clock())
        return max(0.0, (1.0 - left) * 60 / per_minute)

    def _filled(self, name: str, per_minute: int, now: float) -> float:
        """What a bucket holds by now."""
        left, since = self._left.get(name, (float(per_minute), now))
        return min(float(per_minute), left + (now - since) * per_minute / 60)


def counted(address: str | None) -> str:
    """The name under which a visitor's address is counted, by every limit that goes by address.

    Their network, as `network` says; None, as the server has it for who sits at this computer, is
    this computer's own. `counted(None)` is `"127.0.0.1"`.
    """
    return network(address or "127.0.0.1")


def network(address: str) -> str:
    """What counts as one address: of IPv6 the first half, as a household or a school has all of it.

    `network("2001:db8::1")` is `"2001:db8::"`; what is no address stays as it is.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:60]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
