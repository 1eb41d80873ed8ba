"""What a page shows, as a state that can be stored, and the addresses that lead to it.

In: the values that the copied link of this page would have. Out: a `SharedState`, its short
address once it is stored, the long one, and the lines that embed it elsewhere.
"""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode, urlsplit

import streamlit as st

from engine.errors import EngineError
from engine.hosting.rates import counted
from engine.links.allowance import allowance
from engine.links.state import RESERVED, SOURCE, SharedState
from engine.links.store import links
from engine.policy import is_host
from engine.settings import settings
from pages.shell import address
from pages.shell.cache import engine
from pages.shell.client.visitor import visitor
from pages.shell.state import state

THEMES = {"Automatic": "", "Light": "light_theme", "Dark": "dark_theme"}
HERE_ONLY = "It opens on this computer only."
LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


def current() -> SharedState:
    """What the page shows now."""
    here = state()
    values, _ = address.link_values()
    model = str(st.session_state.get("model", ""))
    source = engine().card(model).source
    return SharedState(
        page=here.page,
        text=here.text,
        model=model,
        digest=engine().digest(model),
        source="" if source.endswith(".py") or not SOURCE.fullmatch(source) else source,
        controls={
            key: (value,) if isinstance(value, str) else tuple(value)
            for key, value in values.items()
            if key not in RESERVED
        },
    )


def make() -> None:
    """Store what the page shows; for a callback. What came of it is in `state().made`."""
    here = state()
    here.made, here.made_problem = None, ""
    try:
        shared = current()
        name = links().put(shared, new=count_new)
    except EngineError as error:
        here.made_problem = str(error)
        return
    here.made = (name, shared)
    if len(shared.text) > address.TEXT_IN_LINK:
        here.stored = (name, shared.text)


def count_new() -> None:
    """One more new link of this address; the host's own are not counted."""
    if not is_host(visitor()):
        # The server has put the address right already, where a proxy is to be believed.
        allowance().take(counted(st.context.ip_address))


def base() -> str:
    """The address that the app has for whoever is sent a link, without a slash at its end."""
    return settings().public_url or own_base()


def own_base() -> str:
    """The address that this browser has the app at."""
    here = urlsplit(st.context.url or "")
    path = here.path.rstrip("/").removesuffix(_path()).rstrip("/")
    return f"{here.scheme}://{here.netloc}{path}" if here.netloc else ""


def origin(link: str) -> str:
    """Scheme, host and port of an address, without what follows."""
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}"


def short(name: str) -> str:
    """The short address of a stored state."""
    return f"{base()}/s/{name}"


def long() -> str:
    """The long address of what the page shows: it needs no store."""
    values, _ = address.link_values()
    return f"{base()}{_path() or '/'}?{urlencode(values, doseq=True)}"


def here_only(link: str) -> bool:
    """Whether an address leads to this computer only, whoever opens it."""
    return urlsplit(link).hostname in LOCAL


def embed_address(name: str, theme: str, *, start: str | None = None) -> str:
    """The address of the picture alone, light, dark or as the reader's computer is."""
    options = {"embed": "true"} | ({"embed_options": THEMES[theme]} if THEMES[theme] else {})
    return f"{base() if start is None else start}/s/{name}?{urlencode(options)}"


def snippet(name: str, theme: str, height: int, title: str) -> str:
    """The lines that show the picture in another page, `height` pixels high."""
    return (
        f'<iframe src="{escape(embed_address(name, theme))}" title="{escape(title)}"\n'
        f'  width="100%" height="{height}" style="border:0" loading="lazy"></iframe>'
    )


def _path() -> str:
    page = state().page
    return "" if page in ("", "Home") else f"/{page.replace(' ', '_')}"
