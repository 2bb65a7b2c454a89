"""The committed OpenAPI document, and walks over it."""

import json
from collections.abc import Iterator
from typing import Any

from tests.sdk.toolchain import ROOT

PATH = ROOT / "openapi" / "openapi.json"
DOCUMENT = json.loads(PATH.read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS: dict[str, Any] = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
OPERATION_IDS = {operation["operationId"] for operation in OPERATIONS.values()}


def walk(part: Any, place: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a part of the document, with its JSON pointer."""
    if isinstance(part, dict):
        yield place, part
        for key, value in part.items():
            if key not in ("example", "examples"):
                yield from walk(value, f"{place}/{key.replace('/', '~1')}")
    elif isinstance(part, list):
        for k, value in enumerate(part):
            yield from walk(value, f"{place}/{k}")


def component(reference: str) -> str:
    """The name of the schema that a `$ref` refers to."""
    return reference.removeprefix("#/components/schemas/")
