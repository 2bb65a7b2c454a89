"""The cases about jobs that take several requests, or a moment of work."""

import pytest

from tests.api.jobs import UNKNOWN, without_instance, world
from tests.hostile.cases import CASES
from tests.hostile.recipes import expand

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def here(tmp_path):
    async with world(tmp_path) as found:
        yield found


async def test_a_finished_job_is_not_cancelled(here):
    steps = CASES["jobs-49"]["request"]["sequence"]
    place = (await here.client.post("/v1/jobs", json=steps[0]["json"])).headers["location"]
    here.run_all()

    response = await here.client.post(f"{place}/cancel")

    assert (response.status_code, response.json()["code"]) == (409, "already_finished")
    assert "succeeded" in response.json()["detail"]
    assert (await here.client.get(place)).json()["status"] == "succeeded"


async def test_a_key_that_is_sent_twice_gives_one_job(here):
    first, second = [
        await here.client.post("/v1/jobs", json=step["json"], headers=step["headers"])
        for step in CASES["jobs-52"]["request"]["sequence"]
    ]

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    assert len((await here.client.get("/v1/jobs")).json()["data"]) == 1


async def test_a_result_before_the_end_is_not_there(here):
    step = CASES["jobs-61"]["request"]["sequence"][0]
    place = (await here.client.post("/v1/jobs", json=step["json"])).headers["location"]

    response = await here.client.get(f"{place}/result")

    assert (response.status_code, response.json()["code"]) == (409, "not_finished")
    assert "queued" in response.json()["detail"]
    assert int(response.headers["retry-after"]) > 0


async def test_a_training_that_diverges_fails_and_says_where(here):
    request = CASES["jobs-31"]["request"]["json"]
    submitted = await here.client.post("/v1/jobs", json=request)
    place = submitted.headers["location"]
    here.run_all()

    job = (await here.client.get(place)).json()

    assert submitted.status_code == 202
    assert (job["status"], job["error"]["code"]) == ("failed", "diverged")
    assert "epoch" in job["error"]["detail"]
    assert job["progress"]["epoch"] < request["epochs"]
    assert here.stores.jobs.checkpoint("local", job["id"]) is not None


async def test_more_steps_than_a_job_may_have_are_refused(here):
    response = await here.client.post("/v1/jobs", json=CASES["jobs-04"]["request"]["json"])

    assert (response.status_code, response.json()["code"]) == (422, "budget_exceeded")
    assert "max_job" in response.json()["detail"]


async def test_a_value_of_5_megabytes_is_over_its_own_limit(here):
    # The limit of bodies is above it as it is set, so that the value's is met first.
    case = CASES["jobs-28"]
    response = await here.client.post("/v1/jobs", json=expand(case["request"]["json"]))

    problem = response.json()
    assert response.status_code in case["expect"]["status"]
    assert problem["errors"][0]["pointer"] == "/metadata/k"
    assert "found 5000000 characters, expected at most the limit 512" in problem["detail"]


async def test_an_id_of_sql_is_answered_as_an_unknown_one(here):
    # As the case has it, with spaces in the path, it is no HTTP and answered with 400.
    path = expand(CASES["jobs-34"]["request"]["path"])

    response = await here.client.get(path)
    unknown = await here.client.get(f"/v1/jobs/{UNKNOWN}")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert without_instance(response) == without_instance(unknown)
