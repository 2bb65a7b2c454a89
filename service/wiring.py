"""The composition root: settings → stores, computer → application."""

from dataclasses import dataclass

from fastapi import FastAPI
from starlette.types import ASGIApp

from service.access import KeyStore
from service.api.app import create_app, create_routes
from service.computation.compute import Computer
from service.computation.requests import Request
from service.jobs.datasets import DatasetFiles, DatasetRecords
from service.jobs.store import JobStore, WorkStore
from service.language.parser import DIALECTS
from service.settings import Limits, Settings
from service.storage.files import StoredFiles
from service.storage.stores import open_records


@dataclass(frozen=True, slots=True)
class Stores:
    """Where everything is kept: what submitters, workers and the gate of the keys need."""

    jobs: JobStore
    work: WorkStore
    records: DatasetRecords
    files: DatasetFiles
    keys: KeyStore


def build_stores(settings: Settings) -> Stores:
    """The stores that the settings name, their database migrated.

    Raises:
        StoreError: the address of the database is none, or it is newer than the code.
        UnavailableError, StorageFullError: it cannot be reached or written.
    """
    records = open_records(settings)
    return Stores(
        records.jobs, records.work, records.datasets, StoredFiles(settings), records.keys
    )


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
