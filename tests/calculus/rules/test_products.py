"""einsum, powers, systems, cross products, statistics, constants: as in NumPy, and derived."""

import re

import numpy as np
import pytest

from service.computation.compute import Computer
from service.errors import (
    NotSquareError,
    OverLimitError,
    ShapeMismatchError,
    SingularMatrixError,
    WrongArgumentsError,
)
from service.settings import Limits
from tests.numeric.dense import dense

STEP = 1e-5


def drawn(**shapes):
    rng = np.random.default_rng(7)
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


S = drawn(A=(3, 3), B=(3, 4), C=(2, 3, 4), x=(3,), y=(3,), z=(4,))
EPSILON = np.array([[np.cross(a, b) for b in np.eye(3)] for a in np.eye(3)])

VALUES = {
    'einsum("ij,jk->ik", A, B)': lambda a, b: a @ b,
    'einsum("ij,jk", A, B)': lambda a, b: a @ b,
    'einsum("ba", B)': lambda b: b.T,
    "einsum('ij->', B)": lambda b: b.sum(),
    'einsum("ii", A)': lambda a: np.trace(a),
    'einsum("ii->i", A)': lambda a: np.diag(a),
    'einsum("ij, i, j ->", B, x, z)': lambda b, x, z: x @ b @ z,
    'einsum("kij,i,j->k", C, x, z)': lambda c, x, z: np.einsum("kij,i,j->k", c, x, z),
    'einsum("i,j,i->ji", x, z, y)': lambda x, z, y: np.outer(z, x * y),
    'einsum("i->i", x) + einsum("ij->i", B)': lambda x, b: x + b.sum(axis=1),
    "matrix_power(A, 5)": lambda a: np.linalg.matrix_power(a, 5),
    "matrix_power(A, 1)": lambda a: a,
    "matrix_power(A, 0) @ x": lambda a, x: x,
    "matrix_power(A, -2)": lambda a: np.linalg.matrix_power(a, -2),
    "matrix_power(A, k=3)": lambda a: a @ a @ a,
    "solve(A, x)": np.linalg.solve,
    "solve(A, B)": np.linalg.solve,
    "cross(x, y)": np.cross,
    "cross(A, x)": np.cross,
    "cross(x[None], A)": lambda x, a: np.cross(x[None], a),
    "prod(x)": np.prod,
    "prod(B, axis=0)": lambda b: np.prod(b, axis=0),
    "prod(C, (0, 2), keepdims=True)": lambda c: np.prod(c, axis=(0, 2), keepdims=True),
    "prod(C[:, :, None], -1)": lambda c: np.prod(c[:, :, None], -1),
    "kron(A, B)": np.kron,
    "kron(x, B)": np.kron,
    "kron(2, B)": lambda b: 2 * b,
    "kron(x[:, None], z)": lambda x, z: np.kron(x[:, None], z),
    "kron(kron(z, x), y[:2])": lambda z, x, y: np.kron(np.kron(z, x), y[:2]),
    "kron(A, B)[4]": lambda a, b: np.kron(a, b)[4],
    "kron(A, B)[1:7:2, ::-1]": lambda a, b: np.kron(a, b)[1:7:2, ::-1],
    "kron(A, B) @ kron(A, B.T)": lambda a, b: np.kron(a, b) @ np.kron(a, b.T),
    "trace(kron(A, A) @ kron(A.T, A.T))": lambda a: np.sum(a**2) ** 2,
    "diag(kron(A, A))": lambda a: np.diag(np.kron(a, a)),
    "exp(kron(x, y)) * kron(y, x)": lambda x, y: np.exp(np.kron(x, y)) * np.kron(y, x),
    "kron(x, z)[2:10] @ kron(z, y)[:8]": lambda x, z, y: (
        np.kron(x, z)[2:10] @ np.kron(z, y)[:8]
    ),
    "kron(A, eye(2)) @ kron(x, ones(2))": lambda a, x: np.repeat(a @ x, 2),
    "kron(C[0], C[1])": lambda c: np.kron(c[0], c[1]),
    "kron(C, A)": np.kron,
    "cofactor(A)": lambda a: np.linalg.det(a) * np.linalg.inv(a).T,
    "cumsum(x)": np.cumsum,
    "cumsum(B, axis=0)": lambda b: np.cumsum(b, axis=0),
    "cumsum(C, -2)": lambda c: np.cumsum(c, axis=-2),
    "sum(cumsum(x))": lambda x: np.cumsum(x).sum(),
    "z @ cumsum(z)[::-1]": lambda z: z @ np.cumsum(z)[::-1],
    "B @ cumsum(eye(4), 0)": lambda b: b @ np.tri(4),
    "var(x)": np.var,
    "var(B, axis=0)": lambda b: np.var(b, axis=0),
    "var(B, axis=1, keepdims=True)": lambda b: np.var(b, axis=1, keepdims=True),
    "std(x)": np.std,
    "std(C, (0, 2))": lambda c: np.std(c, axis=(0, 2)),
    "norm_inf(x)": lambda x: np.max(np.abs(x)),
    "norm_inf(B, axis=1)": lambda b: np.max(np.abs(b), axis=1),
    "ones(3) * x + zeros(3)": lambda x: x,
    "ones((2, 3)) @ x": lambda x: np.full(2, x.sum()),
    "eye(3) + A": lambda a: np.eye(3) + a,
    "B.T @ onehot(3, 1) + onehot(n=4, k=-1)": lambda b: b[1] + np.eye(4)[3],
}


def differences(text, values, name):
    """Central differences in every entry of one variable."""
    computer = Computer(Limits())
    columns = []
    for place in np.ndindex(values[name].shape):
        sides = []
        for sign in (1, -1):
            moved = values[name].copy()
            moved[place] += sign * STEP
            sides.append(computer.run("evaluate", text, values | {name: moved}).value)
        columns.append((sides[0] - sides[1]) / (2 * STEP))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(*stacked.shape[:-1], *values[name].shape)


@pytest.mark.parametrize("text", VALUES)
def test_values_are_numpy_s_and_derivatives_those_of_differences(text):
    written = text.replace("einsum", "").replace("matrix", "")
    code = "".join(part for part in re.split("\"[^\"]*\"|'[^']*'", written))
    names = sorted((n for n in S if re.search(rf"\b{n}\b", code)), key=code.index)
    values = {name: S[name] for name in names}
    expected = VALUES[text]
    value = expected(*values.values())

    answer = Computer(Limits()).run("jacobian", text, values, None, "dense")

    np.testing.assert_allclose(answer.value, value, rtol=1e-12, atol=1e-12)
    for name in values:
        found = dense(answer.jacobians[name])
        # Differences with h = 1e-5 of numbers of a few hundred: h² and 1e-16 / h.
        np.testing.assert_allclose(found, differences(text, values, name), rtol=1e-5, atol=1e-6)


def test_the_permutation_symbol_is_that_of_the_cross_product():
    answer = Computer(Limits()).run("jacobian", "cross(x, y)", {"x": S["x"], "y": S["y"]})

    # ∂(x × y)_i / ∂x_j = ε_ijk y_k.
    expected = np.einsum("jki,k->ij", EPSILON, S["y"])
    np.testing.assert_allclose(dense(answer.jacobians["x"]), expected, rtol=1e-15)


def test_a_running_sum_of_a_million_is_differentiated_in_as_many_steps():
    values = {"x": np.linspace(0, 1, 10**6), "w": np.linspace(1, 2, 10**6)}

    answer = Computer(Limits()).run("gradient", "sum(w * cumsum(x)**2)", values)

    expected = np.cumsum((2 * values["w"] * np.cumsum(values["x"]))[::-1])[::-1]
    # Sums of a million positive numbers in the same order.
    np.testing.assert_allclose(answer.gradients["x"], expected, rtol=1e-12)
    assert answer.cost.peak_bytes < 20 * 8 * 10**6


def test_a_high_power_is_made_by_squaring():
    matrix = np.array([[1.0, 1.0], [0.0, 1.0]])

    answer = Computer(Limits()).run("jacobian", "matrix_power(A, 1000)", {"A": matrix})

    np.testing.assert_array_equal(answer.value, [[1, 1000], [0, 1]])
    # Σ_k A^k E A^(999−k) at E = e_1 e_0ᵀ, in its corner: Σ k (999 − k).
    found = dense(answer.jacobians["A"])
    assert found[0, 1, 1, 0] == sum(k * (999 - k) for k in range(1000))


@pytest.mark.parametrize("text", ["solve(A, x)", "matrix_power(A, -1) @ x"])
def test_what_needs_an_inverse_says_that_there_is_none(text):
    with pytest.raises(SingularMatrixError, match="is singular to working precision"):
        Computer(Limits()).run("evaluate", text, {"A": np.ones((3, 3)), "x": S["x"]})


def test_the_variance_of_a_constant_is_zero_and_so_are_its_derivatives():
    values = {"x": np.full(3, 0.1)}
    computer = Computer(Limits())

    spread = computer.run("gradient", "std(x)", values)

    assert computer.run("gradient", "var(x)", values).gradients["x"].tolist() == [0, 0, 0]
    assert spread.value == 0
    assert spread.gradients["x"].tolist() == [0, 0, 0]
    (kink,) = spread.kinks
    assert (kink.rule, kink.count, kink.value) == ("std", 1, 0.0)


def test_a_tie_of_the_largest_size_shares_the_derivative():
    answer = Computer(Limits()).run("gradient", "norm_inf(x)", {"x": np.array([2.0, -2, 1])})

    assert answer.gradients["x"].tolist() == [0.5, -0.5, 0]
    (kink,) = answer.kinks
    assert (kink.rule, kink.value, kink.subdifferential) == ("norm_inf", 0.5, (-1.0, 1.0))


ERRORS = [
    ('einsum("ij,j", A)', WrongArgumentsError, "are for 2 operands, found 1", (0, 17)),
    ('einsum("ij", x)', ShapeMismatchError, r"'ij' of operand 1 has 2 letters", (0, 15)),
    (
        'einsum("ij,jk", A, C[0].T)',
        ShapeMismatchError,
        "letter j has size 3 before",
        (0, 26),
    ),
    ('einsum("i1", A)', WrongArgumentsError, "hold '1', expected letters", (0, 15)),
    ('einsum("ij->q", A)', WrongArgumentsError, "output's letter q is in no", (0, 18)),
    ('einsum("ij->ii", A)', WrongArgumentsError, "output has the letter i twice", (0, 19)),
    ("einsum(A, x)", WrongArgumentsError, "subscripts takes a quoted string", (7, 8)),
    ('einsum("ij")', WrongArgumentsError, "at least 2 arguments, but 1 are given", (0, 12)),
    (
        "matrix_power(A, 2000)",
        OverLimitError,
        "2000 of matrix_power is over",
        (0, 21),
    ),
    ("matrix_power(A)", WrongArgumentsError, "takes 2 arguments, but 1 are given", (0, 15)),
    ("matrix_power(A, 1.5)", WrongArgumentsError, "k takes a constant integer", (16, 19)),
    ("matrix_power(A, 2, k=2)", WrongArgumentsError, "matrix_power gets k twice", (0, 23)),
    ("matrix_power(B, 2)", NotSquareError, "matrix_power takes a square matrix", (0, 18)),
    ("solve(A, z)", ShapeMismatchError, "a right side of as many rows", (0, 11)),
    (
        "cross(z, z)",
        ShapeMismatchError,
        r"of 3 along the last axis, not \(4\)",
        (0, 11),
    ),
    ("cumsum(B)", ShapeMismatchError, r"of shape \(3×4\) needs an axis", (0, 9)),
    ("cumsum(B, (0, 1))", ShapeMismatchError, "goes along one axis, not 2", (0, 17)),
    ("cumsum(x, 1)", ShapeMismatchError, "axis 1 does not exist", (0, 12)),
    ("ones(0)", WrongArgumentsError, "has a size of 0, expected 1 to", (5, 6)),
    ("ones((2, -1))", WrongArgumentsError, "has a size of -1, expected 1 to", (9, 11)),
    ("ones(x)", WrongArgumentsError, "shape takes a constant integer", (5, 6)),
    ("zeros(3, 3)", WrongArgumentsError, "takes 1 argument, but 2 are given", (0, 11)),
    ("eye((2, 3))", ShapeMismatchError, "eye takes one size, not 2", (0, 11)),
    ("onehot(3, 3)", ShapeMismatchError, "position 3 does not exist", (0, 12)),
]


@pytest.mark.parametrize(("text", "error", "message", "place"), ERRORS)
def test_wrong_arguments_are_named_with_their_place(text, error, message, place):
    with pytest.raises(error, match=message) as caught:
        Computer(Limits()).run("evaluate", text, S)

    fault = caught.value.faults[0]
    assert (fault.start, fault.end) == place
