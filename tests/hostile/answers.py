"""What every 200 must be, whatever was asked (design/api.md, Expressions)."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from service.language.tree_text import written
from service.settings import Limits
from tests.hostile.problems import strict_json
from tests.hostile.tensors import array_of, dense
from tests.hostile.tree_mutations import as_tree

SHARED = {"value", "conventions", "warnings", "cost"}
RESULTS = {
    "evaluate": None,
    "gradient": "gradients",
    "jacobian": "jacobians",
    "hessian": "hessians",
    "jvp": "jvp",
    "vjp": "vjp",
    "hvp": "hvp",
}
STRUCTURED = ("jacobian", "hessian")
SCALAR = ("gradient", "hessian", "hvp")
DIRECTIONS = {"jvp": "tangents", "vjp": "cotangent", "hvp": "vectors"}
COSTS = {"flops", "bytes_moved", "peak_bytes", "answer_bytes", "seconds"}
KINK = {
    *("expression", "start", "end", "rule", "count", "positions", "value", "subdifferential"),
}
FORMULA = {"text", "notation", "latex", "mathml"}
TOLD = {"variables", "assumptions", "conventions", "warnings", "cost"}
ANALYSIS = {"tree", "shape"} | FORMULA | TOLD
DERIVATION = {"derivatives"} | TOLD
DERIVATIVE = {"index_notation", "numpy", "structure", "shape", "steps"} | FORMULA
JUDGEMENT = {
    *("verdict", "largest_error", "position", "mistake", "taylor_rate", "exact"),
    *("conventions", "warnings", "cost"),
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
    if operation == "analyze":
        yield from _faults_of_analysis(request, answer)
        return
    if operation in ("derive", "check"):
        yield from (_faults_of_derivation if operation == "derive" else _faults_of_judgement)(
            request, answer
        )
        return
    field = RESULTS[operation]
    optional = {"stacked"} if request.get("stack") else set()
    if answer.keys() != SHARED | ({field} if field else set()) | optional:
        yield f"fields {sorted(answer)}"
        return
    value = array_of(answer["value"])
    batch = request.get("batch") or []
    output = value.shape[1:] if batch else value.shape
    if operation in SCALAR and output:
        yield f"{field} of a value of shape {value.shape}"
    for path, tensor, expected in _expected(operation, request, answer, output):
        if operation in STRUCTURED and batch:
            found = np.empty(tuple(tensor["shape"]))
        else:
            found = dense(tensor) if operation in STRUCTURED else array_of(tensor)
        if found.shape != expected:
            yield f"{path}: shape {found.shape}, not {expected}"
    yield from _faults_beside(request["expression"], answer)


def _faults_of_analysis(request: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    """The names have shapes, and the text and the tree are each other."""
    if answer.keys() != ANALYSIS:
        yield f"fields {sorted(answer)}"
        return
    if as_tree(answer["text"]) != answer["tree"]:
        yield f"the text {answer['text']!r} is not the tree {answer['tree']!r}"
    given = {**request.get("shapes", {}), **request.get("variables", {})}
    assumed = {assumption["name"] for assumption in answer["assumptions"]}
    if answer["variables"].keys() != given.keys() | assumed or given.keys() & assumed:
        yield f"variables {sorted(answer['variables'])}, assumed {sorted(assumed)}"
    shapes = [answer["shape"], *(v["shape"] for v in answer["variables"].values())]
    if not all(isinstance(n, str) or n > 0 for shape in shapes for n in shape):
        yield f"shapes {shapes}"
    if answer["cost"] is not None and answer["cost"].keys() != COSTS - {"seconds"}:
        yield f"cost {answer['cost']}"


def _faults_of_derivation(
    request: Mapping[str, Any], answer: Mapping[str, Any]
) -> Iterator[str]:
    """Every derivative has its fields, its code compiles, its text is of the language."""
    if answer.keys() != DERIVATION:
        yield f"fields {sorted(answer)}"
        return
    names = request.get("wrt")
    if names is not None and [*answer["derivatives"]] != names:
        yield f"derivatives by {sorted(answer['derivatives'])}"
    for name, derivative in answer["derivatives"].items():
        if derivative.keys() != DERIVATIVE:
            yield f"fields of the derivative by {name}: {sorted(derivative)}"
            continue
        compile(derivative["numpy"], "derivative", "exec")
        as_tree(derivative["text"])
        steps = derivative["steps"]
        if (steps is not None) != request.get("steps", False):
            yield f"steps by {name}: {steps}"
        if steps and steps[-1]["becomes"]["text"] != derivative["text"]:
            yield f"the last step by {name} becomes {steps[-1]['becomes']['text']}"


def _faults_of_judgement(_: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    """The verdict and what it rests on go together."""
    if answer.keys() != JUDGEMENT:
        yield f"fields {sorted(answer)}"
        return
    if answer["verdict"] != "wrong" and answer["mistake"] is not None:
        yield f"{answer['verdict']} with the mistake {answer['mistake']}"
    dense(answer["exact"])


def _expected(
    operation: str,
    request: Mapping[str, Any],
    answer: Mapping[str, Any],
    output: tuple[int, ...],
) -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    """Each result with its name and the shape that it must have.

    Raises:
        ValueError: the results are not by the names that were asked for.
    """
    field = RESULTS[operation]
    if field is None:
        return
    batch = request.get("batch") or []
    found, shapes = answer[field], {n: shape_of(v) for n, v in request["variables"].items()}
    samples = shapes[batch[0]][:1] if batch else ()
    shapes.update((name, shapes[name][1:]) for name in batch)
    given = request.get(DIRECTIONS.get(operation, ""))
    names = request.get("wrt")
    if names is None:
        names = list(given) if operation in ("jvp", "hvp") else list(shapes)
    count: tuple[int, ...] = ()
    if request.get("many"):
        count = shape_of(given if operation == "vjp" else next(iter(given.values())))[:1]
    if operation == "jvp":
        yield "jvp", found, count + samples + output
        return
    if found.keys() != set(names):
        raise ValueError(f"{field} by {sorted(found)}, not by {sorted(names)}")
    for name, results in found.items():
        if operation != "hessian":
            before = samples + output if operation == "jacobian" else count + samples
            yield name, results, before + shapes[name]
            continue
        if results.keys() != set(names):
            raise ValueError(f"{name} by {sorted(results)}, not by {sorted(names)}")
        for other, tensor in results.items():
            yield f"{name}, {other}", tensor, samples + shapes[name] + shapes[other]


def _faults_beside(expression: Any, answer: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(expression, str):
        expression = written(expression, Limits()).text
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
