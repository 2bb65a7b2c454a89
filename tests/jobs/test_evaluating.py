"""Expressions over every row of a dataset, against the answers of each row alone."""

from dataclasses import replace

import numpy as np
import pytest

from service.computation.answers import DenseTensor
from service.computation.compute import Computer
from service.errors import GradserveError
from service.jobs.kinds import JOB_KINDS
from service.jobs.packing import pack, unpack
from service.jobs.results import result_document
from service.training.data import dataset_of
from tests.jobs.crew import Crew
from tests.jobs.fakes import claim_of

RNG = np.random.default_rng(5)
VALUES = RNG.normal(size=(50, 4))
NAMES = ("a", "b", "c", "y")
WEIGHTS = np.array([1.0, -0.5])


def request(dataset, operation, **fields):
    return {
        "kind": "evaluate",
        "operation": operation,
        "expression": "(w @ x - y)**2",
        "columns": {"x": ["a", "b"], "y": "y"},
        "variables": {"w": WEIGHTS},
        "data": {"dataset": dataset},
        **fields,
    }


def submitted(bench, document):
    return JOB_KINDS["evaluate"].submission(document, bench.sources)


def with_blocks(submission, rows):
    return replace(submission, request=pack(unpack(submission.request) | {"block_rows": rows}))


def found(bench, submission):
    claim = claim_of(submission)
    outcome = bench.run(claim)
    assert outcome.status == "succeeded", outcome.error
    dataset_id = result_document("evaluate", outcome.result)["dataset"]
    assert dataset_id == f"ds_{claim.job.id[4:]}"
    record = bench.records.dataset("local", dataset_id)
    return bench.files.open(record), claim


@pytest.mark.parametrize("block_rows", [1, 7, 50, 1000])
@pytest.mark.parametrize(
    ("operation", "expression"),
    [
        ("evaluate", "(w @ x - y)**2"),
        ("evaluate", "x * y"),
        ("evaluate", "w"),
        ("gradient", "(w @ x - y)**2"),
        ("jacobian", "tanh(x * y) + w"),
        ("hessian", "exp(w @ x) * y"),
    ],
)
def test_each_row_has_its_own_answer(bench, operation, expression, block_rows):
    dataset = bench.dataset(dataset_of(VALUES, NAMES))
    submission = submitted(bench, request(dataset, operation, expression=expression))
    table, _ = found(bench, with_blocks(submission, block_rows))

    computer = Computer(bench.settings.limits)
    for row, (a, b, _, y) in enumerate(VALUES):
        variables = {"w": WEIGHTS, "x": np.array([a, b]), "y": np.array(y)}
        answer = computer.run(operation, expression, variables, representation="dense")
        parts = [answer.value.ravel()]
        for result in answer.results.values():
            numbers = result.tensor if isinstance(result, DenseTensor) else result
            parts.append(np.ravel(numbers))
        # The same operations in another order of sums: a few roundings.
        assert np.allclose(table.values[row], np.concatenate(parts), rtol=1e-13, atol=1e-14)


def test_columns_are_named_by_what_they_hold(bench):
    dataset = bench.dataset(dataset_of(VALUES, NAMES))

    table, _ = found(bench, submitted(bench, request(dataset, "gradient", wrt=["x", "y"])))
    assert table.names == ("value", "gradient.x[0]", "gradient.x[1]", "gradient.y")

    table, _ = found(bench, submitted(bench, request(dataset, "hessian", wrt=["x"])))
    assert table.names[0] == "value"
    assert table.names[1:3] == ("hessian.x.x[0,0]", "hessian.x.x[0,1]")


def test_names_in_greek_are_kept(bench):
    dataset = bench.dataset(dataset_of(VALUES, NAMES))
    document = request(dataset, "gradient", expression="θ**2", columns={"θ": "a"}, variables={})

    table, _ = found(bench, submitted(bench, document))

    assert table.names == ("value", "gradient.θ")
    assert np.allclose(table.values[:, 1], 2 * VALUES[:, 0])


def test_a_job_that_runs_twice_has_one_result(bench):
    dataset = bench.dataset(dataset_of(VALUES, NAMES))
    _, claim = found(bench, submitted(bench, request(dataset, "gradient")))

    again = bench.run(claim)

    assert again.status == "succeeded"
    assert len(bench.records.kept) == 2


@pytest.mark.parametrize("reason", ["cancel", "shutdown", "lost"])
def test_a_job_that_stops_leaves_nothing(bench, reason):
    dataset = bench.dataset(dataset_of(VALUES, NAMES))
    submission = with_blocks(submitted(bench, request(dataset, "gradient")), 1)
    looks = iter(range(1000))

    outcome = bench.run(claim_of(submission), lambda: reason if next(looks) > 20 else None)

    assert (outcome is None) == (reason != "cancel")
    assert len(bench.records.kept) == 1
    assert list((bench.settings.data_directory / "uploads").iterdir()) == []


def test_progress_counts_rows(bench):
    dataset = bench.dataset(dataset_of(VALUES, NAMES))
    submission = with_blocks(submitted(bench, request(dataset, "gradient")), 10)

    outcome = bench.run(claim_of(submission))

    assert outcome.progress["step"] == outcome.progress["steps"] == 50


def test_a_row_without_a_finite_answer_is_told(bench):
    values = np.array(VALUES)
    values[33, 0] = 0.0
    dataset = bench.dataset(dataset_of(values, NAMES))
    document = request(
        dataset, "evaluate", expression="1 / x", columns={"x": "a"}, variables={}
    )

    outcome = bench.run(claim_of(submitted(bench, document)))

    assert outcome.status == "failed"
    assert outcome.error["code"] == "non_finite_result"
    assert outcome.error["message"].startswith("row 34: ")
    assert outcome.error["faults"][0]["message"].startswith("row 34: ")
    assert "nonfinite" not in outcome.error["faults"][0]["hint"]


@pytest.mark.parametrize("bad", [[33], [0, 49], [12, 13, 14]])
def test_the_first_row_with_a_singular_matrix_is_told(bench, bad):
    values = np.array(VALUES)
    values[bad] = 1.0
    dataset = bench.dataset(dataset_of(values, NAMES))
    document = request(
        dataset,
        "evaluate",
        expression="inv([[a, b], [b, a]])",
        columns={"a": "a", "b": "b"},
        variables={},
    )

    outcome = bench.run(claim_of(submitted(bench, document)))

    assert outcome.error["code"] == "singular_matrix"
    assert outcome.error["message"].startswith(f"row {bad[0] + 1}: ")
    assert outcome.error["faults"][0]["pointer"] == "/expression"


def test_names_to_differentiate_by_are_refused_where_nothing_is(bench):
    dataset = bench.dataset(dataset_of(VALUES, NAMES))

    with pytest.raises(GradserveError, match="nothing is differentiated") as caught:
        submitted(bench, request(dataset, "evaluate", wrt=["w"]))

    assert (caught.value.code, caught.value.faults[0].pointer) == ("validation", "/wrt")


@pytest.mark.parametrize(
    ("fields", "code", "pointer", "message"),
    [
        ({"columns": {"x": ["a", "bb"], "y": "y"}}, "unknown_name", "/columns/x", "'bb'"),
        ({"columns": {"x": ["a"], "y": "y"}}, "shape_mismatch", "/expression", "line 1"),
        ({"expression": "w @ x - z"}, "unknown_name", "/expression", "'z'"),
        ({"expression": "w * x"}, "not_scalar", "/expression", "scalar"),
        ({"wrt": ["v"]}, "unknown_name", "/wrt/0", "'v'"),
        (
            {"variables": {"w": WEIGHTS, "x": WEIGHTS}},
            "validation",
            "/variables/x",
            "as columns",
        ),
        ({"columns": {}}, "validation", "/columns", "no columns"),
        (
            {"expression": "sum(outer(v, v) * x[0])", "variables": {"v": np.ones(20_000)}},
            "over_limit",
            "/expression",
            "at most 16,384 columns",
        ),
    ],
)
def test_what_can_be_known_to_fail_is_refused(bench, fields, code, pointer, message):
    dataset = bench.dataset(dataset_of(VALUES, NAMES))

    with pytest.raises(GradserveError, match=message) as caught:
        submitted(bench, request(dataset, "gradient", **fields))

    assert caught.value.code == code
    assert caught.value.faults[0].pointer == pointer


@pytest.mark.parametrize(
    "hands",
    [
        {"one": (None, None)},
        {"one": (1, "died"), "two": (None, None)},
        {"one": (1, "hung")},
        {"one": (None, "busy")},
    ],
)
def test_rows_that_several_workers_share_are_the_same_bits(bench, patient, hands):
    bench.settings = bench.settings.model_copy(update={"split_step_seconds": 1e-9})
    dataset = bench.dataset(dataset_of(RNG.normal(size=(600, 4)), NAMES))
    asked = request(dataset, "gradient", wrt=["x"], workers=3)
    submission = with_blocks(submitted(bench, asked), 3)
    expected, _ = found(bench, submission)
    crew = Crew(bench, hands)
    claim = claim_of(submission)
    outcome = bench.run(claim, crew=crew)

    result = result_document("evaluate", outcome.result)["dataset"]
    table = bench.files.open(bench.records.dataset("local", result))
    assert np.array_equal(table.values, expected.values)
    assert bench.work.environment["split"]["parts"] == 3
    assert all(hand.has_left for hand in crew.hired.values())


def test_a_row_without_an_answer_is_told_whoever_computes_it(bench, patient):
    bench.settings = bench.settings.model_copy(update={"split_step_seconds": 1e-9})
    values = np.abs(RNG.normal(size=(60, 4))) + 1
    values[47, 0] = -1.0
    dataset = bench.dataset(dataset_of(values, NAMES))
    asked = {
        **request(dataset, "evaluate", workers=2),
        "expression": "log(x)",
        "columns": {"x": "a"},
        "variables": {},
    }
    submission = with_blocks(submitted(bench, asked), 4)
    outcome = bench.run(claim_of(submission), crew=Crew(bench, {"one": (None, None)}))

    assert outcome.status == "failed"
    assert outcome.error["faults"][0]["message"].startswith("row 48: ")
