"""The routes of the engine's numbers, `/api/v1/...`, as `engine.web` answers them.

    app = st.App(__file__, routes=[*ROUTES, *number_routes()])

In: a request. Out: JSON, npz, or a page for people. Nothing runs in the server's own loop but the
reading of the address: models run in a few threads of their own, never more at once than
ATLAS_CALLS, and whoever comes beyond is told when to ask again. Mounted at the root and under the
base path, as some proxies pass it on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from engine import policy
from engine.errors import Busy
from engine.hosting.rates import counted
from engine.settings import settings
from engine.web.answering import answered
from engine.web.encoding import TYPES
from engine.web.openapi import ROOT, document
from engine.web.page import page
from engine.web.parameters import quoted, values
from engine.web.places import places
from engine.web.questions import QUESTIONS, Question
from engine.web.refusals import WRONG, Refusal, refusal
from pages.shell.links.route import base_path

READ_ONLY = ("GET", "HEAD")
NOT_KEPT = {"Cache-Control": "no-store"}
PART = 65_536  # bytes given to the server at once
SENDING = 60.0  # seconds that an answer may take to leave
OFF = "The host of this app answers no questions over HTTP (ATLAS_API)."
NOWHERE = "There is nothing at this address. /api/v1 lists what can be asked."
LOGGER = logging.getLogger("atlas")


def number_routes() -> list[Route]:
    """The routes, the one of what is not there last."""
    base = base_path()
    return [
        Route(f"{place}{path}", Numbers(name, place))
        for place in dict.fromkeys(("", base))
        for path, name in (
            (ROOT, "page"),
            (f"{ROOT}/openapi.json", "document"),
            *((f"{ROOT}/{name}", name) for name in QUESTIONS),
            ("/api/{rest:path}", ""),
        )
    ]


class Numbers:
    """What is at one address: a question, the document, the page, or nothing."""

    def __init__(self, name: str, base: str) -> None:
        """`base` is the path before /api in this route's address."""
        self._name, self._base = name, base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say in one sentence why not."""
        request = Request(scope, receive)
        try:
            if settings().api == "no":
                raise Refusal(404, OFF)
            if request.method not in READ_ONLY:
                raise Refusal(405, f"{quoted(request.method)} is not taken here: only GET is.")
            if self._name in QUESTIONS:
                return await self._ask(QUESTIONS[self._name], request, scope, receive, send)
            answer = self._told()
        except Refusal as error:
            answer = _refused(error)
        await answer(scope, receive, send)

    def _told(self) -> Response:
        if self._name == "document":
            return Response(json.dumps(document(self._base)), media_type=TYPES["json"])
        if self._name == "page":
            return HTMLResponse(page(self._base))
        raise Refusal(404, NOWHERE)

    async def _ask(
        self, question: Question, request: Request, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Check the question, answer it in a thread, and hold its place until it has left."""
        address = counted(request.client.host if request.client else None)
        try:
            policy.check_call(address)
        except Busy as error:
            raise refusal(error) from None
        given = values(question.parameters, scope["query_string"])
        form = TYPES[given.get("format", "json")]
        if request.method == "HEAD":
            return await Response(None, 200, NOT_KEPT, form)(scope, receive, send)
        with places().one(address):
            body = await _in_thread(question, given, address)
            headers = Response(None, 200, NOT_KEPT | {"Content-Length": str(len(body))}, form)
            # Who does not read is left: the server closes what was not sent to its end.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SENDING):
                    await _sent(body, headers, send)


async def _sent(body: bytes, answer: Response, send: Send) -> None:
    """Send an answer piece by piece: the next when the one before has left."""
    await send(
        {"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers}
    )
    for at in range(0, len(body), PART):
        more = at + PART < len(body)
        part = body[at : at + PART]
        await send({"type": "http.response.body", "body": part, "more_body": more})


async def _in_thread(question: Question, given: dict, address: str) -> bytes:
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(_threads(), answered, question, given, address)
    except Refusal:
        raise
    except Exception as error:
        # A mistake of ours: for the log, without what was asked.
        LOGGER.error("a question over HTTP failed", exc_info=_bare(error))
        raise Refusal(500, WRONG) from None


def _bare(error: Exception) -> BaseException:
    """The error without its message, which may hold what somebody sent."""
    return RuntimeError(type(error).__name__).with_traceback(error.__traceback__)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings().calls, thread_name_prefix="atlas-numbers")


def _refused(error: Refusal) -> Response:
    headers = dict(NOT_KEPT)
    if error.wait:
        headers["Retry-After"] = str(error.wait)
    if error.status == 405:
        headers["Allow"] = ", ".join(READ_ONLY)
    body = json.dumps({"error": str(error)})
    return Response(body, error.status, headers, TYPES["json"])
