"""The composition root: settings → computer → application."""

from fastapi import FastAPI
from starlette.types import ASGIApp

from service.api.app import create_app, create_routes
from service.computation.compute import Computer
from service.settings import Settings


def build_app(settings: Settings) -> ASGIApp:
    """The application that a server runs."""
    return create_app(settings, build_routes(settings))


def build_routes(settings: Settings) -> FastAPI:
    """The routes alone, for their OpenAPI document."""
    return create_routes(settings, Computer(settings.limits))
