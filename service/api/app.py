"""The HTTP application: routes, problems for every error, the edge around them."""

from collections.abc import Mapping
from functools import cache

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route
from starlette.types import ASGIApp

from service import __version__
from service.api.bodies import TimedBodies
from service.api.computing import Computing
from service.api.contract import contract_text
from service.api.cross_origin import CrossOrigin
from service.api.edge import Edge, request_id_of
from service.api.hosts import KnownHosts
from service.api.metrics import Metrics
from service.api.parameters import parameters_error
from service.api.problems import problem_response
from service.api.routes import (
    analysis,
    batches,
    claims,
    datasets,
    derivation,
    documentation,
    expressions,
    job_events,
    job_results,
    jobs,
    metrics,
    networks,
    neurons,
    pages,
    problems,
    steps,
    system,
)
from service.api.services import Services
from service.api.suggestions import suggestion
from service.computation.compute import Computer
from service.errors import (
    GradserveError,
    InternalError,
    MalformedRequestError,
    MethodNotAllowedError,
    NotFoundError,
)
from service.language.places import shown
from service.settings import Settings

DESCRIPTION = (
    "Exact values, gradients and Jacobians of matrix expressions. A derivative of an output by "
    "a variable always has the output's shape followed by the variable's; its structure (zero, "
    "identity, diagonal, factored) is read off the formula and kept. Every error is a problem "
    "document (RFC 9457) whose `code` is stable."
)
TAGS = [
    {"name": "expressions", "description": "Values and derivatives of an expression."},
    {
        "name": "training",
        "description": "Neurons and networks: their values, the gradient of their loss, and "
        "the step that makes it smaller.",
    },
    {
        "name": "jobs",
        "description": "Long work, kept before it is answered; it waits, runs, and ends once.",
    },
    {
        "name": "datasets",
        "description": "Tables of numbers to train on: uploaded once, kept by their content.",
    },
    {"name": "system", "description": "The service itself."},
]


def create_app(settings: Settings, routes: FastAPI) -> ASGIApp:
    """The application as the server runs it: the routes inside the edge."""
    app: ASGIApp = KnownHosts(routes, settings.accepted_hosts)
    services: Services | None = routes.state.services
    app = TimedBodies(app, settings, draining=services.draining if services else None)
    if settings.cors_origins:
        app = CrossOrigin(app, settings.cors_origins)
    return Edge(app, observe=routes.state.metrics.observe)


def create_routes(
    settings: Settings, computer: Computer, services: Services | None = None
) -> FastAPI:
    """The routes with their error handlers; the OpenAPI document is made from them.

    Without services it is made for this document alone.
    """
    app = FastAPI(
        title="gradserve",
        version=__version__,
        summary="Exact derivatives of matrix expressions, over HTTP.",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            GradserveError: _answer_error,
            HTTPException: _answer_http_exception,
            RequestValidationError: _answer_parameters,
            ClientDisconnect: _answer_leaving,
            Exception: _answer_unforeseen,
        },
    )
    app.state.settings = settings
    app.state.limits = settings.limits
    app.state.services = services
    app.state.metrics = Metrics(computer)
    app.state.computing = Computing(computer, settings.compute_threads)
    for routes in (
        analysis,
        derivation,
        claims,
        expressions,
        neurons,
        networks,
        steps,
        batches,
        jobs,
        job_events,
        job_results,
        datasets,
        system,
        metrics,
        problems,
        pages,
        documentation,
    ):
        app.router.routes.extend(routes.router.routes)
    app.router.routes.extend(datasets.files_router.routes)
    app.state.contract = cache(lambda: contract_text(app).encode())
    return app


async def _answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, GradserveError)
    return problem_response(error, request_id_of(request.scope))


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: no such route, no such method."""
    assert isinstance(error, HTTPException)
    if error.status_code not in (404, 405):
        return _answered(request, MalformedRequestError(str(error.detail).lower()))
    path, method = request.scope["path"], request.scope["method"]
    allowed = _allowed_methods(request)
    if not allowed:
        message = f"found no route {shown(path)}"
        return _answered(request, NotFoundError(message, hint=_route_meant(request, path)))
    refusal = MethodNotAllowedError(
        f"found the method {shown(method)} for {shown(path)}, expected {', '.join(allowed)}"
    )
    return _answered(request, refusal, {"Allow": ", ".join(allowed)})


def _route_meant(request: Request, path: str) -> str | None:
    templates = [route.path for route in request.app.routes if isinstance(route, Route)]
    plain = path.rstrip("/")
    if plain != path and any(_alike(plain, template) == plain for template in templates):
        return f"did you mean {shown(plain)}?"
    return suggestion(path, [_alike(path, template) for template in templates])


def _alike(path: str, template: str) -> str:
    """A route's template, what is free in it as in the path."""
    parts, free = path.split("/"), template.split("/")
    if len(parts) != len(free):
        return template
    return "/".join(
        part if t.startswith("{") else t for part, t in zip(parts, free, strict=True)
    )


async def _answer_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _answered(request, parameters_error(request, error.errors()))


async def _answer_leaving(request: Request, _: Exception) -> Response:
    return _answered(request, MalformedRequestError("the client left before its body arrived"))


async def _answer_unforeseen(request: Request, _: Exception) -> Response:
    return _answered(request, InternalError("the service failed; its log has this id"))


def _answered(
    request: Request, error: GradserveError, headers: Mapping[str, str] | None = None
) -> Response:
    return problem_response(error, request_id_of(request.scope), headers)


def _allowed_methods(request: Request) -> list[str]:
    """The methods of all routes at this request's path; none if there is no such path."""
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    if "GET" in methods:
        methods.add("HEAD")
    return sorted(methods)
