"""Second derivatives and products with derivatives: against dense ones, loops, differences."""

import numpy as np
import pytest

from service.computation.answers import (
    FactoredTensor,
    IdentityFactor,
    ZeroTensor,
)
from service.computation.compute import Computer
from service.computation.forms import arrays_of
from service.computation.operations import OPERATIONS
from service.computation.requests import Request
from service.errors import (
    NonFiniteInputError,
    NonFiniteResultError,
    NotScalarError,
    OverLimitError,
    ShapeMismatchError,
    UnknownNameError,
    ValidationError,
)
from service.settings import Limits
from tests.numeric.dense import dense, dense_batch

VECTORS = (
    "A @ x",
    "softmax(A @ x) * y",
    "sin(x)[:, None] * y",
    "A / sum(A, axis=0)",
    "maximum(0, A @ x)",
    "inv(A) @ x",
)
SCALARS = (
    "0.5 * x @ A @ x",
    "sum(log(1 + exp(-y * (A @ x))))",
    "logdet(A.T @ A) + norm2(x)",
    "mean(tanh(A @ x)**2) * y[0]",
    "sum(x**3 / y)",
    "3 * x[1] + y[0]",
)
NAMES = ("A", "x", "y")


@pytest.fixture
def values(rng):
    return {
        "A": rng.normal(size=(4, 4)) + 4 * np.eye(4),
        "x": rng.uniform(0.5, 2, size=4),
        "y": rng.uniform(0.5, 2, size=4),
    }


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def ask(operation, expression, values, **fields):
    request = Request(operation=operation, expression=expression, variables=values, **fields)
    return Computer(Limits()).answer(request)


def directions_of(rng, values, *lead):
    return {name: rng.normal(size=(*lead, *v.shape)) for name, v in values.items()}


def jacobians_of(expression, values):
    found = ask("jacobian", expression, values, wrt=NAMES, representation="dense").jacobians
    return {name: dense(tensor) for name, tensor in found.items()}


def hessians_of(expression, values, representation="dense"):
    found = ask("hessian", expression, values, wrt=NAMES, representation=representation)
    return {x: {y: dense(h) for y, h in row.items()} for x, row in found.hessians.items()}


@pytest.mark.parametrize("expression", SCALARS)
def test_a_hessian_is_the_central_difference_of_the_gradient(expression, values):
    hessians = hessians_of(expression, values)

    step = 1e-5
    for name, value in values.items():
        for place in np.ndindex(value.shape):
            moved = [dict(values), dict(values)]
            for sign, other in zip((1, -1), moved, strict=True):
                other[name] = value.copy()
                other[name][place] += sign * step
            high, low = (ask("gradient", expression, m, wrt=NAMES).gradients for m in moved)
            for of in NAMES:
                column = hessians[of][name][(..., *place)]
                # The truncation of the difference is about step², its rounding 1e-16 / step.
                np.testing.assert_allclose(
                    column, (high[of] - low[of]) / (2 * step), rtol=1e-5, atol=1e-7
                )


@pytest.mark.parametrize("expression", SCALARS)
def test_the_hessian_by_two_variables_is_the_transpose_of_that_by_them_swapped(
    expression, values
):
    hessians = hessians_of(expression, values)

    for x in NAMES:
        for y in NAMES:
            ndim = values[y].ndim
            axes = (*range(ndim, hessians[y][x].ndim), *range(ndim))
            assert hessians[x][y].shape == values[x].shape + values[y].shape
            # The factors of the transposed product may be multiplied in another order.
            np.testing.assert_allclose(
                hessians[x][y], hessians[y][x].transpose(axes), rtol=1e-12, atol=1e-15
            )


@pytest.mark.parametrize("representation", ["auto", "factored"])
@pytest.mark.parametrize("expression", SCALARS)
def test_a_hessian_is_the_same_in_every_representation(expression, values, representation):
    whole, other = (hessians_of(expression, values, r) for r in ("dense", representation))

    for x in NAMES:
        for y in NAMES:
            np.testing.assert_allclose(other[x][y], whole[x][y], rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("expression", [*VECTORS, *SCALARS])
def test_a_jvp_is_the_jacobian_times_the_tangents(expression, values, rng):
    tangents = directions_of(rng, values)

    answer = ask("jvp", expression, values, directions=tangents)

    jacobians = jacobians_of(expression, values)
    expected = sum(
        np.tensordot(jacobians[name], tangents[name], tangents[name].ndim) for name in NAMES
    )
    assert answer.jvp.shape == answer.value.shape
    np.testing.assert_allclose(answer.jvp, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("expression", [*VECTORS, *SCALARS])
def test_a_vjp_is_the_cotangent_times_the_jacobian(expression, values, rng):
    shape = ask("evaluate", expression, values).value.shape
    cotangent = rng.normal(size=shape)

    found = ask("vjp", expression, values, directions={"cotangent": cotangent}).vjp

    for name, jacobian in jacobians_of(expression, values).items():
        expected = np.tensordot(cotangent, jacobian, cotangent.ndim)
        assert found[name].shape == values[name].shape
        np.testing.assert_allclose(found[name], expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("expression", SCALARS)
def test_an_hvp_is_the_hessian_times_the_vectors(expression, values, rng):
    vectors = directions_of(rng, values)

    found = ask("hvp", expression, values, directions=vectors).hvp

    for name, row in hessians_of(expression, values).items():
        expected = sum(
            np.tensordot(row[other], vectors[other], vectors[other].ndim) for other in NAMES
        )
        assert found[name].shape == values[name].shape
        np.testing.assert_allclose(found[name], expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("expression", SCALARS)
@pytest.mark.parametrize("operation", ["jvp", "vjp", "hvp"])
def test_many_directions_are_as_many_answers(operation, expression, values, rng):
    many = directions_of(rng, values, 3)
    if operation == "vjp":
        many = {"cotangent": rng.normal(size=3)}

    whole = ask(operation, expression, values, directions=many, many=True).results

    for k in range(3):
        one = {name: d[k] for name, d in many.items()}
        for path, found in ask(operation, expression, values, directions=one).results.items():
            np.testing.assert_allclose(whole[path][k], found, rtol=1e-11, atol=1e-12)


def test_many_cotangents_of_a_matrix_are_as_many_answers(values, rng):
    cotangents = rng.normal(size=(5, 4, 4))

    whole = ask(
        "vjp", "A * x", values, directions={"cotangent": cotangents}, many=True, wrt=["x"]
    )

    np.testing.assert_allclose(
        whole.vjp["x"], np.einsum("kij,ij->kj", cotangents, values["A"]), rtol=1e-13
    )


def test_tangents_alone_name_what_is_differentiated_by(values):
    answer = ask("jvp", "A @ x", values, directions={"x": np.ones(4)})

    np.testing.assert_allclose(answer.jvp, values["A"].sum(axis=1), rtol=1e-14)


def test_products_never_make_the_jacobian_or_the_hessian():
    n = 100_000
    values = {"x": np.linspace(0.1, 1, n), "a": np.ones(n)}
    expression = "sum(softmax(x) * a) + (a @ x)**2"

    costs = [
        ask(operation, expression, values, directions=given, wrt=["x"]).cost
        for operation, given in (
            ("jvp", {"x": values["a"]}),
            ("vjp", {"cotangent": np.array(1.0)}),
            ("hvp", {"x": values["a"]}),
        )
    ]

    assert all(cost.peak_bytes < 40 * 8 * n for cost in costs)


@pytest.mark.parametrize(
    ("operation", "fields", "error", "pointer", "match"),
    [
        ("jvp", {"directions": {"x": [1.0, 2]}}, ShapeMismatchError, "/tangents/x", r"\(4\)"),
        ("jvp", {"directions": {"q": [1.0]}}, UnknownNameError, "/tangents/q", "'q'"),
        (
            "jvp",
            {"directions": {"x": [1.0] * 4}, "wrt": ["x", "A"]},
            ValidationError,
            "/tangents",
            "nothing for 'A'",
        ),
        (
            "jvp",
            {"directions": {"x": [1.0] * 4, "A": [1.0]}, "wrt": ["x"]},
            ValidationError,
            "/tangents/A",
            "wrt does not name it",
        ),
        ("vjp", {"directions": {"cotangent": 1.0}}, ShapeMismatchError, "/cotangent", "scalar"),
        (
            "vjp",
            {"directions": {"cotangent": [1.0] * 4}, "many": True},
            ShapeMismatchError,
            "/cotangent",
            r"\(any×4\)",
        ),
        (
            "jvp",
            {"directions": {"x": np.ones((2, 4)), "y": np.ones((3, 4))}, "many": True},
            ShapeMismatchError,
            "/tangents/y",
            r"\(2×4\)",
        ),
        ("hvp", {"directions": {"x": [1.0] * 4}}, NotScalarError, "/expression", "a Hessian"),
        ("hessian", {}, NotScalarError, "/expression", r"shape \(4\)"),
    ],
)
def test_a_direction_that_does_not_fit_is_refused_with_its_place(
    values, operation, fields, error, pointer, match
):
    given = {name: np.array(d) for name, d in fields.pop("directions", {}).items()}

    with pytest.raises(error, match=match) as raised:
        ask(operation, "A @ x + y", values, directions=given, **fields)

    assert raised.value.faults[0].pointer == pointer


def test_the_hessian_of_a_factorization_is_factored(rng):
    shape = (1000, 20)
    values = {"T": np.ones((1000, 1000)), "U": rng.normal(size=shape), "V": np.ones(shape)}

    found = ask("hessian", "sum((T - U @ V.T)**2)", values, wrt=["U"]).hessians["U"]["U"]

    assert isinstance(found, FactoredTensor)
    (term,) = found.terms
    identity, gram = term.factors
    assert (term.coefficient, identity) == (2.0, IdentityFactor(1000))
    np.testing.assert_array_equal(gram.tensor, np.full((20, 20), 1000.0))


def test_a_variable_that_is_not_used_has_zero_second_derivatives(values):
    found = ask("hessian", "sum(x**2)", values).hessians

    assert isinstance(found["x"]["y"], ZeroTensor)
    assert isinstance(found["A"]["A"], ZeroTensor)


def test_stacked_jacobians_are_the_jacobians_side_by_side(values):
    answer = ask("jacobian", "A @ x + y", values, wrt=["y", "A"], stack=True)

    whole = dense(answer.stacked.jacobian)
    assert whole.shape == (4, 20)
    assert [(c.name, c.start, c.stop) for c in answer.stacked.columns] == [
        ("y", 0, 4),
        ("A", 4, 20),
    ]
    for columns in answer.stacked.columns:
        part = dense(answer.jacobians[columns.name]).reshape(4, -1)
        np.testing.assert_array_equal(whole[:, columns.start : columns.stop], part)


def test_what_is_not_finite_is_told_by_kind_and_position_where_it_is_allowed():
    values = {"x": np.array([0.0, 1.0, -1.0])}

    answer = ask("jacobian", "log(x)", values, allows_nonfinite=True)

    told = [(w.code, w.pointer, w.message) for w in answer.warnings]
    assert np.isnan(answer.value[2])
    assert told == [
        (
            "non_finite_result",
            "/value",
            "2 of 3 entries are not finite: nan at [2]; -inf at [0]",
        ),
        (
            "non_finite_result",
            "/jacobians/x/diagonal",
            "1 of 3 entries are not finite: inf at [0]",
        ),
    ]


def test_a_deep_derivative_is_refused_by_the_limit_on_nodes(values):
    with pytest.raises(OverLimitError, match="graph nodes, the limit"):
        Computer(Limits(max_graph_nodes=60)).run("hessian", SCALARS[1], values)


def test_every_operation_is_a_record():
    assert set(OPERATIONS) == {
        *("evaluate", "gradient", "jacobian", "hessian", "jvp", "vjp", "hvp"),
    }


BATCHED = (*VECTORS, *SCALARS, "[x[0], y[1]]", "x + 2", "max(x) * y", "outer(x, y) @ x", "A")


def samples_of(rng, values, batch, count):
    """Values with several samples of some variables, and those of each sample."""
    whole = {
        name: np.stack([v + 0.1 * rng.normal(size=v.shape) for _ in range(count)])
        if name in batch
        else v
        for name, v in values.items()
    }
    each = [{n: v[k] if n in batch else v for n, v in whole.items()} for k in range(count)]
    return whole, each


@pytest.mark.parametrize("batch", [("x",), ("A", "y"), ("A", "x", "y")])
@pytest.mark.parametrize("expression", BATCHED)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_batch_is_the_answers_of_its_samples(operation, expression, batch, values, rng):
    whole, each = samples_of(rng, values, batch, 3)
    shape = ask("evaluate", expression, values).value.shape
    if OPERATIONS[operation].of_scalar and shape:
        expression = f"sum({expression})"
    fields = [{} for _ in range(4)]
    if operation == "vjp":
        cotangents = rng.normal(size=(3, *shape))
        fields = [{"directions": {"cotangent": c}} for c in (cotangents, *cotangents)]
    elif OPERATIONS[operation].directions:
        tangents, tangents_each = samples_of(rng, values, batch, 3)
        fields = [{"directions": d} for d in (tangents, *tangents_each)]

    found = ask(operation, expression, whole, batch=batch, wrt=NAMES, **fields[0])

    for k, sample in enumerate(each):
        one = ask(operation, expression, sample, wrt=NAMES, **fields[k + 1])
        np.testing.assert_allclose(found.value[k], one.value, rtol=1e-12, atol=1e-13)
        for path, expected in one.results.items():
            got, wanted = found.results[path], expected
            if not isinstance(got, np.ndarray):
                assert got.shape == (3, *expected.shape)
                got, wanted = dense_batch(got, expected), dense(expected)
            np.testing.assert_allclose(got[k], wanted, rtol=1e-9, atol=1e-11)


def test_many_directions_come_before_the_samples(values, rng):
    whole, _ = samples_of(rng, values, ("x",), 3)
    tangents = rng.normal(size=(5, 3, 4))

    answer = ask("jvp", "A @ x", whole, batch=("x",), directions={"x": tangents}, many=True)

    np.testing.assert_allclose(answer.jvp, tangents @ values["A"].T, rtol=1e-12)


@pytest.mark.parametrize(
    ("batch", "error", "match"),
    [
        (("q",), UnknownNameError, "'q' in batch"),
        (("x", "A"), ShapeMismatchError, "'A' has 4 samples, but 'x' has 3"),
        (("s",), ShapeMismatchError, "'s' is a scalar"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_by_its_place(values, batch, error, match):
    given = values | {"x": np.ones((3, 4)), "s": np.array(1.0)}

    with pytest.raises(error, match=match) as raised:
        ask("evaluate", "A @ x", given, batch=batch)

    assert raised.value.faults[0].pointer == f"/batch/{len(batch) - 1}"


def test_the_place_that_fails_in_one_sample_is_named(values):
    bad = {"x": np.array([[1.0, 2.0], [1.0, 0.0]])}

    with pytest.raises(
        NonFiniteResultError, match=r"log\(x\) at 4–10 is -inf at position \[1\]"
    ):
        ask("gradient", "sum(log(x))", bad, batch=("x",))


@pytest.mark.parametrize("expression", [*VECTORS, *SCALARS])
@pytest.mark.parametrize("operation", ["jacobian", "gradient", "hessian"])
def test_float32_is_right_to_its_precision_and_is_float32_throughout(
    operation, expression, values
):
    shape = ask("evaluate", expression, values).value.shape
    if OPERATIONS[operation].of_scalar and shape:
        expression = f"sum({expression})"

    single = ask(operation, expression, values, dtype="float32", representation="dense")
    double = ask(operation, expression, values, representation="dense")

    assert single.value.dtype == np.float32
    for path, found in single.results.items():
        wanted = double.results[path]
        for one, two in zip(arrays_of(found), arrays_of(wanted), strict=True):
            assert one.dtype == np.float32
            # A few operations of 6e-8 each, in sums of at most 16 products near 1.
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-4)


def test_a_norm_of_small_numbers_is_right_in_float32():
    values = {"x": np.array([3e-23, 4e-23])}

    answer = ask("evaluate", "norm2(x)", values, dtype="float32")

    np.testing.assert_allclose(answer.value, 5e-23, rtol=1e-6)


def test_an_input_beyond_float32_is_refused_with_its_place():
    with pytest.raises(
        NonFiniteInputError, match=r"1e\+39 at position \[1\], beyond"
    ) as raised:
        ask("evaluate", "x", {"x": np.array([1.0, 1e39])}, dtype="float32")

    assert raised.value.faults[0].pointer == "/variables/x"


def test_what_overflows_in_float32_is_named_by_its_place():
    with pytest.raises(NonFiniteResultError, match=r"exp\(x\) at 0–6 is inf"):
        ask("evaluate", "exp(x)", {"x": np.array([1.0, 100.0])}, dtype="float32")
