"""What the service tells about itself: health, readiness, limits, functions."""

from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from service import __version__
from service.api.contract import problems_for
from service.api.functions import choice_infos, function_infos
from service.api.negotiation import JSON
from service.api.schemas.system import Health, Info, Readiness, ServiceLimits
from service.api.services import services_of
from service.api.strict_route import StrictRoute
from service.api.wire import encode
from service.errors import UnavailableError

router = APIRouter(
    route_class=StrictRoute, tags=["system"], responses=problems_for(takes_body=False)
)


@router.get(
    "/healthz",
    operation_id="check_health",
    response_model=Health,
    response_description="The process answers.",
)
async def check_health() -> Response:
    """That the process answers."""
    return _json({"status": "ok"})


@router.get(
    "/readyz",
    operation_id="check_readiness",
    response_model=Readiness,
    response_description="Requests can be served.",
    responses=problems_for(takes_body=False, others=(503,)),
)
async def check_readiness(request: Request) -> Response:
    """That requests can be served: the store takes writes, and a worker is alive."""
    services = services_of(request)
    services.refuse_new()
    await services.storing(services.jobs.ping)
    if services.settings.workers and not await services.storing(services.jobs.live_workers):
        raise UnavailableError("no worker has been heard of within its lease")
    return _json({"status": "ready"})


@router.get(
    "/v1/info",
    operation_id="get_info",
    response_model=Info,
    response_description="Version, limits, functions, and what training may choose.",
)
async def get_info(request: Request) -> Response:
    """The version, the limits, every function, loss, activation, optimizer, schedule."""
    settings = request.app.state.settings
    limits = ServiceLimits(
        max_body_bytes=settings.max_body_bytes,
        **{k: v for k, v in asdict(settings.limits).items() if k in ServiceLimits.model_fields},
    )
    info = Info(
        name="gradserve",
        version=__version__,
        limits=limits,
        functions=function_infos(),
        **choice_infos(),
    )
    return _json(info.model_dump())


def _json(document: dict[str, object]) -> Response:
    return Response(encode(document), media_type=JSON)
