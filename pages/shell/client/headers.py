"""What the server tells browsers to refuse: a second wall behind the escaping of every text.

    app = st.App(__file__, middleware=MIDDLEWARE)

In: the settings. Out: headers on every answer. Were hostile text to become part of a page after
all, the Content-Security-Policy lets it load, run and send nothing. It allows the app's own files
and what they need:

    script-src blob:             our components' code, which Streamlit makes a blob of
    script-src 'sha256-...'      the one line of script in Streamlit's own page
    style-src 'unsafe-inline'    Streamlit's styles, made in the browser, and those of SVG pictures
    img-src data: blob:          pictures in pictures, and PNG files on their way to be saved
    worker-src blob:             3-D maps and tables draw beside the page
    connect-src 'self'           the page's own socket; nothing else is asked

Knows nothing of pages. Imported by the server before there are any.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.settings import settings

INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class Headers:
    """Put the headers on every answer of an app."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, with the headers."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in headers().items():
                    found[name] = value
            await send(message)

        await self._app(scope, receive, told)


MIDDLEWARE = (Middleware(Headers),)


@cache
def headers() -> dict[str, str]:
    """The headers by name."""
    return {
        "Content-Security-Policy": "; ".join(
            f"{name} {' '.join(sources)}" for name, sources in policy().items()
        ),
        "X-Content-Type-Options": "nosniff",
        # A link holds the text that somebody typed: no other site is told of it.
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    }


def policy() -> dict[str, tuple[str, ...]]:
    """What may be loaded from where; what is not named may come from nowhere."""
    return {
        "default-src": ("'none'",),
        "script-src": ("'self'", "blob:", *_inline()),
        "style-src": ("'self'", "'unsafe-inline'"),
        "img-src": ("'self'", "data:", "blob:"),
        "font-src": ("'self'", "data:"),
        "media-src": ("'self'", "data:", "blob:"),
        "connect-src": ("'self'",),
        "worker-src": ("'self'", "blob:"),
        "manifest-src": ("'self'",),
        "frame-src": ("'self'",),
        "base-uri": ("'self'",),
        "form-action": ("'self'",),
        "object-src": ("'none'",),
        "frame-ancestors": tuple(settings().frame_ancestors.split()),
    }


def _inline() -> tuple[str, ...]:
    """Digests of the scripts that stand in Streamlit's page itself."""
    page = Path(streamlit.__file__).parent / "static" / "index.html"
    digests = (hashlib.sha256(one).digest() for one in INLINE.findall(page.read_bytes()))
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
