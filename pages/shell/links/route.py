"""The route of a short link, `/s/<id>`: on to the page that shows what was stored.

    app = st.App(__file__, routes=routes())

The browser goes on to the page with `?s=<id>`, and the page reads the state from the store
(`pages.shell.links.opening`), as a text may be longer than an address. An id that is not here gives
one sentence and a way on. Imported by the server before there are any pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from engine.errors import EngineError, LinksUnavailable
from engine.links.store import links
from pages.shell.client.base_path import base_path

PAGES = Path(__file__).parents[2]
THEMES = ("light_theme", "dark_theme")
UNKNOWN = (
    "This link is not known here. It may be mistyped or made on another server, or nobody has "
    "opened it for two years."
)
REBUILT = " The store of links was damaged once, so links from before may be missing."
NO_PAGE = "This link was made for a page that is not here: {page}."


def routes() -> list[Route]:
    """The routes of links, below the path that the app is served under."""
    return [Route(f"{base_path()}/s/{{name}}", short_link, methods=["GET", "HEAD"])]


async def short_link(request: Request) -> Response:
    """Send the browser on to the link's page, or say why not."""
    name = request.path_params["name"]
    try:
        where = await run_in_threadpool(_where, name)
    except EngineError as error:
        status = 503 if isinstance(error, LinksUnavailable) else 404
        return HTMLResponse(_sorry(str(error)), status)
    query = {"s": name} | _looks(request.query_params)
    # Forgotten, made anew, stored later: nobody should remember the answer.
    kept = {"Cache-Control": "no-store"}
    return RedirectResponse(f"{base_path()}/{where}?{urlencode(query)}", 302, kept)


def _where(name: str) -> str:
    """The path of the page of a link; raises `EngineError` with the sentence to show."""
    store = links()
    found = store.get(name)
    if found is None:
        raise EngineError(UNKNOWN + (REBUILT if store.was_rebuilt() else ""))
    page = found.state.page
    if page == "Home":
        return ""
    path = page.replace(" ", "_")
    if not any(PAGES.glob(f"[0-9]*_{path}.py")):
        raise EngineError(NO_PAGE.format(page=page))
    return path


def _looks(query: Mapping[str, str]) -> dict[str, str]:
    """What may be said beside an id: that the picture is embedded, and light or dark."""
    if query.get("embed") != "true":
        return {}
    theme = query.get("embed_options", "")
    return {"embed": "true"} | ({"embed_options": theme} if theme in THEMES else {})


def _sorry(sentence: str) -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Link · Transformer Atlas</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root {{ color-scheme: light dark; }}
body {{ max-width: 34rem; margin: 18vh auto 0; padding: 0 1.2rem; font: 1.05rem/1.5 system-ui,
  sans-serif; color: light-dark(#10151d, #e9e6df); background: light-dark(#fbfaf6, #14171d); }}
h1 {{ font: 600 1.7rem/1.2 Georgia, serif; }}
a {{ color: light-dark(#0b6577, #62c4d3); }}</style></head>
<body><main><h1>Transformer Atlas</h1><p>{escape(sentence)}</p>
<p><a href="{escape(base_path())}/">Open Transformer Atlas</a></p></main></body></html>"""
