"""Routes that judge a request before FastAPI sees it: media types, query names, strict JSON."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from service.api.computing import computing_of
from service.api.negotiation import (
    HTML,
    JSON,
    refuse_other_media,
    refuse_unacceptable,
    refuse_unknown_query,
)
from service.api.problems import MEDIA_TYPE
from service.api.validation import read_body

MOST_READ_AT_ONCE = 64 * 2**10
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _ReadRequest(Request):
    """A request whose body is already a model."""

    def __init__(self, request: Request, model: object) -> None:
        super().__init__(request.scope, request.receive)
        self._model = model

    async def body(self) -> bytes:
        return b"{}"

    async def json(self) -> object:
        return self._model


class StrictRoute(APIRoute):
    """A route that answers JSON and, if it takes a body, takes nothing but strict JSON."""

    served: ClassVar[tuple[str, ...]] = (JSON, MEDIA_TYPE)

    def get_route_handler(self) -> Handler:
        """The handler: negotiation, strict reading, then FastAPI's own."""
        handle = super().get_route_handler()
        field = self.body_field
        model = cast(type[BaseModel], field.field_info.annotation) if field else None
        names = tuple(parameter.alias for parameter in self.dependant.query_params)

        async def strict(request: Request) -> Response:
            if self.served:
                refuse_unacceptable(request.headers, self.served)
            refuse_unknown_query(request.scope["query_string"], names)
            if model is None:
                return await handle(request)
            refuse_other_media(request.headers)
            raw = await request.body()
            read = partial(read_body, raw, model, request.app.state.limits)
            large = len(raw) > MOST_READ_AT_ONCE
            found = await computing_of(request).in_thread(read) if large else read()
            return await handle(_ReadRequest(request, found))

        return strict


class PageRoute(StrictRoute):
    """A route that answers a page, or JSON where that is preferred."""

    served = (HTML, JSON, MEDIA_TYPE)


class AnyRoute(StrictRoute):
    """A route whose media type is known from its path, whatever Accept says."""

    served = ()
