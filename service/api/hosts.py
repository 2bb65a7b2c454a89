"""Which Host a request may name: a page elsewhere must not reach a service on loopback."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.edge import request_id_of
from service.api.problems import problem_response
from service.errors import MalformedRequestError
from service.language.places import shown


class KnownHosts:
    """Refuses other names once the body has arrived, so that its limits are judged first."""

    def __init__(self, app: ASGIApp, accepted: Collection[str]) -> None:
        self._app = app
        self._accepted = frozenset(name.lower() for name in accepted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not self._accepted:
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        if _name(host) in self._accepted:
            await self._app(scope, receive, send)
            return
        message = await receive()
        while message["type"] == "http.request" and message.get("more_body"):
            message = await receive()
        expected = ", ".join(sorted(self._accepted))
        refusal = MalformedRequestError(
            f"header Host: found {shown(host)}, expected one of {expected}",
            hint="set GRADSERVE_ALLOWED_HOSTS to serve other names",
        )
        response = problem_response(refusal, request_id_of(scope), {"Connection": "close"})
        await response(scope, receive, send)


def _name(host: str) -> str:
    """The name of a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
