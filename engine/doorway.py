"""Which engine answers here: the one in this process, or a cluster's (ATLAS_ENGINE).

    engine().tokens(Reading("tales-gpt", "Once upon a time")).pieces

Pages and programs that answer others ask for it here and cannot tell which it is. A notebook that
wants its own takes `engine.api.local()`.
"""

from __future__ import annotations

from functools import cache

from engine.api import Engine, local
from engine.settings import settings


@cache
def engine() -> Engine:
    """The one engine of this process, shared by all sessions."""
    if settings().engine == "local":
        return local()
    from engine.cluster.remote import remote

    return remote()
