"""The committed OpenAPI document: its schemas and operations."""

import json
from typing import Any

from tests.sdk.toolchain import ROOT

DOCUMENT = json.loads((ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS: dict[str, Any] = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
OPERATION_IDS = {operation["operationId"] for operation in OPERATIONS.values()}


def component(reference: str) -> str:
    """The name of the schema that a `$ref` refers to."""
    return reference.removeprefix("#/components/schemas/")
