"""Syntax tree to graph: names, bindings, calls, shapes, indices; every error with its place."""

import numpy as np
import pytest

from service.calculus.graph import construction_limit, variable
from service.calculus.terms import number_of
from service.errors import (
    ExpressionSyntaxError,
    NotSquareError,
    OverLimitError,
    ShapeMismatchError,
    UnknownFunctionError,
    UnknownNameError,
    WrongArgumentsError,
)
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.settings import Limits
from tests.calculus.nodes import named, numbers_of

LIMITS = Limits()
SHAPES = {
    "x": (3,),
    "y": (4,),
    "A": (3, 4),
    "B": (4, 5),
    "S": (3, 3),
    "T": (2, 3, 4),
    "a": (),
    "weights": (3,),
}


def elaborated(text, **shapes):
    return elaborate(text, parse(text, LIMITS), Declarations(shapes or SHAPES), LIMITS)


def node(text, **shapes):
    return elaborated(text, **shapes).node


def refused(text, error, match):
    """The error of a text, which carries this message."""
    with pytest.raises(error, match=match) as caught:
        elaborated(text)
    return caught.value


def assert_place(text, error, excerpt):
    """The first place of the error is that of the excerpt, or of its last letter's turn."""
    fault = error.faults[0]
    assert text[fault.start : fault.end] == excerpt


# Names.


def test_a_name_is_its_variable():
    assert node("x") is variable("x", (3,))


def test_pi_and_e_are_constants():
    assert number_of(node("pi")) == np.pi
    assert number_of(node("π")) == np.pi
    assert number_of(node("e")) == np.e


def test_a_variable_hides_the_constant_of_its_name():
    assert node("e * pi", e=(2,), pi=()) is node("pi * e", e=(2,), pi=())
    assert node("e", e=(2,)) is variable("e", (2,))


def test_an_intermediate_stands_for_its_value():
    assert node("u = A @ y; v = u * x; sum(u) + v @ u") is node(
        "sum(A @ y) + (A @ y * x) @ (A @ y)"
    )


def test_an_intermediate_may_be_named_like_a_constant():
    assert node("e = 2 * x; e + 1") is node("2 * x + 1")


@pytest.mark.parametrize(
    ("text", "excerpt", "kind"),
    [
        ("x = 2; x + 1", "x", "a variable"),
        ("u = 2; u = 3; u", "u", "an intermediate"),
    ],
)
def test_a_name_is_not_given_twice(text, excerpt, kind):
    error = refused(
        text, ExpressionSyntaxError, f"the name '{excerpt}' at .* is already {kind}"
    )

    assert_place(text, error, excerpt)
    assert error.faults[0].hint == "give the intermediate another name"


def test_an_intermediate_is_known_only_after_its_statement():
    error = refused("u = v; v = x; u", UnknownNameError, "unknown name 'v' at 4–5")

    assert_place("u = v; v = x; u", error, "v")


def test_the_names_that_are_used_are_known():
    assert elaborated("u = A @ y; sum(u) + e").names == {"A", "y", "u", "e"}


@pytest.mark.parametrize(
    ("text", "excerpt", "message", "hint"),
    [
        ("x + z", "z", r"unknown name 'z' at 4–5$", "declared variables: x, y, A, B, S, T, a"),
        (
            "sum(weigths)",
            "weigths",
            r"'weigths' at 4–11; did you mean 'weights'\?$",
            "declared",
        ),
        ("X + 1", "X", r"unknown name 'X' at 0–1; did you mean 'x'\?$", "declared"),
    ],
)
def test_an_unknown_name_is_offered_the_nearest(text, excerpt, message, hint):
    error = refused(text, UnknownNameError, message)

    assert_place(text, error, excerpt)
    assert error.faults[0].hint.startswith(hint)


def test_an_unknown_name_among_none_says_so():
    with pytest.raises(UnknownNameError, match="unknown name 'x'") as caught:
        elaborate("x", parse("x", LIMITS), Declarations({}), LIMITS)

    assert caught.value.faults[0].hint == "declared variables: none"


# Calls.


def test_another_name_is_the_same_function():
    assert node("ln(x) + tr(S) + norm(x) + sgn(x)") is node(
        "log(x) + trace(S) + norm2(x) + sign(x)"
    )


def test_several_operands_of_max_and_min_fold_into_maximum_and_minimum():
    assert node("max(x, 0)") is node("maximum(x, 0)")
    assert node("max(x, 0, weights)") is node("maximum(maximum(x, 0), weights)")
    assert node("min(x, 0)") is node("minimum(x, 0)")


def test_max_of_one_operand_is_the_reduction():
    assert node("max(x)").shape == ()
    assert node("max(A, axis=0)").shape == (4,)
    assert node("max(A, 0, keepdims=True)") is node("max(A, axis=0, keepdims=True)")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("sum(A)", ()),
        ("sum(A, axis=0)", (4,)),
        ("sum(A, 1)", (3,)),
        ("sum(A, axis=-1)", (3,)),
        ("sum(T, axis=(0, 2))", (3,)),
        ("sum(T, (0, -1), keepdims=True)", (1, 3, 1)),
        ("sum(A, keepdims=True)", (1, 1)),
        ("sum(A, keepdims=False)", ()),
        ("sum(a)", ()),
        ("mean(T, axis=1)", (2, 4)),
        ("logsumexp(A, axis=1, keepdims=True)", (3, 1)),
        ("norm2(T, axis=(1, 2))", (2,)),
        ("softmax(A)", (3, 4)),
        ("softmax(A, axis=0)", (3, 4)),
        ("softmax(T, (0, 1))", (2, 3, 4)),
        ("outer(x, y)", (3, 4)),
        ("diag(x)", (3, 3)),
        ("diag(S)", (3,)),
        ("transpose(T)", (2, 4, 3)),
        ("dot(x, A)", (4,)),
        ("dot(a, x)", (3,)),
        ("sum(A, axis=1 - 1)", (4,)),
    ],
)
def test_a_call_has_the_shape_that_numpy_gives_it(text, shape):
    assert node(text).shape == shape


@pytest.mark.parametrize(
    ("text", "error", "excerpt", "message"),
    [
        (
            "sigmod(x)",
            UnknownFunctionError,
            "sigmod",
            r"unknown function 'sigmod' at 0–6; did you mean 'sigmoid'\?",
        ),
        (
            "frobnicate(x)",
            UnknownFunctionError,
            "frobnicate",
            "unknown function 'frobnicate' at 0–10$",
        ),
        ("frobnicate(zz)", UnknownFunctionError, "frobnicate", "unknown function"),
        (
            "a(x + 1)",
            WrongArgumentsError,
            "a(x + 1)",
            "'a' at 0–1 is a variable, not a function",
        ),
        ("sin()", WrongArgumentsError, "sin()", "sin takes 1 argument, but 0 are given"),
        (
            "sin(x, x)",
            WrongArgumentsError,
            "sin(x, x)",
            "sin takes 1 argument, but 2 are given",
        ),
        (
            "1 + maximum(x)",
            WrongArgumentsError,
            "maximum(x)",
            "maximum takes 2 arguments, but 1 are given",
        ),
        ("sum()", WrongArgumentsError, "sum()", "sum takes 1 to 3 arguments, but 0 are given"),
        (
            "sum(x, 0, 1, 2)",
            WrongArgumentsError,
            "sum(x, 0, 1, 2)",
            "sum takes 1 to 3 arguments",
        ),
        ("sin(x, axis=0)", WrongArgumentsError, "sin(x, axis=0)", "sin has no option 'axis'"),
        ("sum(x, axes=0)", WrongArgumentsError, "sum(x, axes=0)", "sum has no option 'axes'"),
        ("sum(x, 0, axis=0)", WrongArgumentsError, "sum(x, 0, axis=0)", "sum gets axis twice"),
        ("sum(x, axis=0.5)", WrongArgumentsError, "0.5", "axis takes a constant integer"),
        ("sum(x, axis=a)", WrongArgumentsError, "a", "axis takes a constant integer"),
        ("sum(x, axis=[0])", WrongArgumentsError, "[0]", "axis takes a constant integer"),
        ("sum(x, axis=True)", WrongArgumentsError, "True", "axis takes a constant integer"),
        ("sum(x, keepdims=1)", WrongArgumentsError, "1", "keepdims takes True or False"),
        (
            "sum((0, 1))",
            WrongArgumentsError,
            "(0, 1)",
            "sum takes values there, not text, True, False or a tuple",
        ),
        ("sin('x')", WrongArgumentsError, "'x'", "sin takes values there"),
        ("max(x, (0, 1))", WrongArgumentsError, "(0, 1)", "max takes values there"),
        (
            "sum(x, axis=1)",
            ShapeMismatchError,
            "sum(x, axis=1)",
            r"axis 1 does not exist in an operand of shape \(3\)",
        ),
        ("sum(A, axis=-3)", ShapeMismatchError, "sum(A, axis=-3)", "axis -3 does not exist"),
        (
            "sum(A, axis=(0, -2))",
            ShapeMismatchError,
            "sum(A, axis=(0, -2))",
            r"axis \(0, -2\) names an axis twice",
        ),
        ("softmax(a)", ShapeMismatchError, "softmax(a)", "softmax takes a vector or a matrix"),
        (
            "outer(A, x)",
            ShapeMismatchError,
            "outer(A, x)",
            r"outer takes vectors, not an operand of shape \(3×4\)",
        ),
        (
            "outer(x, a)",
            ShapeMismatchError,
            "outer(x, a)",
            r"outer takes vectors, not an operand of shape \(scalar\)",
        ),
        ("trace(A)", NotSquareError, "trace(A)", "trace takes a square matrix, not 3×4"),
        ("inv(x)", ShapeMismatchError, "inv(x)", r"inv takes a 2-d matrix, not .* \(3\)"),
        ("det(A)", NotSquareError, "det(A)", "det takes a square matrix"),
        ("logdet(T)", ShapeMismatchError, "logdet(T)", "logdet takes a 2-d matrix"),
        ("diag(A)", NotSquareError, "diag(A)", "diag takes a square matrix"),
        ("diag(a)", ShapeMismatchError, "diag(a)", "diag takes a 2-d matrix"),
        ("dot(T, x)", ShapeMismatchError, "dot(T, x)", "dot takes vectors and matrices"),
    ],
)
def test_a_call_that_does_not_fit_is_refused_at_its_place(text, error, excerpt, message):
    found = refused(text, error, message)

    assert_place(text, found, excerpt)


def test_a_variable_called_like_a_function_is_offered_a_product():
    error = refused("a(x + 1)", WrongArgumentsError, "is a variable")

    assert error.faults[0].hint == "did you mean a * x + 1?"


def test_a_wrong_call_is_told_how_it_is_written():
    error = refused("sum()", WrongArgumentsError, "but 0 are given")

    assert error.faults[0].hint == "it is written sum(x, axis=None, keepdims=False)"


def test_an_unknown_function_is_refused_before_its_arguments():
    error = refused("fro(zz + 1)", UnknownFunctionError, "unknown function 'fro'")

    assert error.faults[0].start == 0


def test_a_variable_may_have_the_name_of_a_function():
    assert node("sum(sum)", sum=(3,)).variables == {"sum"}


# Operators and broadcasting.


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("A + y", (3, 4)),
        ("A * x[:, None]", (3, 4)),
        ("x[:, None] * y", (3, 4)),
        ("T - A", (2, 3, 4)),
        ("T * T[:, :1]", (2, 3, 4)),
        ("a / A", (3, 4)),
        ("A**a", (3, 4)),
        ("x[:, None] > y", (3, 4)),
        ("A @ y", (3,)),
        ("x @ A", (4,)),
        ("x @ x", ()),
        ("A @ B", (3, 5)),
        ("T @ B", (2, 3, 5)),
        ("S @ T", (2, 3, 4)),
        ("T @ y", (2, 3)),
        ("x @ T", (2, 4)),
        ("T @ T[:1].T", (2, 3, 3)),
        ("A.T", (4, 3)),
        ("x.T", (3,)),
        ("T'", (2, 4, 3)),
        ("[x, x]", (2, 3)),
        ("[[1, 2, 3], x]", (2, 3)),
        ("[a]", (1,)),
    ],
)
def test_an_operation_has_the_shape_that_numpy_gives_it(text, shape):
    assert node(text).shape == shape


@pytest.mark.parametrize(
    ("text", "excerpt", "message"),
    [
        (
            "1 + x * y",
            "x * y",
            r"cannot multiply x \(3\) and y \(4\): the sizes 3 and 4 differ",
        ),
        ("x + A", "x + A", r"cannot add x \(3\) and A \(3×4\): the sizes 3 and 4 differ"),
        ("A - S", "A - S", r"cannot subtract A \(3×4\) and S \(3×3\)"),
        ("x / y", "x / y", r"cannot divide x \(3\) and y \(4\)"),
        ("x ** y", "x ** y", r"cannot raise x \(3\) and y \(4\)"),
        ("x > y", "x > y", r"cannot compare x \(3\) and y \(4\)"),
        ("x < y", "x < y", r"cannot compare x \(3\) and y \(4\)"),
        ("maximum(x, y)", "maximum(x, y)", r"cannot compare \(3\) and \(4\)"),
        (
            "where(x > 0, x, y)",
            "where(x > 0, x, y)",
            r"cannot choose between .* 3 and 4 differ",
        ),
        (
            "A @ x",
            "A @ x",
            r"cannot multiply A \(3×4\) by x \(3\): the inner dimensions 4 and 3 differ",
        ),
        ("2 * (A @ S)", "A @ S", r"cannot multiply A \(3×4\) by S \(3×3\)"),
        ("a @ x", "a @ x", "@ needs vectors or matrices, not a scalar"),
        ("x @ 2", "x @ 2", r"cannot multiply x \(3\) by 2 \(scalar\): @ needs"),
        ("T @ T", "T @ T", "the inner dimensions 4 and 3 differ"),
        ("T @ [B, B, B]", "T @ [B, B, B]", "the leading dimensions do not broadcast"),
        ("[x, y]", "[x, y]", r"the parts of a vector have shapes \(3\) and \(4\)"),
        ("[a, [1, 2]]", "[a, [1, 2]]", r"have shapes \(scalar\) and \(2\)"),
    ],
)
def test_shapes_that_clash_are_shown_with_their_place(text, excerpt, message):
    error = refused(text, ShapeMismatchError, message)

    assert_place(text, error, excerpt)


def test_a_long_operand_is_clipped_in_a_message():
    text = "(x + x * x - x / x + exp(x) * sin(x)) * y"

    error = refused(text, ShapeMismatchError, r"cannot multiply x \+ x \* x - x / x \+ exp…")

    assert "…" in error.message


def test_a_scalar_beside_a_matrix_product_is_offered_the_other_product():
    error = refused("a @ x", ShapeMismatchError, "not a scalar")

    assert error.faults[0].hint == "use * to multiply by a scalar"


# Indices.

INDEXED = [
    "x[0]",
    "x[-1]",
    "x[1:]",
    "x[:-1]",
    "x[::2]",
    "x[::-1]",
    "x[-1:-4:-1]",
    "x[5:0:-1]",
    "x[-10:10]",
    "x[None]",
    "x[:, None]",
    "A[1]",
    "A[1, 2]",
    "A[:, 1]",
    "A[1:, ::-2]",
    "A[-1][-1]",
    "A[None, 1, None, ::2]",
    "T[1, :, 2]",
    "T[:, 1:2]",
    "T[0, -1, -1]",
    "T[:, None, :, 1]",
    "T[::-1, 1][0, 1:3]",
    "(A @ y)[1:]",
    "A.T[0]",
]


@pytest.mark.parametrize("text", INDEXED)
def test_an_index_means_what_it_means_in_numpy(text, rng):
    values = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    names = {"None": None} | values

    found = node(text)

    # A matrix product of four terms keeps fourteen digits, the rest is exact.
    np.testing.assert_allclose(
        numbers_of(found, **{n: values[n] for n in found.variables}),
        eval(text, {}, names),
        rtol=1e-14,
    )


def test_an_index_may_be_a_constant_expression():
    assert node("x[3 - 1]") is node("x[2]")
    assert node("k = 1; x[k:]") is node("x[1:]")


@pytest.mark.parametrize(
    ("text", "error", "excerpt", "message"),
    [
        ("x[3]", ShapeMismatchError, "3", "index 3 does not exist on an axis of size 3"),
        ("x[-4]", ShapeMismatchError, "-4", "index -4 does not exist on an axis of size 3"),
        ("A[0, 4]", ShapeMismatchError, "4", "index 4 does not exist on an axis of size 4"),
        (
            "x[0, 0]",
            ShapeMismatchError,
            "x[0, 0]",
            r"2 indices for an operand of shape \(3\), which has 1 axes",
        ),
        ("a[0]", ShapeMismatchError, "a[0]", r"1 indices for an operand of shape \(scalar\)"),
        (
            "x[2:1]",
            ShapeMismatchError,
            "2:1",
            "the slice selects nothing from an axis of size 3",
        ),
        ("x[::0]", WrongArgumentsError, "::0", "a slice's step is not 0"),
        ("x[0.5]", WrongArgumentsError, "0.5", "an index takes a constant integer"),
        ("x[a]", WrongArgumentsError, "a", "an index takes a constant integer"),
        ("x[[0, 1]]", WrongArgumentsError, "[0, 1]", "an index takes a constant integer"),
        ("x[a:]", WrongArgumentsError, "a", "a slice takes a constant integer"),
        ("x[1e300]", WrongArgumentsError, "1e300", "an index takes a constant integer"),
    ],
)
def test_an_index_that_does_not_fit_is_refused_at_its_place(text, error, excerpt, message):
    found = refused(text, error, message)

    assert_place(text, found, excerpt)


def test_an_axis_whose_size_is_a_name_is_long_enough_for_what_is_taken_of_it():
    n = named("n")

    assert node("v[:, None] * v", v=(n,)).shape == (n, n)
    assert node("v[0] + v[-1]", v=(n,)).shape == ()
    assert node("v[1:]", v=(n,)).shape == (named("n", -1),)
    assert node("v[::-1]", v=(n,)).shape == (n,)
    assert node("v[1:7:2]", v=(n,)).shape == (3,)
    assert node("v[-3:]", v=(n,)).shape == (3,)
    with pytest.raises(ShapeMismatchError, match="cannot count the steps of 2 along an axis"):
        node("v[::2]", v=(n,))
    with pytest.raises(ShapeMismatchError, match="the slice selects nothing"):
        node("v[3:1]", v=(n,))


# Limits.


def test_a_value_of_too_many_dimensions_is_refused():
    text = "x" + "[None]" * 8

    error = refused(text, OverLimitError, "a value of 9 dimensions is over the limit of 8")

    assert_place(text, error, "x" + "[None]" * 8)


def test_the_number_of_graph_nodes_is_limited():
    text = " + ".join(f"sin({k} * x)" for k in range(100))

    with construction_limit(150), pytest.raises(OverLimitError, match="more than 150 graph"):
        elaborated(text)


# Sites.


def test_every_operation_has_its_place_in_evaluation_order():
    text = "u = A @ y; sum(u[1:] * 2)"

    sites = elaborated(text).sites

    assert [text[s.start : s.end] for s in sites] == [
        "A @ y",
        "u[1:]",
        "u[1:] * 2",
        "sum(u[1:] * 2)",
    ]
    assert [s.name for s in sites] == ["matmul", "index", "multiply", "sum"]


def test_a_site_makes_its_operation_again():
    (site,) = elaborated("sum(A, axis=0)").sites

    assert site.build(*site.operands) is site.node
    assert site.build(variable("B", (4, 5))) is node("sum(B, axis=0)")
