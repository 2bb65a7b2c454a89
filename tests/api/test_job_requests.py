"""Requests for jobs as models: what is refused and how, and what is made of them."""

import json
import re

import numpy as np
import pytest

from service.api.schemas.jobs import EVALUATE, TRAIN, JobRequest
from service.api.validation import read_body
from service.errors import GradserveError
from service.jobs.kinds import JOB_KINDS
from service.settings import Limits
from tests.hostile.cases import CASES
from tests.hostile.recipes import json_bytes
from tests.jobs.fakes import Bench

DATASET = "ds_" + "0" * 26
EXPRESSION = {"kind": "expression", "expression": "mean((w * x)**2)", "parameters": {"w": 1}}
NETWORK = {"kind": "network", "layers": [{"size": 2, "activation": "relu"}]}
DRAWN = {"shape": [0], "initializer": {"kind": "normal"}}


def read(body):
    return read_body(json.dumps(body).encode(), JobRequest, Limits())


@pytest.mark.parametrize("body", [TRAIN, EVALUATE], ids=["train", "evaluate"])
def test_the_examples_are_requests(body):
    assert read(body).document()["kind"] == body["kind"]


def test_arrays_are_numpys_and_what_is_not_given_is_left_out():
    document = read(TRAIN | {"early_stopping": {"patience": 3}}).document()

    assert document["data"]["inputs"].shape == (3, 2)
    assert document["model"]["bias"].shape == ()
    assert document["early_stopping"] == {"patience": 3, "min_delta": 0.0}
    assert "loss" not in document
    assert "batch_size" not in document


def test_columns_of_a_dataset_are_names():
    data = {"dataset": DATASET, "targets": "price", "inputs": ["a", "b"]}

    document = read(TRAIN | {"data": data}).document()

    assert document["data"] == data | {"targets": ["price"]}


def test_parameters_are_given_or_drawn():
    drawn = {"shape": [2], "initializer": {"kind": "normal"}}
    model = EXPRESSION | {"parameters": {"w": drawn, "b": [1, 2]}, "columns": {"x": "a"}}

    document = read(TRAIN | {"model": model}).document()["model"]

    assert document["parameters"]["w"] == drawn
    assert np.array_equal(document["parameters"]["b"], [1, 2])
    assert document["columns"] == {"x": "a"}


@pytest.mark.parametrize(
    ("fields", "pointer", "message"),
    [
        ({"kind": "trian"}, "/kind", "expected 'train' or 'evaluate'"),
        ({"model": {"kind": "neuro"}}, "/model/kind", "expected 'neuron' or 'network'"),
        ({"epochs": -1}, "/epochs", "found the number -1, expected >= 1"),
        ({"epochs": 1.5}, "/epochs", "expected a whole number"),
        ({"batch_size": 0}, "/batch_size", "expected >= 1"),
        ({"seed": 2**70}, "/seed", "expected a whole number in 0..2**63-1"),
        ({"seed": -1}, "/seed", "expected a whole number in 0..2**63-1"),
        ({"seed": 2**63}, "/seed", "expected a whole number in 0..2**63-1"),
        ({"tenant_id": "x"}, "/tenant_id", "found the unknown field 'tenant_id'"),
        ({"name": "n" * 201}, "/name", "found 201 characters, expected at most 200"),
        ({"metadata": {"k": 1}}, "/metadata/k", "found the number 1, expected a string"),
        ({"metadata": {"k": "v" * 513}}, "/metadata/k", "expected at most the limit 512"),
        ({"metadata": {str(k): "" for k in range(17)}}, "/metadata", "found 17 pairs"),
        ({"validation_fraction": 1}, "/validation_fraction", "expected < 1"),
        ({"priority": 101}, "/priority", "expected <= 100"),
        ({"early_stopping": {"patience": 0}}, "/early_stopping/patience", "expected >= 1"),
        ({"data": 3}, "/data", "expected an object"),
        ({"data": {"dataset": "http://x"}}, "/data/dataset", "expected the pattern ^ds_"),
        (
            {"data": {"dataset": DATASET, "x": 1}},
            "/data/x",
            "expected dataset, inputs, targets",
        ),
        ({"data": {"dataset": DATASET, "inputs": [1]}}, "/data/inputs/0", "expected a name"),
        ({"data": {"inputs": [[1, "a"]], "targets": [1]}}, "/data/inputs/0/1", "a string"),
        ({"data": {"columns": {"1": [1]}}}, "/data/columns/1", "found the name '1'"),
        ({"data": {"columns": {"x": ["a"]}}}, "/data/columns/x/0", "found a string"),
        ({"model": {"kind": "network", "layers": []}}, "/model/layers", "at least 1 item"),
        (
            {"model": {"kind": "network", "layers": [{"size": 0, "activation": "relu"}]}},
            "/model/layers/0/size",
            "expected >= 1",
        ),
        (
            {"model": EXPRESSION | {"parameters": {"w": DRAWN}}},
            "/model/parameters/w/shape/0",
            "expected a whole number from 1",
        ),
        ({"model": EXPRESSION | {"parameters": {}}}, "/model/parameters", "no parameters"),
        ({"model": {"kind": "job", "id": "1"}}, "/model/id", "expected the pattern ^job_"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(fields, pointer, message):
    with pytest.raises(GradserveError) as caught:
        read(TRAIN | fields)

    assert caught.value.code == "validation"
    assert caught.value.faults[0].pointer == pointer
    assert message in caught.value.faults[0].message


BATTERY = {
    name: case["request"]["json"]
    for name, case in CASES.items()
    if name.startswith("jobs-") and "json" in case["request"]
}
ANSWERED = {
    "jobs-04": ("budget_exceeded", "/epochs", "epochs*steps limit"),
    "jobs-13": ("validation", "/optimizer/momentum", "found option 'momentum'"),
}


@pytest.mark.parametrize("name", BATTERY)
def test_bad_requests_of_the_battery_are_refused_or_run(tmp_path, name):
    bench = Bench(tmp_path)
    body = json_bytes(BATTERY[name])

    def submit():
        document = read_body(body, JobRequest, Limits()).document()
        return JOB_KINDS["train"].submission(document, bench.sources)

    if 202 in CASES[name]["expect"]["status"]:
        assert submit().kind == "train"
        return
    code, pointer, message = ANSWERED.get(name, ("validation", None, "found"))
    with pytest.raises(GradserveError, match=re.escape(message)) as caught:
        submit()
    assert caught.value.code == code
    assert pointer in (None, caught.value.faults[0].pointer)
