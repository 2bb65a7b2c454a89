"""What the service tells about itself: health, functions, pages that need nothing else."""

import html
import re

import pytest

from service import __version__
from service.api.problems import all_errors
from service.api.schemas.system import Info
from service.calculus.rules.table import FUNCTIONS
from service.settings import Limits

pytestmark = pytest.mark.anyio
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FROM_ELSEWHERE = re.compile(r"""(?:src|href)=["']?(?:https?:)?//""")


@pytest.mark.parametrize(("path", "status"), [("/healthz", "ok"), ("/readyz", "ready")])
async def test_the_service_says_that_it_is_up(client, path, status):
    response = await client.get(path)

    assert (response.status_code, response.json()) == (200, {"status": status})


async def test_info_lists_limits_and_every_function(client):
    info = Info.model_validate_json((await client.get("/v1/info")).content)

    assert info.version == __version__
    assert info.limits.max_expression_characters == Limits().max_expression_characters
    assert [function.name for function in info.functions] == sorted(FUNCTIONS)
    assert all(f.summary and f.latex and f.arguments for f in info.functions)


async def test_the_start_page_has_a_line_to_try(client):
    response = await client.get("/", headers=BROWSER)

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "curl -s http://127.0.0.1:8000/v1/jacobian" in html.unescape(response.text)
    assert not FROM_ELSEWHERE.search(response.text)


async def test_a_host_cannot_write_into_the_start_page(client):
    response = await client.get("/", headers={"Host": "localhost:1<script>"})

    assert "<script>" not in response.text


async def test_the_operations_page_has_all_its_files_here(client):
    response = await client.get("/docs", headers=BROWSER)
    files = re.findall(r'(?:src|href)="([^"]+)"', response.text)

    assert len(files) == 4
    for name in files:
        file = await client.get(f"/{name}")
        assert file.status_code == 200
        assert len(file.content) > 50
    assert "script-src 'self'" in response.headers["content-security-policy"]


async def test_swagger_ui_reads_openapi_3_1(client):
    script = (await client.get("/docs/swagger-ui-bundle.js")).text

    assert re.search(r'PACKAGE_VERSION:"5\.\d+', script)


async def test_another_file_of_the_page_is_not_found(client):
    response = await client.get("/docs/..%2fcore.py")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


async def test_the_contract_is_served(client, routes):
    response = await client.get("/openapi.json")

    assert response.headers["content-type"] == "application/json"
    assert response.content == routes.state.contract()


@pytest.mark.parametrize("code", [error.code for error in all_errors()])
async def test_every_problem_s_type_leads_to_a_page(client, code):
    found = (await client.get(f"/problems/{code}")).json()
    page = await client.get(f"/problems/{code}", headers=BROWSER)

    assert found["code"] == code
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert html.escape(found["remedy"]) in page.text


async def test_an_unknown_problem_offers_the_nearest(client):
    response = await client.get("/problems/validatoin")

    assert response.status_code == 404
    assert response.json()["errors"][0]["hint"] == "did you mean 'validation'?"
