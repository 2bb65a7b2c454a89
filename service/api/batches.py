"""Many requests answered one after the other, within the budgets of one."""

from collections.abc import Sequence

import orjson

from service.api.derivations import derivation_document, judgement_document
from service.api.learning import learned
from service.api.problems import problem_bytes, status_of
from service.api.schemas.analysis import AnalyzeRequest
from service.api.schemas.batches import BODIES
from service.api.schemas.claims import CheckRequest
from service.api.schemas.derivation import DeriveRequest
from service.api.schemas.expressions import Request
from service.api.suggestions import suggestion
from service.api.validation import read_fields
from service.api.wire import Json, analysis_document, document, encode
from service.computation.analysis import analysed
from service.computation.budget import Allowance
from service.computation.compute import Computer
from service.derivation.claims import judged
from service.derivation.derive import derived
from service.errors import GradserveError, ValidationError
from service.language.places import describe, shown
from service.settings import Limits


def answered(
    computer: Computer, items: Sequence[Json], limits: Limits, request_id: str
) -> bytes:
    """The `BatchAnswer` to the requests: each its own answer or problem."""
    allowance = Allowance(limits)
    responses = []
    for item in items:
        try:
            body, status = _answered_one(computer, item, limits, allowance), 200
        except GradserveError as error:
            body, status = problem_bytes(error, request_id), status_of(error)
        responses.append({"status": status, "body": orjson.Fragment(body)})
    return encode({"responses": responses})


def _answered_one(
    computer: Computer, item: Json, limits: Limits, allowance: Allowance
) -> bytes:
    for name in item:
        if name not in ("operation", "body"):
            raise ValidationError(
                f"found the unknown field {shown(name)}, expected operation, body"
            )
    operation = item.get("operation")
    if not isinstance(operation, str) or operation not in BODIES:
        found = shown(operation) if isinstance(operation, str) else describe(operation)
        raise ValidationError(
            f"operation: found {found}, expected one of {', '.join(BODIES)}",
            hint=suggestion(operation, BODIES) if isinstance(operation, str) else None,
        )
    if "body" not in item:
        raise ValidationError("found no field 'body', but it is required")
    request = read_fields(item["body"], BODIES[operation], limits)
    if isinstance(request, DeriveRequest):
        derivation = derived(request.asked_derivation(), limits, allowance.seconds)
        return encode(derivation_document(derivation))
    if isinstance(request, CheckRequest):
        claim = request.asked()
        judgement = judged(claim, computer, limits, allowance.seconds)
        return encode(judgement_document(judgement, claim.wrt))
    if isinstance(request, AnalyzeRequest):
        analysis = analysed(request.asked(), limits, allowance.seconds)
        return encode(analysis_document(analysis))
    if not isinstance(request, Request):
        return encode(learned(request, computer, limits, allowance))
    return encode(document(computer.answer(request.asked(operation), allowance)))  # type: ignore[arg-type]  # BODIES has the operations' names
