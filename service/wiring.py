"""The composition root: settings → computer → application."""

from fastapi import FastAPI
from starlette.types import ASGIApp

from service.api.app import create_app, create_routes
from service.computation.compute import Computer
from service.computation.requests import Request
from service.language.parser import DIALECTS
from service.settings import Limits, Settings


def warm_up() -> None:
    """Make what the first requests would otherwise wait for: parsers and slow imports."""
    computer = Computer(Limits())
    for dialect in DIALECTS:
        request = Request(
            operation="evaluate", expression="erf(0)", variables={}, dialect=dialect
        )
        computer.answer(request)


def build_app(settings: Settings) -> ASGIApp:
    """The application that a server runs."""
    return create_app(settings, build_routes(settings))


def build_routes(settings: Settings) -> FastAPI:
    """The routes alone, for their OpenAPI document."""
    return create_routes(settings, Computer(settings.limits))
