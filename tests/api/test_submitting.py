"""Jobs as they come in and what comes out: idempotency, binary bodies, results, predictions."""

import asyncio
import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from service.api.schemas.jobs import TRAIN
from service.jobs.datasets import Described
from service.jobs.job import Outcome
from service.jobs.packing import pack
from tests.api.jobs import UNKNOWN, world

pytestmark = pytest.mark.anyio
SAFETENSORS = "application/vnd.safetensors"
KEY = {"Idempotency-Key": "k1"}


@pytest.fixture
async def here(tmp_path):
    async with world(tmp_path) as found:
        yield found


def finish(here, parameters=None):
    """Let the next job succeed with a neuron's weights."""
    claim = here.claim()
    found = {
        "loss": 0.5,
        "validation_loss": None,
        "gradient_norm": 0.1,
        "epochs": 100,
        "steps": 100,
        "stopped_by": "epochs",
        "parameters": parameters or {"weights": np.array([2.0, 1.0]), "bias": np.array(0.5)},
    }
    model = {"kind": "neuron", "activation": "identity"}
    result = pack({"model": model, "result": found})
    here.stores.work.finish(claim, Outcome("succeeded", result=result))


async def test_a_job_is_accepted_with_its_address(here):
    response = await here.client.post("/v1/jobs", json=TRAIN | {"name": "n", "priority": 3})

    job = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == f"/v1/jobs/{job['id']}"
    assert "idempotent-replayed" not in response.headers
    assert (job["status"], job["name"], job["priority"]) == ("queued", "n", 3)
    assert (await here.client.get(response.headers["location"])).json() == job


async def test_a_key_gives_one_job_and_its_first_answer(here):
    first = await here.client.post("/v1/jobs", json=TRAIN, headers=KEY)
    here.stores.jobs.cancel("local", first.json()["id"])
    text = json.dumps(dict(reversed(TRAIN.items())), indent=3)
    headers = KEY | {"Content-Type": "application/json"}
    second = await here.client.post("/v1/jobs", content=text, headers=headers)
    other = await here.client.post("/v1/jobs", json=TRAIN | {"epochs": 2}, headers=KEY)

    assert (second.status_code, second.content) == (202, first.content)
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await here.client.get("/v1/jobs")).json()["data"]) == 1


async def test_twins_at_the_same_moment_give_one_job(here):
    answers = await asyncio.gather(
        *(here.client.post("/v1/jobs", json=TRAIN, headers=KEY) for _ in range(20))
    )

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


async def test_a_request_that_is_refused_does_not_use_the_key_up(here):
    bad = await here.client.post("/v1/jobs", json=TRAIN | {"epochs": 0}, headers=KEY)
    good = await here.client.post("/v1/jobs", json=TRAIN, headers=KEY)

    assert (bad.status_code, good.status_code) == (422, 202)


async def test_tenants_may_use_the_same_key(here):
    keys = [here.key(tenant) for tenant in ("a", "b")]

    ids = {
        (await here.client.post("/v1/jobs", json=TRAIN, headers=KEY | key)).json()["id"]
        for key in keys
    }

    assert len(ids) == 2


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "é".encode("latin-1"), "a\tb"])
async def test_a_key_is_visible_ascii(here, key):
    response = await here.client.post("/v1/jobs", json=TRAIN, headers={"Idempotency-Key": key})

    assert (response.status_code, response.json()["code"]) == (422, "validation")
    assert "expected 1 to 255 visible ASCII characters" in response.json()["detail"]


async def test_two_keys_are_refused(here):
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]

    response = await here.client.post("/v1/jobs", json=TRAIN, headers=headers)

    assert "found it 2 times" in response.json()["detail"]


async def test_arrays_may_come_as_safetensors_and_are_the_same_request(here):
    first = await here.client.post("/v1/jobs", json=TRAIN, headers=KEY)
    arrays = {
        "/data/inputs": np.array([[1, 2], [3, 4], [2, 1]], float),
        "/data/targets": np.array([1, 2, 0.5]),
        "/model/weights": np.zeros(2),
    }
    rest = {k: v for k, v in TRAIN.items() if k != "data"}
    rest["model"] = {k: v for k, v in TRAIN["model"].items() if k != "weights"}
    body = save(arrays, {"gradserve": json.dumps(rest)})
    headers = KEY | {"Content-Type": SAFETENSORS}

    second = await here.client.post("/v1/jobs", content=body, headers=headers)

    assert second.status_code == 202, second.text
    assert second.headers["idempotent-replayed"] == "true"
    assert second.content == first.content


@pytest.mark.parametrize(
    "name", ["x", "/epochs", "/data/inputs/0", "/a" * 9, "/model", "", "/", "/data/~2"]
)
async def test_an_array_without_a_free_place_is_refused(here, name):
    body = save({name: np.zeros(2)}, {"gradserve": json.dumps(TRAIN)})

    response = await here.client.post(
        "/v1/jobs", content=body, headers={"Content-Type": SAFETENSORS}
    )

    assert (response.status_code, response.json()["code"]) == (422, "validation")


async def test_a_dataset_that_is_not_there_is_named(here):
    data = {"dataset": "ds_" + "7" * 26, "inputs": ["a", "b"], "targets": ["y"]}

    response = await here.client.post("/v1/jobs", json=TRAIN | {"data": data})

    assert response.status_code == 404
    assert response.json()["errors"][0]["pointer"] == "/data/dataset"


async def test_another_tenants_dataset_is_one_that_is_not_there(here):
    described = Described(format="csv", rows=3, columns=(), bytes=3, sha256="0" * 64)
    there = here.stores.records.add_dataset("b", None, described).id
    key = here.key("a")
    answers = []
    for dataset in (there, "ds_" + "7" * 26):
        data = {"dataset": dataset, "inputs": ["a", "b"], "targets": ["y"]}
        response = await here.client.post("/v1/jobs", json=TRAIN | {"data": data}, headers=key)
        answers.append((response.status_code, response.json() | {"instance": ""}))

    assert answers[0] == answers[1]
    assert answers[0][0] == 404


async def test_a_full_queue_says_when_to_try_again(tmp_path):
    async with world(tmp_path, max_queued_jobs=1) as here:
        assert (await here.client.post("/v1/jobs", json=TRAIN)).status_code == 202
        response = await here.client.post("/v1/jobs", json=TRAIN)

    assert (response.status_code, response.json()["code"]) == (429, "queue_full")
    assert int(response.headers["retry-after"]) >= 1


async def test_a_result_is_told_once_there_is_one(here):
    place = (await here.client.post("/v1/jobs", json=TRAIN)).headers["location"]
    early = await here.client.get(f"{place}/result")
    finish(here)
    late = await here.client.get(f"{place}/result")

    assert (early.status_code, early.json()["code"]) == (409, "not_finished")
    assert int(early.headers["retry-after"]) >= 1
    assert "the job is queued" in early.json()["detail"]
    assert late.json()["parameters"]["weights"] == {
        "shape": [2],
        "dtype": "float64",
        "data": [2.0, 1.0],
    }
    assert late.json()["parameters"]["bias"]["data"] == [0.5]
    assert late.json()["stopped_by"] == "epochs"


async def test_a_result_that_is_not_there_yet_tells_how_far_the_job_is(here):
    place = (await here.client.post("/v1/jobs", json=TRAIN)).headers["location"]
    here.stores.work.report(here.claim(), {"epoch": 3, "epochs": 100, "step": 0}, [])

    response = await here.client.get(f"{place}/result")

    assert "the job is running, after 3 of 100 epochs" in response.json()["detail"]


async def test_a_cancelled_job_has_no_result_and_none_to_wait_for(here):
    place = (await here.client.post("/v1/jobs", json=TRAIN)).headers["location"]
    await here.client.post(f"{place}/cancel")

    response = await here.client.get(f"{place}/result")

    assert (response.status_code, response.json()["code"]) == (409, "not_finished")
    assert "cancelled" in response.json()["detail"]
    assert "retry-after" not in response.headers


async def test_a_result_may_go_as_safetensors(here):
    place = (await here.client.post("/v1/jobs", json=TRAIN)).headers["location"]
    finish(here)

    response = await here.client.get(f"{place}/result", headers={"Accept": SAFETENSORS})

    assert response.headers["content-type"] == SAFETENSORS
    assert load(response.content)["/parameters/weights"].tolist() == [2.0, 1.0]


async def test_a_trained_model_predicts(here):
    place = (await here.client.post("/v1/jobs", json=TRAIN)).headers["location"]
    early = await here.client.post(f"{place}/predict", json={"inputs": [[1, 2]]})
    finish(here)
    answer = await here.client.post(f"{place}/predict", json={"inputs": [[1, 2], [0, 0]]})
    wrong = await here.client.post(f"{place}/predict", json={"inputs": [[1, 2, 3]]})

    assert early.json()["code"] == "not_finished"
    assert answer.json()["predictions"]["data"] == [4.5, 0.5]
    assert (wrong.status_code, wrong.json()["code"]) == (422, "shape_mismatch")


@pytest.mark.parametrize("rest", ["/result", "/predict"])
async def test_the_result_of_an_unknown_job_is_not_found(here, rest):
    method, body = ("POST", {"inputs": [[1]]}) if rest == "/predict" else ("GET", None)
    answers = [
        await here.client.request(method, f"/v1/jobs/{job_id}{rest}", json=body)
        for job_id in (UNKNOWN, "x")
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert {answer.json()["detail"] for answer in answers} == {"found no such job"}
