"""What of a request for a training can be known to fail is refused, with its place."""

import numpy as np
import pytest

from service.errors import GradserveError
from service.jobs.kinds import JOB_KINDS
from service.jobs.packing import unpack
from service.jobs.training_checks import estimate_of
from service.training.data import dataset_of
from tests.jobs.fakes import Bench
from tests.jobs.requests import (
    CLASSIFIER,
    INPUTS,
    NETWORK,
    NEURON,
    TARGETS,
    classify,
    expression,
    train,
)

VALUES = np.column_stack([INPUTS, TARGETS, np.arange(200) % 3, np.arange(200) % 2])
NAMES = ("a", "b", "c", "price", "class", "flag")
UNKNOWN = "ds_" + "0" * 26
SGD = {"kind": "sgd", "learning_rate": 0.1}


def submitted(bench, request):
    return JOB_KINDS["train"].submission(request, bench.sources)


def on_dataset(bench, model=NEURON, targets=("price",), inputs=("a", "b", "c"), **fields):
    dataset = bench.dataset(dataset_of(VALUES, NAMES))
    data = {"dataset": dataset, "inputs": list(inputs), "targets": list(targets)}
    return train(model, data=data, **fields)


def refused(bench, request, code, pointer, *words):
    with pytest.raises(GradserveError) as caught:
        submitted(bench, request)
    error = caught.value
    assert error.code == code, error.message
    assert error.faults[0].pointer == pointer
    for word in words:
        assert word in error.faults[0].message


def layers(*sizes):
    return {"kind": "network", "layers": [{"size": n, "activation": "tanh"} for n in sizes]}


def huge(initializer=None, shape=(3,)):
    drawn = {"shape": list(shape), "initializer": initializer or {"kind": "zeros"}}
    return expression() | {"model": expression()["model"] | {"parameters": {"w": drawn}}}


DRAWN = {
    "size": 1,
    "activation": "identity",
    "initializer": {"kind": "orthogonal", "gain": 0},
}
TWICE = NEURON | {"initializer": {"kind": "normal"}}
EMPTY = {"kind": "network", "layers": [{"activation": "tanh"}]}
CUBE = {"inputs": np.ones((2, 2, 2)), "targets": np.ones(2)}


@pytest.mark.parametrize(
    ("request_", "code", "pointer", "words"),
    [
        (
            train(NEURON, optimizer={"kind": "sgd"}),
            "validation",
            "/optimizer/learning_rate",
            (),
        ),
        (
            train(NEURON, optimizer={**SGD, "momentum": 2}),
            "validation",
            "/optimizer/momentum",
            ("found option 'momentum'",),
        ),
        (
            train(NEURON, optimizer={"kind": "momentum", "learning_rate": 1, "momentum": 2}),
            "domain_error",
            "/optimizer/momentum",
            ("found momentum 2, expected", "at least 0 and below 1"),
        ),
        (train(NEURON, batch_size=201), "domain_error", "/batch_size", ("between 1 and 200",)),
        (
            train(NEURON, validation_fraction=0.999),
            "domain_error",
            "/validation_fraction",
            ("leaves none of the 200 rows to train on",),
        ),
        (train(NEURON, loss="msee"), "validation", "/loss", ("found 'msee'",)),
        (train(NEURON, loss="cross_entropy"), "domain_error", "/model", ("model neuron",)),
        (
            train(NEURON, loss="binary_cross_entropy"),
            "domain_error",
            "/data/targets",
            ("targets: row",),
        ),
        (
            train(NEURON | {"activation": "softmax"}),
            "validation",
            "/model/activation",
            ("several outputs",),
        ),
        (
            train(NEURON | {"weights": np.ones(2)}),
            "shape_mismatch",
            "/model/weights",
            ("found shape (2), expected (3)",),
        ),
        (train(TWICE), "validation", "/model/initializer", ("with weights",)),
        (train(EMPTY), "validation", "/model/layers/0", ("neither size nor weights",)),
        (
            train(layers(4, 2)),
            "shape_mismatch",
            "/model/layers/1",
            ("the last layer, 1, gives 2, but there are 1 target columns",),
        ),
        (
            classify() | {"model": layers(2)},
            "shape_mismatch",
            "/model/layers/0",
            ("gives 2, but there are 3 classes",),
        ),
        (
            train(NEURON, regularization={"l1": -1.0, "l2": 0.0}),
            "domain_error",
            "/regularization/l1",
            ("found l1 -1",),
        ),
        (
            train(NEURON, gradient_clip={"norm": 0.0}),
            "domain_error",
            "/gradient_clip/norm",
            ("above 0",),
        ),
        (
            train(NEURON, data={"inputs": INPUTS, "targets": TARGETS[:-1]}),
            "shape_mismatch",
            "/data/targets",
            ("inputs has 200 samples, but targets has 199",),
        ),
        (train(NEURON, data=CUBE), "validation", "/data/inputs", ("found shape (2×2×2)",)),
        (
            train(NEURON, data={"columns": {"x": TARGETS}}),
            "validation",
            "/data/columns",
            ("found columns with a neuron",),
        ),
        (train(NEURON, epochs=10**18), "budget_exceeded", "/epochs", ("epochs*steps limit",)),
        (
            train(NEURON, epochs=1_000_001, batch_size=200),
            "budget_exceeded",
            "/epochs",
            ("found 1,000,001, over the limit max_job_epochs of 1,000,000",),
        ),
        (
            train(layers(2**24, 2**24)),
            "over_limit",
            "/model/layers",
            ("weights, but at most 20,000,000 are allowed",),
        ),
        (
            train(huge({"kind": "normal"}, [2**20, 2**20])["model"], data=huge()["data"]),
            "over_limit",
            "/model/parameters",
            ("entries, but at most 20,000,000",),
        ),
        (
            huge({"kind": "nomal"}),
            "validation",
            "/model/parameters/w/initializer/kind",
            ("found kind 'nomal'",),
        ),
        (
            train({"kind": "network", "layers": [DRAWN]}),
            "domain_error",
            "/model/layers/0/initializer/gain",
            ("above 0",),
        ),
        (expression(loss="mse"), "validation", "/loss", ("found loss with an expression",)),
        (expression(standardize=True), "validation", "/standardize", ()),
        (
            train(expression()["model"]),
            "validation",
            "/data/inputs",
            ("found inputs with an expression",),
        ),
        (
            train(
                expression()["model"] | {"expression": "mean(X @ v)"}, data=expression()["data"]
            ),
            "unknown_name",
            "/model/expression",
            ("line 1, column 10",),
        ),
        (
            train(expression()["model"] | {"expression": "X @ w"}, data=expression()["data"]),
            "not_scalar",
            "/model/expression",
            ("a loss is a scalar",),
        ),
        (
            expression() | {"data": {"columns": {"X": INPUTS, "y": TARGETS[:9]}}},
            "shape_mismatch",
            "/data/columns/y",
            ("'y' has 9 samples, but 'X' has 200",),
        ),
        (
            train(NEURON, data={"dataset": UNKNOWN, "targets": ["y"]}),
            "not_found",
            "/data/dataset",
            (),
        ),
    ],
)
def test_a_request_that_would_fail_is_refused(bench, request_, code, pointer, words):
    refused(bench, request_, code, pointer, *words)


@pytest.mark.parametrize(
    ("fields", "code", "pointer", "words"),
    [
        ({"targets": ["prize"]}, "unknown_name", "/data/targets/0", ("did you mean 'price'",)),
        ({"inputs": ["a", "a"]}, "domain_error", "/data/inputs/1", ("found column 'a'",)),
        ({"inputs": ["a", "b"]}, "shape_mismatch", "/model/weights", ("expected (2)",)),
        ({"batch_size": 201}, "domain_error", "/batch_size", ("between 1 and 200",)),
        (
            {"loss": "binary_cross_entropy"},
            "domain_error",
            "/data/targets",
            ("targets: column 'price' holds", "binary_cross_entropy"),
        ),
        (
            {"model": CLASSIFIER, "loss": "cross_entropy"},
            "domain_error",
            "/data/targets",
            ("column 'price' holds", "class numbers"),
        ),
        (
            {"model": layers(2), "loss": "cross_entropy", "targets": ["class"]},
            "shape_mismatch",
            "/model/layers/0",
            ("there are 3 classes",),
        ),
        ({"epochs": 10**18}, "budget_exceeded", "/epochs", ("epochs*steps limit",)),
        ({"optimizer": {"kind": "adm"}}, "validation", "/optimizer/kind", ("'adm'",)),
    ],
)
def test_columns_are_checked_by_the_record_alone(bench, fields, code, pointer, words):
    request = on_dataset(bench, **fields)
    bench.files.tables.clear()  # The rows are not looked at.

    refused(bench, request, code, pointer, *words)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"standardize": True, "validation_fraction": 0.1},
        {"model": NETWORK},
        {"targets": ["flag"], "loss": "binary_cross_entropy"},
        {"model": CLASSIFIER, "loss": "cross_entropy", "targets": ["class"]},
        {
            "model": layers(4, 2),
            "loss": "kl_divergence",
            "targets": ["flag", "class"],
        },
    ],
)
def test_columns_that_fit_are_taken_by_the_record_alone(bench, fields):
    request = on_dataset(bench, **fields)
    if fields.get("loss") == "kl_divergence":
        # Their range is looked at, and two rows cannot tell what each row adds up to.
        refused(bench, request, "domain_error", "/data/targets", "column 'class' holds 2")
        return
    bench.files.tables.clear()

    assert submitted(bench, request).datasets == (request["data"]["dataset"],)


def test_an_expression_over_a_huge_dataset_is_checked_without_memory(bench):
    model = expression()["model"] | {"columns": {"X": ["a", "b", "c"], "y": "price"}}
    request = on_dataset(bench, model)
    request["data"] = {"dataset": request["data"]["dataset"]}
    (dataset_id,) = bench.records.kept
    record = bench.records.kept[dataset_id]
    bench.records.kept[dataset_id] = type(record)(
        **{name: getattr(record, name) for name in record.__slots__} | {"rows": 10**9}
    )

    assert submitted(bench, request).datasets == (dataset_id,)
    refused(bench, request | {"batch_size": 10**9}, "budget_exceeded", "/batch_size", "memory")


def test_the_flops_of_a_job_are_limited(tmp_path):
    bench = Bench(tmp_path, limits={"max_job_flops": 1e4})

    refused(bench, train(NEURON), "budget_exceeded", "/epochs", "max_job_flops")


def estimates(bench, requests):
    """What each request is estimated to cost with nothing kept, and how many were kept."""
    estimate_of.cache_clear()
    for request in requests:
        submitted(bench, request)
    found = estimate_of.cache_info()
    return found.hits, found.misses


def test_the_cost_is_estimated_once_for_requests_that_differ_in_numbers_alone(bench):
    other = NEURON | {"weights": np.array([1.5, -0.5, 2.0]), "bias": np.array(9.0)}
    optimizer = {"kind": "sgd", "learning_rate": 0.5}

    requests = [train(NEURON), train(other, seed=5, epochs=2, optimizer=optimizer)]

    assert estimates(bench, requests) == (2, 2)  # of whole batches and of the last one


@pytest.mark.parametrize(
    "fields",
    [
        {"batch_size": 100},
        {"batch_size": 100, "validation_fraction": 0.1},
        {"loss": "mae"},
        {"loss": {"kind": "huber", "delta": 2.0}},
        {"loss": {"kind": "huber", "delta": 3.0}},
        {"regularization": {"l2": 0.5}},
        {"regularization": {"l1": 0.5}},
        {"model": NEURON | {"activation": "tanh"}},
        {"model": NETWORK},
        {"model": layers(4, 1)},
        {"model": layers(5, 1)},
        {"model": layers(4, 4, 1)},
    ],
    ids=str,
)
def test_the_cost_of_another_model_is_estimated_anew(bench, fields):
    base = train(NEURON, batch_size=200)

    hits, misses = estimates(bench, [base, base | {"batch_size": 200} | fields])

    assert (hits, misses >= 2) == (0, True)


def test_a_kept_estimate_refuses_what_a_new_one_refuses(tmp_path):
    strict = Bench(tmp_path, limits={"max_job_flops": 1e6})

    for _ in range(2):
        refused(strict, train(NEURON, epochs=10_000), "budget_exceeded", "/epochs", "flops")
    submitted(strict, train(NEURON, epochs=1))


def test_a_submission_has_all_that_is_stored(bench):
    request = train(NEURON, name="first", priority=3, metadata={"a": "b"})

    submission = submitted(bench, request)

    assert (submission.kind, submission.name, submission.priority) == ("train", "first", 3)
    assert submission.metadata == {"a": "b"}
    assert unpack(submission.request)["batch_size"] == 32
    assert "batch_size" not in request


@pytest.mark.parametrize(("loss", "pointer"), [("", "/loss"), ({}, "/loss/kind")])
def test_an_empty_loss_is_not_the_usual_one(bench, loss, pointer):
    refused(bench, train(NEURON, loss=loss), "validation", pointer, "expected")
