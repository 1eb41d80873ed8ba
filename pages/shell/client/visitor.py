"""Who is at the other end of this session, as `engine.policy` wants to know it.

In: the connection's headers and address, and the key typed on Home. Out: a `Visitor`. "Here" is
said of who sits at the computer that the app runs on: the connection comes from it, and everything
that the browser and whatever stands between say names this computer too. One of them alone is not
enough, as a proxy on this computer makes every connection local. Where the app is served under
another name (ATLAS_PUBLIC_URL, `browser.serverAddress`) nobody is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config

from engine.policy import Visitor
from engine.settings import settings
from pages.shell.state import state

FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")


def visitor() -> Visitor:
    """The person of this session."""
    here = is_here(st.context.ip_address, st.context.headers, served_as())
    return Visitor(state().viewer, here, state().key)


def served_as() -> list[str]:
    """The names that the host has given the app, "" for none."""
    return [settings().public_url, str(config.get_option("browser.serverAddress") or "")]


def is_here(address: str | None, headers: Mapping[str, str], names: list[str]) -> bool:
    """Whether a connection comes from this computer itself.

    `address` is None for a local one; `names` are those the app is served under (`served_as`).
    """
    if address is not None and not _local(address):
        return False
    if any(headers.get(name) for name in FORWARDED):
        return False
    if not all(_local(_host(name)) for name in names if name):
        return False
    host, origin = headers.get("Host"), headers.get("Origin")
    return bool(host) and _local(_host(host)) and (not origin or _local(_host(origin)))


def _host(name: str) -> str:
    """The host of an address, with a scheme and a port or without."""
    try:
        return urlsplit(name if "://" in name else f"//{name}").hostname or ""
    except ValueError:
        return ""


def _local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = ip_address(host)
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None)
    return (inner or found).is_loopback
