"""Routes for who runs the app: /healthz for load balancers, /metrics for Prometheus.

    app = st.App(__file__, routes=ROUTES)

In: a request. Out: figures of `engine.hosting`. Everybody may ask whether the app is well (200 or
503, one word); the figures are for who ATLAS_FIGURES names: for all others /metrics is not there.
Under a base path (server.baseUrlPath) both are there too, as some proxies pass it on.
"""

from __future__ import annotations

import hmac
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config

from engine.hosting import figures
from engine.hosting.health import health
from engine.settings import settings
from pages.shell.client.visitor import is_here

NOT_KEPT = {"Cache-Control": "no-store"}


def healthz(request: Request) -> Response:
    """Whether the app can serve, and for who may know, how it is."""
    found = health()
    said: dict[str, object] = {"status": "ok" if found.well else "failing"}
    if _may_see(request):
        said |= asdict(found)
    return JSONResponse(said, 200 if found.well else 503, NOT_KEPT)


def metrics(request: Request) -> Response:
    """Every figure, as Prometheus reads it."""
    if not _may_see(request):
        return PlainTextResponse("Not Found", 404)
    health()
    return Response(figures.exposition(), headers=NOT_KEPT | {"Content-Type": figures.CONTENT_TYPE})


def _may_see(request: Request) -> bool:
    chosen = settings()
    if chosen.figures != "here":
        return chosen.figures == "all"
    key = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    if chosen.admin_key and hmac.compare_digest(key, chosen.admin_key.encode()):
        return True
    address = request.client.host if request.client else None
    return is_here(address, request.headers, [])


def _routes() -> list[Route]:
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    places = ["", f"/{base}"] if base else [""]
    return [
        Route(f"{place}{path}", answer, methods=["GET", "HEAD"])
        for place in places
        for path, answer in (("/healthz", healthz), ("/metrics", metrics))
    ]


ROUTES = _routes()
