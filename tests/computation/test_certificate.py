"""Certificates: a wrong derivative is told from rounding noise; structures are applied."""

import numpy as np
import pytest

from service.computation.certificate import applied, certified, taylor_rate
from service.computation.compute import Computer
from service.computation.requests import Request
from service.errors import NonFiniteResultError
from service.settings import Limits
from tests.numeric.dense import dense

X = np.array([0.3, -0.7, 1.1])
VALUES = {"x": X}
DIRECTION = np.array([1.0, 0.5, -0.25])
COMPUTER = Computer(Limits())


def cubes(values):
    return values["x"] ** 3


def certificate(slope, value=cubes, *, has_kinks=False):
    return certified(value, VALUES, {"x": DIRECTION}, slope, has_kinks=has_kinks)


def test_the_right_slope_is_correct_with_the_rate_two():
    found = certificate(3 * X**2 * DIRECTION)

    assert found.verdict == "correct"
    assert found.taylor_rate == pytest.approx(2, abs=0.05)
    assert found.largest_error < 1e-8


@pytest.mark.parametrize("factor", [-1.0, 2.0, 1.01])
def test_another_slope_is_wrong_with_the_rate_one(factor):
    found = certificate(factor * 3 * X**2 * DIRECTION)

    assert found.verdict == "wrong"
    assert found.taylor_rate == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("sin(1e9 * x)", 1.0),
        ("cos(1e8 * x)", 0.3),
        ("sum(sin(1e9 * x))", [1.0, 2.0]),
        ("inv(x)", [[1.0, 1.0], [1.0, 1 + 1e-9]]),
        ("1 / (x - 1)", 1 + 1e-9),
        ("tanh(1e9 * x)", 1e-10),
        ("x + 1e-6 * sin(1e9 * x)", 1.0),
    ],
)
def test_an_exact_derivative_on_a_finer_scale_than_the_steps_is_not_wrong(expression, value):
    request = Request(
        operation="jacobian",
        expression=expression,
        variables={"x": np.array(value)},
        certify=True,
    )

    assert COMPUTER.answer(request).certificate.verdict != "wrong"


@pytest.mark.parametrize("slope", [1.0, -0.01])
def test_a_slope_where_the_right_one_is_zero_is_wrong(slope):
    def squares(values):
        return (values["x"] - X) ** 2 + 1

    assert certificate(np.array([slope, 0.0, 0.0]), squares).verdict == "wrong"


def test_a_linear_function_leaves_only_noise():
    found = certificate(2 * DIRECTION, lambda values: 2 * values["x"])

    assert found.verdict == "correct"
    assert found.taylor_rate is None


def test_at_a_kink_nothing_is_certified():
    assert certificate(3 * X**2 * DIRECTION, has_kinks=True).verdict == "undecided"


def test_steps_that_leave_the_domain_are_left_out():
    def logarithm(values):
        if np.any(values["x"] <= 0.29):
            raise NonFiniteResultError("not finite")
        return np.log(values["x"])

    found = certified(
        logarithm, {"x": np.array([0.3])}, {"x": np.array([1.0])}, np.array([1 / 0.3]),
        has_kinks=False,
    )  # fmt: skip

    assert found.verdict == "correct"


def test_a_claim_that_is_no_derivative_has_the_rate_one():
    assert taylor_rate(cubes, VALUES, "x", np.diag(3 * X**2)) == pytest.approx(2, abs=0.05)
    assert taylor_rate(cubes, VALUES, "x", np.diag(X**2)) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("text", "structure"),
    [
        ("x - x", "ZeroTensor"),
        ("2 * x", "IdentityTensor"),
        ("x**2", "DiagonalTensor"),
        ("A @ x", "DenseTensor"),
        ("outer(x, ones(9))", "FactoredTensor"),
    ],
)
def test_a_structure_is_applied_as_its_numbers_are(text, structure):
    values = {"x": X, "A": np.arange(6.0).reshape(2, 3)}
    found = COMPUTER.run("jacobian", text, values, ("x",)).jacobians["x"]

    assert type(found).__name__ == structure
    np.testing.assert_allclose(
        applied(found, DIRECTION), np.tensordot(dense(found), DIRECTION, axes=1)
    )
