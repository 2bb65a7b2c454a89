"""Where in the request of a `train` job a fault of its training task is."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from service.errors import Fault, GradserveError
from service.language.places import located

_MODEL_FIELDS = (
    *("/activation", "/layers", "/weights", "/bias", "/size", "/initializer"),
    *("/expression", "/parameters", "/columns"),
)
_OTHERS = {"/l1": "/regularization/l1", "/l2": "/regularization/l2"}


@contextmanager
def placed(request: Mapping[str, Any]) -> Iterator[None]:
    """Errors of the task get pointers into the request, and excerpts of its expression."""
    try:
        yield
    except GradserveError as error:
        expression = request["model"].get("expression")
        if isinstance(expression, str):
            located(error, expression)
        error.faults = tuple(_placed(fault) for fault in error.faults)
        raise


def _placed(fault: Fault) -> Fault:
    pointer = fault.pointer
    if pointer is None:
        return fault
    if pointer in _OTHERS:
        return replace(fault, pointer=_OTHERS[pointer])
    if pointer.startswith(_MODEL_FIELDS):
        return replace(fault, pointer=f"/model{pointer}")
    if pointer.startswith("/targets"):
        return replace(fault, pointer="/data/targets")
    return fault
