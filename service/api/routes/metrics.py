"""`/metrics`: what Prometheus reads."""

from fastapi import APIRouter, Request, Response

from service.api.access import METRICS_PATH
from service.api.metrics import CONTENT_TYPE
from service.api.services import services_of
from service.api.strict_route import AnyRoute

router = APIRouter(route_class=AnyRoute, include_in_schema=False)


@router.get(METRICS_PATH)
async def show_metrics(request: Request) -> Response:
    """The metrics of the service, all its HTTP processes together."""
    services, metrics = services_of(request), request.app.state.metrics
    text = await services.storing(lambda: metrics.text(services.jobs))
    return Response(text, media_type=CONTENT_TYPE)
