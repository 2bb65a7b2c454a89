"""Which other origins' pages may call the API (CORS); off unless a setting names some."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.edge import request_id_of
from service.api.problems import problem_response
from service.errors import MalformedRequestError

ALLOWED = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "X-Request-ID")
EXPOSED = (
    *("X-Request-ID", "Location", "Retry-After", "Idempotent-Replayed"),
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
)


class CrossOrigin(CORSMiddleware):
    """Starlette's CORS with this API's methods and headers; a refusal is a problem."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=ALLOWED,
            expose_headers=EXPOSED,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        try:
            await super().__call__(scope, receive, send)
        except MalformedRequestError as error:
            await problem_response(error, request_id_of(scope))(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a browser that asks what it may send.

        Raises:
            MalformedRequestError: it may not send that.
        """
        response = super().preflight_response(request_headers)
        if response.status_code != HTTPStatus.OK:
            raise MalformedRequestError(bytes(response.body).decode().lower())
        return response
