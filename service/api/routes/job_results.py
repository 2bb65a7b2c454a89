"""What a job found: its history, its result, and predictions of the model it trained."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api.access import caller_of
from service.api.binary import SAFETENSORS
from service.api.computing import computing_of
from service.api.contract import problems_for
from service.api.ids import JOBS, JobId
from service.api.job_results import predicted_bytes, result_bytes, stored_result
from service.api.jobs_told import epoch_document
from service.api.negotiation import JSON, prefers
from service.api.parameters import PLAIN_WHOLE
from service.api.schemas.job_answers import JobResult, PredictAnswer
from service.api.schemas.jobs import PredictRequest
from service.api.schemas.jobs_told import HistoryPage
from service.api.services import services_of
from service.api.strict_route import ResultRoute, StrictRoute, TensorRoute
from service.api.wire import encode

router = APIRouter(route_class=StrictRoute, tags=["jobs"])
results = APIRouter(route_class=ResultRoute, tags=["jobs"])
predictions = APIRouter(route_class=TensorRoute, tags=["jobs"])
EPOCHS = 2**53


@router.get(
    "/v1/jobs/{id}/history",
    operation_id="get_job_history",
    response_model=HistoryPage,
    response_description="What the epochs found, in order.",
    responses=problems_for(takes_body=False, others=(404,)),
)
async def get_job_history(
    request: Request,
    job_id: JobId,
    after: Annotated[
        int, Query(description="The epoch after which to begin.", ge=0, le=EPOCHS), PLAIN_WHOLE
    ] = 0,
    limit: Annotated[
        int, Query(description="How many at most.", ge=1, le=1000), PLAIN_WHOLE
    ] = 1000,
) -> Response:
    """The loss, the gradient's norm and the learning rate of each epoch, page by page."""
    services, checked = services_of(request), JOBS.checked(job_id)
    tenant = caller_of(request).tenant
    ask = partial(services.jobs.history, tenant, checked, after=after, limit=limit + 1)
    with JOBS.looked_up():
        epochs = await services.storing(ask)
    shown, has_more = epochs[:limit], len(epochs) > limit
    page = {
        "data": [epoch_document(epoch) for epoch in shown],
        "has_more": has_more,
        "next": shown[-1].epoch if has_more else None,
    }
    return Response(encode(page), media_type=JSON)


@results.get(
    "/v1/jobs/{id}/result",
    operation_id="get_job_result",
    response_model=JobResult,
    response_description="What the job found.",
    responses=problems_for(takes_body=False, others=(404, 409)),
)
async def get_job_result(request: Request, job_id: JobId) -> Response:
    """What a job that has succeeded found, as JSON or safetensors."""
    media_type = SAFETENSORS if prefers(request.headers, SAFETENSORS, JSON) else JSON
    work = partial(result_bytes, services_of(request), caller_of(request), job_id, media_type)
    return Response(await services_of(request).storing(work), media_type=media_type)


@predictions.post(
    "/v1/jobs/{id}/predict",
    operation_id="predict_with_job",
    response_model=PredictAnswer,
    response_description="What the model predicts.",
    responses=problems_for(takes_body=True, others=(404, 409)),
)
async def predict_with_job(request: Request, job_id: JobId, body: PredictRequest) -> Response:
    """What the neuron or network that a job has trained predicts, in the data's own units."""
    media_type = SAFETENSORS if prefers(request.headers, SAFETENSORS, JSON) else JSON
    services, caller = services_of(request), caller_of(request)
    job, data = await services.storing(partial(stored_result, services, caller, job_id))
    work = partial(
        predicted_bytes, job, data, body.inputs, services.settings.limits, media_type
    )
    content = await computing_of(request).in_thread(work)
    return Response(content, media_type=media_type)


router.routes.extend([*results.routes, *predictions.routes])
