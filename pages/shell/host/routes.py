"""Routes for who runs the app: /healthz for load balancers, /metrics for Prometheus.

    app = st.App(__file__, routes=ROUTES)

In: a request. Out: figures of `engine.hosting`. Everybody may ask whether the app is well (200 or
503, one word); the figures are for whom `engine.policy` lets see them: for all others /metrics is
not there.
Under a base path (server.baseUrlPath) both are there too, as some proxies pass it on.
"""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from engine import policy
from engine.hosting import figures
from engine.hosting.health import health
from engine.settings import settings
from pages.shell.client.base_path import base_path
from pages.shell.client.visitor import is_here, served_as

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
    return Response(_exposition(), headers=NOT_KEPT | {"Content-Type": figures.CONTENT_TYPE})


def _exposition() -> bytes:
    """The figures of this process, and those of its cluster's replicas where it has one."""
    if settings().engine == "local":
        return figures.exposition()
    from engine.cluster import monitoring

    return monitoring.exposition()


def _may_see(request: Request) -> bool:
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    address = request.client.host if request.client else None
    here = is_here(address, request.headers, served_as())
    return policy.may_see_figures(policy.Visitor(here=here, key=key))


def _routes() -> list[Route]:
    places = dict.fromkeys(("", base_path()))
    return [
        Route(f"{place}{path}", answer, methods=["GET", "HEAD"])
        for place in places
        for path, answer in (("/healthz", healthz), ("/metrics", metrics))
    ]


ROUTES = _routes()
