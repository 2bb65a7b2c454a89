"""What every 200 must be, whatever was asked (design/api.md, Expressions)."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tests.hostile.problems import strict_json
from tests.hostile.tensors import array_of, dense

SHARED = {"value", "conventions", "warnings", "cost"}
RESULTS = {"evaluate": None, "gradient": "gradients", "jacobian": "jacobians"}
COSTS = {"flops", "bytes_moved", "peak_bytes", "answer_bytes", "seconds"}
KINK = {
    *("expression", "start", "end", "rule", "count", "positions", "value", "subdifferential"),
}
LISTED = 10


def faults_of_answer(
    path: str, request: Mapping[str, Any], headers: Mapping[str, str], body: bytes
) -> list[str]:
    """What is wrong with a 200 to a request; nothing, for a good one."""
    if headers.get("content-type") != "application/json":
        return [f"content type {headers.get('content-type')!r}"]
    try:
        answer = strict_json(body)
        return [*_faults(path.rpartition("/")[2], request, answer)]
    except (ValueError, KeyError, TypeError) as error:
        return [f"{type(error).__name__}: {error}"]


def _faults(
    operation: str, request: Mapping[str, Any], answer: dict[str, Any]
) -> Iterator[str]:
    field = RESULTS[operation]
    if answer.keys() != SHARED | ({field} if field else set()):
        yield f"fields {sorted(answer)}"
        return
    value = array_of(answer["value"])
    variables = request["variables"]
    names = variables.keys() if request.get("wrt") is None else set(request["wrt"])
    if field and answer[field].keys() != names:
        yield f"{field} by {sorted(answer[field])}, not by {sorted(names)}"
    if operation == "gradient" and value.shape:
        yield f"gradients of a value of shape {value.shape}"
    for name, tensor in answer[field].items() if field else ():
        found = array_of(tensor) if operation == "gradient" else dense(tensor)
        expected = value.shape + shape_of(variables[name])
        if found.shape != expected:
            yield f"by {name}: shape {found.shape}, not {expected}"
    yield from _faults_beside(request["expression"], answer)


def _faults_beside(expression: str, answer: Mapping[str, Any]) -> Iterator[str]:
    cost, kinks = answer["cost"], answer["conventions"]["kinks"]
    if cost.keys() != COSTS or not all(0 <= x < math.inf for x in cost.values()):
        yield f"cost {cost}"
    for kink in kinks:
        if kink.keys() != KINK or expression[kink["start"] : kink["end"]] != kink["expression"]:
            yield f"kink {kink}"
        if not 1 <= min(kink["count"], LISTED) == len(kink["positions"]):
            yield f"count {kink['count']} with positions {kink['positions']}"
    for warning in answer["warnings"]:
        if warning.keys() != {"code", "message", "pointer", "start", "end"}:
            yield f"warning {warning}"


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a variable as the request gives it."""
    return tuple(value["shape"]) if isinstance(value, Mapping) else np.shape(value)
