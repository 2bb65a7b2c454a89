"""Jobs that go on from what another job found."""

from dataclasses import replace

import numpy as np
import pytest

from service.errors import GradserveError
from service.jobs.kinds import JOB_KINDS
from service.jobs.packing import unpack
from tests.jobs.fakes import claim_of
from tests.jobs.requests import NEURON, REQUESTS, train


def submitted(bench, request):
    return JOB_KINDS["train"].submission(request, bench.sources)


def ended(bench, request, is_stopping=lambda: None, tenant="local"):
    claim = claim_of(submitted(bench, request))
    outcome = bench.run(claim, is_stopping)
    job = replace(claim.job, status=outcome.status, tenant=tenant)
    return bench.jobs.add(job, claim.request, outcome), outcome


def following(request, job_id, **fields):
    return request | {"model": {"kind": "job", "id": job_id}, **fields}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_job_starts_where_a_result_ended(bench, name):
    request = REQUESTS[name]
    job_id, outcome = ended(bench, request)
    found = unpack(outcome.result)["result"]["parameters"]

    model = unpack(submitted(bench, following(request, job_id)).request)["model"]

    assert model["kind"] == request["model"]["kind"]
    if model["kind"] == "network":
        for layer, expected in zip(model["layers"], found["layers"], strict=True):
            assert np.array_equal(layer["weights"], expected["weights"])
    else:
        given = model.get("parameters", model)
        for parameter, values in found.items():
            assert np.array_equal(given[parameter], values)


def test_two_jobs_of_plain_descent_are_as_one_of_all_epochs(bench):
    fields = {
        "optimizer": {"kind": "sgd", "learning_rate": 0.01},
        "batch_size": 200,
        "shuffle": False,
    }
    job_id, _ = ended(bench, train(NEURON, **fields, epochs=5))
    _, second = ended(bench, following(train(NEURON, **fields, epochs=7), job_id))
    _, whole = ended(bench, train(NEURON, **fields, epochs=12))

    parts, all_at_once = (unpack(o.result)["result"]["parameters"] for o in (second, whole))
    assert np.array_equal(parts["weights"], all_at_once["weights"])
    assert parts["bias"] == all_at_once["bias"]


@pytest.mark.parametrize("name", ["neuron", "standardized", "network"])
def test_a_job_goes_on_from_the_checkpoint_of_one_that_was_cancelled(bench, name):
    looks = iter(range(10**6))
    job_id, outcome = ended(
        bench, REQUESTS[name], lambda: "cancel" if next(looks) > 40 else None
    )
    assert outcome.status == "cancelled"
    kept = unpack(outcome.checkpoint)["result"]["parameters"]

    model = unpack(submitted(bench, following(REQUESTS[name], job_id)).request)["model"]

    given, expected = (
        (model, kept) if "weights" in kept else (model["layers"][0], kept["layers"][0])
    )
    assert np.array_equal(given["weights"], expected["weights"])


def test_a_job_goes_on_from_one_that_diverged(bench):
    request = train(NEURON, optimizer={"kind": "sgd", "learning_rate": 1e6})
    job_id, outcome = ended(bench, request)
    assert outcome.status == "failed"

    _, after = ended(bench, following(train(NEURON), job_id))

    assert after.status == "succeeded"


def refused(bench, job_id, code, message):
    with pytest.raises(GradserveError, match=message) as caught:
        submitted(bench, following(train(NEURON), job_id))
    assert caught.value.code == code
    assert caught.value.faults[0].pointer == "/model/id"


def test_a_job_that_cannot_be_gone_on_from_is_refused(bench):
    claim = claim_of(submitted(bench, train(NEURON)))
    bench.jobs.add(claim.job, claim.request, None)
    refused(bench, claim.job.id, "not_finished", "found a job that is running")

    job = replace(claim.job, status="cancelled")
    bench.jobs.add(job, claim.request, None)
    refused(bench, job.id, "validation", "cancelled before any weights were kept")

    bench.jobs.add(replace(job, kind="evaluate"), claim.request, None)
    refused(bench, job.id, "validation", "found a job 'evaluate'")

    others, _ = ended(bench, train(NEURON), tenant="another")
    refused(bench, others, "not_found", "no such job")
    refused(bench, "job_" + "0" * 26, "not_found", "no such job")


def test_what_does_not_fit_a_job_is_told_at_its_id(bench):
    job_id, _ = ended(bench, train(NEURON))
    narrow = {"inputs": [[1.0], [2.0]], "targets": [1.0, 2.0]}

    with pytest.raises(GradserveError, match="the inputs are 1") as caught:
        submitted(bench, following(train(NEURON), job_id, data=narrow))

    assert caught.value.code == "shape_mismatch"
    assert {fault.pointer for fault in caught.value.faults} == {"/model/id"}
