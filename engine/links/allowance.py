"""How many new links an address may make a day.

    allowance().take(counted("203.0.113.9"))      # `hosting.rates` says what counts as one address

Each process counts for itself. Nothing about a person is kept: an address is counted under a hash
of it with a secret that is made when the process starts and never written anywhere, and all is
forgotten at midnight (UTC).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from functools import cache

from engine.errors import TooManyLinks
from engine.settings import settings

DAY = 86_400  # seconds
REMEMBERED = 100_000  # addresses of a day; of more the one unused longest is forgotten


class Allowance:
    """A number of new links a day for each address; safe for threads."""

    def __init__(self, daily: int) -> None:
        """Allow `daily` a day; 0: no limit."""
        self.daily = daily
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._day = 0
        self._made: OrderedDict[bytes, int] = OrderedDict()

    def take(self, address: str) -> None:
        """Count one for an address; raise `TooManyLinks` where its day is used up."""
        if not self.daily:
            return
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
