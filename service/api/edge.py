"""The outermost layer: request ids, one log line per request, and no exception leaves it."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.access import without_secrets
from service.api.problems import problem_response
from service.errors import InternalError

REQUESTS = logging.getLogger("gradserve.requests")
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
MOST_LOGGED_PATH = 200
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


def request_id_of(scope: Scope) -> str:
    """The id that the edge gave this request."""
    found: str = scope["gradserve.request_id"]
    return found


Observe = Callable[[str, str | None, int, float], None]


class Edge:
    """Gives each request an id, answers what nobody foresaw, logs one line, tells of it.

    `observe` is told the method, the route's template, the status and the seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        clock: Callable[[], float] = time.perf_counter,
        observe: Observe | None = None,
    ) -> None:
        self._app = app
        self._clock = clock
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._clock()
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if ACCEPTED_ID.fullmatch(given) else uuid4().hex
        is_head = scope["method"] == "HEAD"
        more: list[tuple[bytes, bytes]] = []
        inner = {
            **scope,
            "gradserve.request_id": request_id,
            "gradserve.headers": more,
            "gradserve.is_head": is_head,
        }
        if is_head:
            inner["method"] = "GET"
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given_names = {name for name, _ in message["headers"]}
                added = [pair for pair in SECURITY_HEADERS if pair[0] not in given_names]
                id_header = (b"x-request-id", request_id.encode())
                message = {
                    **message,
                    "headers": [*message["headers"], *added, *more, id_header],
                }
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(inner, receive, answer)
        except ClientDisconnect:
            REQUESTS.debug("the client left", extra={"request_id": request_id})
        except Exception as error:
            REQUESTS.exception("unforeseen", extra={"request_id": request_id}, exc_info=error)
            if status == 0:
                refusal = problem_response(
                    InternalError("the service failed; its log has this id"), request_id
                )
                await refusal(inner, receive, answer)
        finally:
            seconds = self._clock() - started
            REQUESTS.info("request", extra=_line(scope, request_id, status, seconds))
            if self._observe is not None:
                route = getattr(inner.get("route"), "path", None)
                self._observe(scope["method"], route, status, seconds)


def _line(scope: Scope, request_id: str, status: int, seconds: float) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "method": scope["method"],
        "path": without_secrets(scope["path"])[:MOST_LOGGED_PATH],
        "status": status,
        "seconds": round(seconds, 6),
    }
