"""The cases about keys: who may see what, with two tenants."""

import pytest

from service.access import SCOPES
from tests.api.jobs import UNKNOWN, without_instance, world
from tests.hostile.cases import CASES

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def here(tmp_path):
    async with world(tmp_path) as found:
        yield found


@pytest.mark.parametrize("name", ["auth-01", "auth-04", "auth-07", "auth-10"])
async def test_a_bad_key_is_refused_as_none_is(here, name):
    here.key("anybody")
    request = CASES[name]["request"]
    none = await here.client.get("/v1/jobs")

    response = await here.client.get(request["path"], headers=request["headers"])

    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"
    assert without_instance(response) == without_instance(none)


async def test_the_result_of_another_tenants_job_is_not_found(here):
    mine = here.job("a")
    key = here.key("b")

    response = await here.client.get(f"/v1/jobs/{mine.id}/result", headers=key)
    unknown = await here.client.get(f"/v1/jobs/{UNKNOWN}/result", headers=key)

    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert without_instance(response) == without_instance(unknown)


async def test_a_list_shows_only_the_own(here):
    here.job("a")

    response = await here.client.get("/v1/jobs", headers=here.key("b"))

    assert response.json() == {"data": [], "has_more": False, "next": None}


async def test_metrics_need_their_scope(here):
    others = here.key("a", [scope for scope in SCOPES if scope != "metrics"])

    assert (await here.client.get("/metrics")).status_code == 401
    assert (await here.client.get("/metrics", headers=others)).status_code == 403


async def test_a_key_of_idempotency_is_a_tenants_own(here):
    keys = {"Bearer A": here.key("a"), "Bearer B": here.key("b")}

    ids = set()
    for step in CASES["jobs-55"]["request"]["sequence"]:
        headers = step["headers"] | keys[step["headers"]["authorization"]]
        del headers["authorization"]
        response = await here.client.post("/v1/jobs", json=step["json"], headers=headers)
        assert response.status_code == 202
        ids.add(response.json()["id"])

    assert len(ids) == 2
