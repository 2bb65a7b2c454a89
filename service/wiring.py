"""The composition root: settings → stores, computer → application."""

from fastapi import FastAPI
from starlette.types import ASGIApp

from service.api.app import create_app, create_routes
from service.api.draining import Draining
from service.api.services import Services
from service.computation.compute import Computer
from service.computation.requests import Request
from service.language.parser import DIALECTS
from service.settings import Limits, Settings
from service.stores import Stores as Stores
from service.stores import build_stores as build_stores


def warm_up() -> None:
    """Make what the first requests would otherwise wait for: parsers and slow imports."""
    computer = Computer(Limits())
    for dialect in DIALECTS:
        request = Request(
            operation="evaluate", expression="erf(0)", variables={}, dialect=dialect
        )
        computer.answer(request)


def build_app(
    settings: Settings, draining: Draining | None = None, stores: Stores | None = None
) -> ASGIApp:
    """The application that a server runs; it takes nothing new once draining has begun."""
    stores = stores or build_stores(settings)
    services = Services(
        settings,
        jobs=stores.jobs,
        records=stores.records,
        keys=stores.keys,
        files=stores.files,
        draining=draining,
    )
    return create_app(settings, build_routes(settings, services))


def build_routes(settings: Settings, services: Services | None = None) -> FastAPI:
    """The routes alone; without services for their OpenAPI document."""
    return create_routes(settings, Computer(settings.limits), services)
