"""Answers as JSON: arrays go flat and contiguous to orjson, never through lists."""

from typing import Any

import numpy as np
import orjson

from service.computation.answers import (
    Answer,
    Array,
    DenseTensor,
    DiagonalTensor,
    Factor,
    FactoredTensor,
    IdentityFactor,
    IdentityTensor,
    Kink,
    Notice,
    OnesFactor,
    StructuredTensor,
    TensorFactor,
    Term,
    ZeroTensor,
)

Json = dict[str, Any]
OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def encode(document: Json, *, is_pretty: bool = False) -> bytes:
    """The document as JSON text."""
    return orjson.dumps(document, option=OPTIONS | (orjson.OPT_INDENT_2 if is_pretty else 0))


def document(answer: Answer) -> Json:
    """The answer of any operation: its value, its results by their places, and what is told."""
    found: Json = {"value": tensor(answer.value)}
    if answer.group is not None:
        found[answer.group] = {}
    for path, result in answer.results.items():
        inner = found
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = (
            tensor(result) if isinstance(result, np.ndarray) else structured(result)
        )
    if answer.stacked is not None:
        columns = [
            {"name": c.name, "start": c.start, "stop": c.stop} for c in answer.stacked.columns
        ]
        found["stacked"] = {
            "jacobian": structured(answer.stacked.jacobian),
            "columns": columns,
        }
    return found | _about(answer)


def tensor(array: Array) -> Json:
    """A `Tensor`."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return {"shape": list(array.shape), "dtype": array.dtype.name, "data": flat}


def structured(derivative: StructuredTensor) -> Json:
    """A `StructuredTensor`."""
    shape = list(derivative.shape)
    match derivative:
        case ZeroTensor():
            return {"structure": "zero", "shape": shape}
        case IdentityTensor(scale=scale):
            return {"structure": "identity", "shape": shape, "scale": float(scale)}
        case DiagonalTensor(diagonal=diagonal):
            return {"structure": "diagonal", "shape": shape, "diagonal": tensor(diagonal)}
        case DenseTensor(tensor=numbers):
            return {"structure": "dense", "shape": shape, "tensor": tensor(numbers)}
        case FactoredTensor(terms=terms):
            return {"structure": "factored", "shape": shape, "terms": [_term(t) for t in terms]}


def _term(term: Term) -> Json:
    return {
        "coefficient": float(term.coefficient),
        "equation": term.equation,
        "factors": [_factor(factor) for factor in term.factors],
    }


def _factor(factor: Factor) -> Json:
    match factor:
        case TensorFactor(tensor=numbers):
            return {"kind": "tensor", "tensor": tensor(numbers)}
        case IdentityFactor(size=size):
            return {"kind": "identity", "size": size}
        case OnesFactor(size=size):
            return {"kind": "ones", "size": size}


def _about(answer: Answer) -> Json:
    cost = answer.cost
    return {
        "conventions": {
            "layout": "numerator",
            "loss_factor": None,
            "kinks": [_kink(kink) for kink in answer.kinks],
        },
        "warnings": [_warning(notice) for notice in answer.warnings],
        "cost": {
            "flops": int(cost.flops),
            "bytes_moved": int(cost.bytes_moved),
            "peak_bytes": int(cost.peak_bytes),
            "answer_bytes": int(cost.answer_bytes),
            "seconds": float(cost.seconds),
        },
    }


def _kink(kink: Kink) -> Json:
    return {
        "expression": kink.expression,
        "start": kink.start,
        "end": kink.end,
        "rule": kink.rule,
        "count": kink.count,
        "positions": [list(position) for position in kink.positions],
        "value": kink.value,
        "subdifferential": kink.subdifferential,
    }


def _warning(notice: Notice) -> Json:
    return {
        "code": notice.code,
        "message": notice.message,
        "pointer": notice.pointer,
        "start": notice.start,
        "end": notice.end,
    }
