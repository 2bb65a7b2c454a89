"""A client that speaks to the application in this process."""

import httpx
import pytest

from service.settings import Settings
from service.wiring import build_app, build_routes

ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def routes():
    return build_routes(Settings())


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    return build_app(Settings(data_directory=tmp_path_factory.mktemp("data"), workers=0))


@pytest.fixture
async def client(app):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as opened:
        yield opened
