"""The composition root: settings → stores, computer → application."""

from fastapi import FastAPI
from starlette.types import ASGIApp

from service.api.app import create_app, create_routes
from service.api.draining import Draining
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


def build_app(settings: Settings, draining: Draining | None = None) -> ASGIApp:
    """The application that a server runs; `draining` begins when it is to stop."""
    return create_app(settings, build_routes(settings))


def build_routes(settings: Settings) -> FastAPI:
    """The routes alone, for their OpenAPI document."""
    return create_routes(settings, Computer(settings.limits))
