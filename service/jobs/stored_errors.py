"""Errors as they are kept with a job: values of JSON, and back.

`{"code", "message", "faults": [{"message", "pointer", "start", "end", "hint"}], "details"}`.
"""

from collections.abc import Iterator
from math import isfinite
from typing import Any

from service.errors import Fault, GradserveError, InternalError
from service.jobs.job import Document

_MOST_FAULTS = 20
_LONGEST = 4000


def stored_error(error: GradserveError) -> dict[str, Any]:
    """What is kept of an error; numbers that are not finite become null."""
    return {
        "code": error.code,
        "message": error.message[:_LONGEST],
        "faults": [
            {
                "message": fault.message[:_LONGEST],
                "pointer": None if fault.pointer is None else fault.pointer[:_LONGEST],
                "start": fault.start,
                "end": fault.end,
                "hint": None if fault.hint is None else fault.hint[:_LONGEST],
            }
            for fault in error.faults[:_MOST_FAULTS]
        ],
        "details": {name: _finite(value) for name, value in error.details.items()},
    }


def restored_error(document: Document) -> GradserveError:
    """The error that was kept; one whose code is not known any more is an internal one."""
    kind = _BY_CODE.get(str(document.get("code")), InternalError)
    faults = document.get("faults")
    found = tuple(Fault(**fault) for fault in faults) if isinstance(faults, list) else ()
    error = kind(str(document.get("message", "")), faults=found)
    details = document.get("details")
    error.details = dict(details) if isinstance(details, dict) else {}
    return error


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not isfinite(value) else value


def _kinds(kind: type[GradserveError]) -> Iterator[type[GradserveError]]:
    for other in kind.__subclasses__():
        yield other
        yield from _kinds(other)


_BY_CODE = {kind.code: kind for kind in _kinds(GradserveError) if hasattr(kind, "code")}
