"""Routes that judge a request before FastAPI sees it: its key, media types, query, JSON."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from service.api.access import let_in, need_of
from service.api.binary import SAFETENSORS
from service.api.computing import computing_of
from service.api.negotiation import (
    HTML,
    JSON,
    media_of,
    refuse_unacceptable,
    refuse_unknown_query,
)
from service.api.problems import MEDIA_TYPE
from service.api.services import services_of
from service.api.validation import read_body

MOST_READ_AT_ONCE = 64 * 2**10
# Said in words: of two bodies openapi-python-client 0.29 makes code that names nothing.
BINARY_REQUEST = (
    f"JSON; or, as `{SAFETENSORS}`, arrays by name: a variable's name, or a JSON pointer such "
    "as `/tangents/x`, `/inputs` or `/layers/0/weights`. The metadata has the rest as JSON, at "
    "most 1 MiB, under the key `gradserve`."
)
BINARY_JOB = (
    f"JSON; or, as `{SAFETENSORS}`, arrays by their JSON pointers, such as `/data/inputs` or "
    "`/model/layers/0/weights`. The metadata has the rest as JSON, at most 1 MiB, under the "
    "key `gradserve`."
)
BINARY_ANSWER = {
    SAFETENSORS: {
        "schema": {
            "type": "string",
            "format": "binary",
            "description": (
                "Arrays by their JSON pointers in the answer. The metadata has the answer as "
                'JSON under the key `gradserve`; `{"$tensor": name}` stands in the place of '
                "each `Tensor`."
            ),
        }
    }
}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _ReadRequest(Request):
    """A request whose body is already a model; to FastAPI it came as JSON."""

    def __init__(self, request: Request, model: object) -> None:
        others = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
        headers = [*others, (b"content-type", JSON.encode())]
        super().__init__({**request.scope, "headers": headers}, request.receive)
        self._model = model

    async def body(self) -> bytes:
        return b"{}"

    async def json(self) -> object:
        return self._model


class StrictRoute(APIRoute):
    """A route that answers JSON and, if it takes a body, takes nothing but strict JSON."""

    served: ClassVar[tuple[str, ...]] = (JSON, MEDIA_TYPE)
    taken: ClassVar[tuple[str, ...]] = (JSON,)
    is_free: ClassVar[bool] = False  # whether arrays of safetensors may be anywhere

    def get_route_handler(self) -> Handler:
        """The handler: negotiation, strict reading, then FastAPI's own."""
        handle = super().get_route_handler()
        field = self.body_field
        model = cast(type[BaseModel], field.field_info.annotation) if field else None
        names = tuple(parameter.alias for parameter in self.dependant.query_params)
        need = need_of(self.path, self.tags)

        async def strict(request: Request) -> Response:
            if need is not None:
                await let_in(request, services_of(request).access, need)
            if self.served:
                refuse_unacceptable(request.headers, self.served)
            refuse_unknown_query(request.scope["query_string"], names)
            if model is None:
                return await handle(request)
            is_binary = media_of(request.headers, self.taken) == SAFETENSORS
            raw = await request.body()
            limits = request.app.state.limits
            read = partial(
                read_body, raw, model, limits, is_binary=is_binary, is_free=self.is_free
            )
            large = len(raw) > MOST_READ_AT_ONCE
            found = await computing_of(request).in_thread(read) if large else read()
            return await handle(_ReadRequest(request, found))

        return strict


class TensorRoute(StrictRoute):
    """A route whose arrays may come and go as safetensors."""

    served = (JSON, SAFETENSORS, MEDIA_TYPE)
    taken = (JSON, SAFETENSORS)

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  # FastAPI's
        options["openapi_extra"] = {"requestBody": {"description": BINARY_REQUEST}}
        others = options.get("responses") or {}
        options["responses"] = {200: {"content": BINARY_ANSWER}, **others}
        super().__init__(*arguments, **options)


class JobRoute(StrictRoute):
    """A route that takes a job, whose arrays may come as safetensors."""

    taken = (JSON, SAFETENSORS)
    is_free = True

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  # FastAPI's
        options["openapi_extra"] = {"requestBody": {"description": BINARY_JOB}}
        super().__init__(*arguments, **options)


class ResultRoute(StrictRoute):
    """A route without a body whose arrays may go as safetensors."""

    served = (JSON, SAFETENSORS, MEDIA_TYPE)

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  # FastAPI's
        others = options.get("responses") or {}
        options["responses"] = {200: {"content": BINARY_ANSWER}, **others}
        super().__init__(*arguments, **options)


class PageRoute(StrictRoute):
    """A route that answers a page, or JSON where that is preferred."""

    served = (HTML, JSON, MEDIA_TYPE)


class AnyRoute(StrictRoute):
    """A route whose media type is known from its path, whatever Accept says."""

    served = ()
