"""The dialect of matrixcalculus.org: the site's own examples, and what does not fit."""

import numpy as np
import pytest

from service.computation.compute import Computer
from service.computation.requests import Request
from service.errors import (
    ExpressionSyntaxError,
    ShapeMismatchError,
    UnknownFunctionError,
    UnknownNameError,
)
from service.language.declarations import Declarations
from service.language.dialects.matrixcalculus import translated
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.settings import Limits
from tests.numeric.dense import dense

LIMITS = Limits()
COMPUTER = Computer(LIMITS)
MATRICES = {"A": (3, 3), "B": (3, 2), "C": (2, 3), "X": (3, 3)}
SHAPES = MATRICES | dict.fromkeys("xyvw", (3,)) | {"z": (2,)} | dict.fromkeys("abc", ())
# What the site reads, and the same in NumPy's meaning; the first nine are its own examples.
TEXTS = [
    ("0.5*x'*A*x", "0.5 * (x @ A @ x)"),
    ("A*exp(x)", "A @ exp(x)"),
    ("(y.*v)'*x", "(y * v) @ x"),
    ("a^b", "a**b"),
    ("norm1(A*x-y)", "norm1(A @ x - y)"),
    ("norm2(A*x-y)^2", "norm2(A @ x - y)**2"),
    ("sum(log(exp(-y.*(X*w)) + vector(1)))", "sum(log(exp(-y * (X @ w)) + 1))"),
    ("tr(A*X'*B*C)", "trace(A @ X.T @ B @ C)"),
    ("log(det(inv(X)))", "log(det(inv(X)))"),
    ("sin(x)'*y", "sin(x) @ y"),
    ("x*y'", "outer(x, y)"),
    ("x*z'*C", "outer(x, z) @ C"),
    ("x'*A", "x @ A"),
    ("x'", "x"),
    ("A'", "A.T"),
    ("(x')'", "x"),
    ("a*x'*(b*A)", "a * (x @ (b * A))"),
    ("A*B*z", "A @ B @ z"),
    ("-x.^2 ./ y", "-x**2 / y"),
    ("x*a/b", "x * a / b"),
    ("A - c*eye", "A - c * eye(3)"),
    ("A .* matrix(2)", "A * 2"),
    ("vector(1)'*A*vector(1)", "sum(A)"),
    ("diag(x)*y + diag(A)", "x * y + diag(A)"),
    ("u = A*x; u'*u", "(A @ x) @ (A @ x)"),
    ("maximum(x', y')*w", "maximum(x, y) @ w"),
    ("logdet(A'*A)", "logdet(A.T @ A)"),
    ("x' + 2*y'", "x + 2 * y"),
]


def read(text, dialect):
    syntax = parse(text, LIMITS, dialect)
    declared = Declarations(SHAPES)
    if dialect == "matrixcalculus":
        syntax = translated(syntax, declared.ndim_of)
    return elaborate(text, syntax, declared, LIMITS).node


@pytest.mark.parametrize(("text", "meaning"), TEXTS)
def test_a_text_of_the_site_means_what_it_means_there(text, meaning):
    assert read(text, "matrixcalculus") is read(meaning, "numpy")


def refused(text, error, match):
    with pytest.raises(error, match=match) as raised:
        read(text, "matrixcalculus")
    fault = raised.value.faults[0]
    return text[fault.start : fault.end]


@pytest.mark.parametrize(
    ("text", "place", "match"),
    [
        ("a + x*y", "x*y", "cannot multiply a column by a column"),
        ("x'*y'", "x'*y'", "cannot multiply a row by a row"),
        ("x*A", "x*A", "cannot multiply a column by a matrix"),
        ("A*x'", "A*x'", "cannot multiply a matrix by a row"),
        ("x + y'", "x + y'", "cannot add a column and a row"),
        ("A - x", "A - x", "cannot subtract a matrix and a column"),
        ("A .* x", "A .* x", "cannot multiply a matrix and a column"),
        ("x ./ y'", "x ./ y'", "cannot divide a column and a row"),
        ("x .^ y'", "x .^ y'", "cannot raise a column and a row"),
        ("x/y", "x/y", "cannot divide by a column"),
        ("x^2", "x^2", "cannot raise a column to a scalar"),
        ("a^x", "a^x", "cannot raise a scalar to a column"),
        ("maximum(x, y')", "maximum(x, y')", "operands of one kind, not a column and a row"),
        ("B*x", "B*x", "the inner dimensions 2 and 3 differ"),
    ],
)
def test_rows_and_columns_that_do_not_fit_are_refused_at_their_place(text, place, match):
    assert refused(text, ShapeMismatchError, match) == place


@pytest.mark.parametrize(
    ("text", "error", "place", "match"),
    [
        ("x[0]", ExpressionSyntaxError, "x[0]", "does not have an index"),
        ("[a, b]", ExpressionSyntaxError, "[a, b]", "does not have a vector of parts"),
        ("sum(x, axis=0)", ExpressionSyntaxError, "sum(x, axis=0)", "not have an option"),
        ("x > y", ExpressionSyntaxError, "x > y", "does not have this operation"),
        ("softmax(x)", UnknownFunctionError, "softmax", "has no function 'softmax' at 0–7"),
        ("logdt(A)", UnknownFunctionError, "logdt", "did you mean 'logdet'"),
        ("q*x", UnknownNameError, "q", "unknown name 'q'"),
    ],
)
def test_what_the_site_does_not_have_is_refused_at_its_place(text, error, place, match):
    assert refused(text, error, match) == place


def test_a_tensor_of_three_axes_is_no_operand():
    syntax = parse("T", LIMITS, "matrixcalculus")

    with pytest.raises(ShapeMismatchError, match="'T' has 3 axes"):
        translated(syntax, lambda _: 3)


def test_a_derivative_is_that_of_the_same_formula(rng):
    values = {"A": rng.normal(size=(3, 3)), "x": rng.normal(size=3)}

    answer = COMPUTER.answer(
        Request(
            operation="jacobian",
            expression="A'*A*x",
            variables=values,
            wrt=["x"],
            dialect="matrixcalculus",
        )
    )

    np.testing.assert_allclose(dense(answer.jacobians["x"]), values["A"].T @ values["A"])
