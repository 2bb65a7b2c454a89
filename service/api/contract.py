"""The OpenAPI document: what FastAPI derives from the models, made fit for generators."""

import json
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from service.api.access import need_of
from service.api.problems import MEDIA_TYPE
from service.api.schemas.problems import Problem

REF = "#/components/schemas/"
FORMATS = {"number": "double", "integer": "int64"}
KEY_SCHEME = "ApiKey"
KEY_DESCRIPTION = (
    "An API key, `gs_…`, as `Authorization: Bearer gs_…`; `x-required-scope` of an operation "
    "is the scope that it needs. On a loopback address without keys none is asked for."
)
OF_KEYS = (401, 403, 429, 503)
MAPS_OF_NAMES = ("properties", "schemas")
LITERAL_PARTS = ("example", "examples", "default", "enum", "mapping")
DESCRIPTIONS = {
    400: "The body is not strict JSON, or the request not valid HTTP.",
    404: "Nothing is at this address.",
    401: "There is no API key that is good, and one is asked for.",
    403: "The key lacks the scope that is needed.",
    406: "The answer is JSON, which the Accept header does not allow.",
    409: "That does not go with the state that it is in; `code` says why.",
    408: "The body did not arrive in time.",
    413: "The body is larger than the limit.",
    415: "The body is not application/json.",
    422: "The request does not fit its schema, or cannot be computed; `code` says why.",
    429: "There are too many requests, or jobs that wait; `Retry-After` tells when to go on.",
    500: "The service failed; the fault is ours.",
    503: "The service cannot do it now; `Retry-After` tells when to try again.",
}


def problems_for(
    *, takes_body: bool, others: tuple[int, ...] = ()
) -> dict[int | str, dict[str, Any]]:
    """The documented problem answers of a route, by status."""
    statuses = (400, 406, 408, 413, 415, 422, 500) if takes_body else (400, 406, 422, 500)
    content = {MEDIA_TYPE: {"schema": {"$ref": REF + Problem.__name__}}}
    return {
        status: {"description": DESCRIPTIONS[status], "content": content}
        for status in sorted({*statuses, *others})
    }


def contract(app: FastAPI) -> dict[str, Any]:
    """The document: FastAPI's, with `Problem`, a format for every number, no made-up titles."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        separate_input_output_schemas=False,
    )
    _, problems = models_json_schema([(Problem, "serialization")], ref_template=REF + "{model}")
    schemas = document["components"]["schemas"] | problems["$defs"]
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    for schema in _schemas(document):
        if schema.get("type") in FORMATS:
            schema.setdefault("format", FORMATS[schema["type"]])
        schema.pop("title", None)
    for name, schema in document["components"]["schemas"].items():
        schema["title"] = name
    document["info"]["title"] = app.title
    _add_keys(document)
    return document


def _add_keys(document: dict[str, Any]) -> None:
    """The scheme of keys, and what each operation needs of them and answers without.

    It is said once for all operations: of one that says it itself openapi-python-client makes
    a function that cannot be called without a key, which a service on loopback may not need.
    """
    document["security"] = [{KEY_SCHEME: []}, {}]
    document["components"]["securitySchemes"] = {
        KEY_SCHEME: {"type": "http", "scheme": "bearer", "description": KEY_DESCRIPTION}
    }
    answers = {str(k): v for k, v in problems_for(takes_body=False, others=OF_KEYS).items()}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            need = need_of(path, operation["tags"])
            if need is None:
                operation["security"] = []
                continue
            if need != "any":
                operation["x-required-scope"] = need
            operation["responses"] = dict(sorted((answers | operation["responses"]).items()))


def contract_text(app: FastAPI) -> str:
    """The document as the text of `openapi/openapi.json`: the same for the same service."""
    return json.dumps(contract(app), indent=2, ensure_ascii=False) + "\n"


def _schemas(part: object) -> Iterator[dict[str, Any]]:
    """Every object within a part of the document that is not a map of names or an example."""
    if isinstance(part, list):
        for item in part:
            yield from _schemas(item)
    if not isinstance(part, dict):
        return
    yield part
    for name, item in part.items():
        if name in MAPS_OF_NAMES:
            yield from _schemas(list(item.values()))
        elif name not in LITERAL_PARTS:
            yield from _schemas(item)
