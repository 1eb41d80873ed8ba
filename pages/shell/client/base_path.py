"""Where the app is served below its host: read in one place, by the routes of the server."""

from __future__ import annotations

from streamlit import config


def base_path() -> str:
    """The path before every page of ours: "" or "/atlas"."""
    path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""
