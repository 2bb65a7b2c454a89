"""Numbers in the query, and routes that were nearly meant."""

import pytest

from tests.api.jobs import UNKNOWN, world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(tmp_path):
    async with world(tmp_path) as found:
        yield found.client


@pytest.mark.parametrize(
    "number", ["1_0", "%2B5", "+5", "%205", "5%20", "1.0", "0x1", "1e1", ""]
)
async def test_a_whole_number_is_digits(client, number):
    response = await client.get(f"/v1/jobs?limit={number}")

    assert response.status_code == 422
    assert response.json()["detail"].endswith("expected a whole number from 1 to 100")


@pytest.mark.parametrize(
    "number", ["1_0", "%2B5", "%205", "nan", "inf", "1e999", "-1", "", "5."]
)
async def test_a_number_is_one_as_in_json(client, number):
    response = await client.get(f"/v1/jobs/{UNKNOWN}?wait_seconds={number}")

    assert response.status_code == 422
    assert response.json()["detail"].endswith("expected a number from 0 to 30")


@pytest.mark.parametrize("number", ["0", "0.25", "1e-3", "30"])
async def test_plain_numbers_are_taken(client, number):
    response = await client.get(f"/v1/jobs/{UNKNOWN}?wait_seconds={number}")

    assert response.status_code == 404


@pytest.mark.parametrize("path", ["/v1/jobs", f"/v1/jobs/{UNKNOWN}", "/v1/evaluate"])
async def test_a_slash_too_many_is_told(client, path):
    response = await client.get(f"{path}/")

    assert response.status_code == 404
    assert response.json()["errors"][0]["hint"] == f"did you mean '{path}'?"
