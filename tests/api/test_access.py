"""Keys: who is let in, with what, and that all bad ones are answered alike."""

import asyncio
import time

import pytest

from service.access import SCOPES, new_token, written
from tests.api.jobs import UNKNOWN, without_instance, world

pytestmark = pytest.mark.anyio
OPEN = ("/healthz", "/readyz", "/", "/docs", "/openapi.json", "/problems/validation")
NEEDS = [
    ("POST", "/v1/evaluate", "compute"),
    ("POST", "/v1/neuron/step", "compute"),
    ("POST", "/v1/batch", "compute"),
    ("GET", "/v1/jobs", "jobs"),
    ("DELETE", f"/v1/jobs/{UNKNOWN}", "jobs"),
    ("GET", f"/v1/jobs/{UNKNOWN}/events", "jobs"),
    ("GET", "/metrics", "metrics"),
]


@pytest.fixture
async def here(tmp_path):
    async with world(tmp_path, key_refresh_seconds=0.1) as found:
        yield found


async def refused(here, headers=(), path="/v1/jobs"):
    response = await here.client.get(path, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    return without_instance(response)


async def test_on_loopback_no_key_is_asked_for_until_there_is_one(here):
    assert (await here.client.get("/v1/jobs")).status_code == 200
    assert (await here.client.get("/metrics")).status_code == 200

    here.key("anybody")
    await asyncio.sleep(0.15)

    await refused(here)
    await refused(here, path="/metrics")


async def test_on_other_addresses_a_key_is_asked_for_at_once(tmp_path):
    async with world(tmp_path, host="0.0.0.0") as here:
        await refused(here)


async def test_insecure_asks_for_no_keys_but_for_metrics(tmp_path):
    async with world(tmp_path, host="0.0.0.0", insecure=True) as here:
        assert (await here.client.get("/v1/jobs")).status_code == 200
        await refused(here, path="/metrics")


@pytest.mark.parametrize("path", OPEN)
async def test_some_pages_are_open_to_all(here, path):
    here.key("somebody")

    response = await here.client.get(path, headers={"Authorization": "Bearer gs_x_y"})

    assert response.status_code == 200


async def test_every_bad_key_is_answered_alike(here):
    good = here.key("a")
    token = good["Authorization"].split()[1]
    revoked = here.key("a")
    here.stores.keys.revoke_key(revoked["Authorization"].split("_")[1])
    expired = here.key("a", expires_at=here.stores.keys.now() - 1)
    unknown = {"Authorization": f"Bearer {written(*new_token())}"}
    other_secret = {"Authorization": f"Bearer {token[:-1]}{'0' if token[-1] != '0' else '1'}"}
    bad = [
        *(revoked, expired, unknown, other_secret, {"Authorization": "Basic YTpi"}),
        *(
            {"Authorization": text}
            for text in ("Bearer", "Bearer ", token, "Bearer gs_revoked")
        ),
        *(
            {"Authorization": f"Bearer {text}"}
            for text in ("x", f"{token} x", f"{token}_", "gs__")
        ),
        *([("Authorization", f"Bearer {token}")] * 2, {"X-API-Key": token}),
        *({"Authorization": b"Bearer \xff\xfe"}, {"Authorization": "Bearer " + "a" * 9000}),
    ]

    first = await refused(here)

    for headers in bad:
        assert await refused(here, headers) == first
    assert (await here.client.get("/v1/jobs", headers=good)).status_code == 200
    assert "gs_" not in first["detail"]


@pytest.mark.parametrize("name", ["api_key", "API_KEY", "token", "access_token", "x"])
async def test_a_key_in_the_address_is_refused_even_beside_a_good_one(here, name):
    good = here.key("a")
    plain = await refused(here)
    value = good["Authorization"].split()[1]

    assert await refused(here, good, f"/v1/jobs?{name}={value}") == plain


@pytest.mark.parametrize(("method", "path", "scope"), NEEDS)
async def test_a_key_without_the_scope_is_told_which_is_needed(here, method, path, scope):
    others = here.key("a", [s for s in SCOPES if s != scope])
    right = here.key("a", [scope])

    response = await here.client.request(method, path, headers=others)

    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert f"this route needs {scope}" in response.json()["detail"]
    assert (await here.client.request(method, path, headers=right)).status_code != 403


async def test_info_is_told_to_any_key_but_to_nobody_without(here):
    key = here.key("a", ["metrics"])

    assert (await here.client.get("/v1/info", headers=key)).status_code == 200
    await refused(here, path="/v1/info")


async def test_a_revoked_key_stops_soon(here):
    key = here.key("a")
    assert (await here.client.get("/v1/jobs", headers=key)).status_code == 200

    here.stores.keys.revoke_key(key["Authorization"].split("_")[1])
    revoked = time.monotonic()
    while (await here.client.get("/v1/jobs", headers=key)).status_code == 200:
        await asyncio.sleep(0.01)

    assert time.monotonic() - revoked < 0.1 + 1.0


async def test_a_wait_ends_unanswered_when_its_key_is_revoked(here):
    key = here.key("a")
    job = here.job("a")
    waiting = asyncio.create_task(
        here.client.get(f"/v1/jobs/{job.id}?wait_seconds=0.5", headers=key)
    )
    await asyncio.sleep(0.2)

    here.stores.keys.revoke_key(key["Authorization"].split("_")[1])

    assert (await waiting).status_code == 401


async def test_a_key_that_is_used_too_often_is_told_when_to_go_on(tmp_path):
    async with world(tmp_path, rate_limit="2/minute") as here:
        key, other = here.key("a"), here.key("a")
        first, second, third = [
            await here.client.get("/v1/jobs", headers=key) for _ in range(3)
        ]

        assert [r.status_code for r in (first, second, third)] == [200, 200, 429]
        assert third.json()["code"] == "rate_limited"
        assert 1 <= int(third.headers["retry-after"]) <= 60
        assert [r.headers["ratelimit-remaining"] for r in (first, second, third)] == list("100")
        assert {r.headers["ratelimit-limit"] for r in (first, second, third)} == {"2"}
        assert 1 <= int(first.headers["ratelimit-reset"]) <= 60
        assert (await here.client.get("/v1/jobs", headers=other)).status_code == 200


async def test_tenants_do_not_see_each_others_jobs(here):
    mine, theirs = here.key("a"), here.key("b")
    job = here.job("a")

    assert (await here.client.get(f"/v1/jobs/{job.id}", headers=mine)).status_code == 200
    other = await here.client.get(f"/v1/jobs/{job.id}", headers=theirs)
    unknown = await here.client.get(f"/v1/jobs/{UNKNOWN}", headers=theirs)
    assert other.status_code == 404
    assert without_instance(other) == without_instance(unknown)
    assert (await here.client.get("/v1/jobs", headers=theirs)).json()["data"] == []
