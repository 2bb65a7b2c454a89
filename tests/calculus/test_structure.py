"""The structure of derivatives, read off their indices and never off their numbers."""

import numpy as np
import pytest

from service.calculus.differentiate import jacobian
from service.calculus.graph import ONE
from service.calculus.structure import (
    Diagonal,
    Identity,
    Zero,
    special_structure,
    stored_numbers,
    term_structures,
)
from service.calculus.terms import number_of
from tests.calculus.nodes import named, node_of, numbers_of, variables

SHAPES = {
    "x": (3,),
    "y": (3,),
    "A": (3, 3),
    "B": (3, 4),
    "w": (4,),
    "a": (),
    "b": (),
    "s": (1,),
}


def derivative(text, by, **shapes):
    (v,) = variables(**{by: (SHAPES | shapes)[by]})
    node = node_of(text, **(SHAPES | shapes))
    return jacobian(node, [v])[v], node.ndim


def special(text, by, **shapes):
    return special_structure(*derivative(text, by, **shapes))


def terms(text, by):
    found, _ = derivative(text, by)
    return term_structures(found)


def equations(text, by):
    found, _ = derivative(text, by)
    return sorted(t.equation(found.ndim) for t in term_structures(found))


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("y", "x"),
        ("x - x", "x"),
        ("x > y", "x"),
        ("sign(x)", "x"),
        ("0 * x", "x"),
        ("x**0", "x"),
        ("2", "a"),
        ("where(x > y, 1, 2)", "x"),
        ("x[0]", "y"),
        ("trace(A - A.T)", "A"),
    ],
)
def test_what_does_not_depend_on_the_variable_is_zero(text, by):
    assert special(text, by) == Zero()


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("maximum(0, x)", "x"),
        ("x**2", "x"),
        ("w[0] * x", "x"),
        ("x * y", "x"),
        ("x * x[::-1]", "x"),
    ],
)
def test_a_derivative_that_only_vanishes_at_a_point_is_not_zero(text, by):
    assert special(text, by) != Zero()


@pytest.mark.parametrize(
    ("text", "by", "scale"),
    [
        ("x", "x", 1),
        ("-x", "x", -1),
        ("x + y", "x", 1),
        ("3 * x / 4 - x", "x", -0.25),
        ("B", "B", 1),
        ("B.T.T * 2 + 1", "B", 2),
        ("x[::-1][::-1]", "x", 1),
        ("s", "s", 1),
        ("a", "a", 1),
        ("[x, y][0]", "x", 1),
        ("log(exp(x))", "x", 1),
    ],
)
def test_an_identity_has_its_number(text, by, scale):
    found = special(text, by)

    assert isinstance(found, Identity)
    assert number_of(found.scale) == scale


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("a * x", "x"),
        ("x * (a + w @ w)", "x"),
        ("a * x + b * x", "x"),
        ("a * B / 3", "B"),
        ("x * sum(y)", "x"),
        ("x / norm2(y)", "x"),
    ],
)
def test_an_identity_may_be_scaled_by_a_scalar_expression(text, by):
    found = special(text, by)

    assert isinstance(found, Identity)
    assert found.scale.shape == ()


@pytest.mark.parametrize(
    ("text", "by", "expected"),
    [
        ("x * y", "x", "y"),
        ("sin(x)", "x", "cos(x)"),
        ("x + x**2", "x", "1 + 2 * x"),
        ("x / y", "y", "-x / y**2"),
        ("B * sin(B)", "B", "sin(B) + B * cos(B)"),
        ("maximum(0, x)", "x", "x > 0"),
        ("x * a + y * x", "x", "a + y"),
        ("B * x[:, None]", "B", "x[:, None] + 0 * B"),
        ("where(x > y, x**2, x)", "x", "2 * x * (x > y) + (y >= x)"),
    ],
)
def test_a_diagonal_has_the_output_s_shape(text, by, expected):
    found = special(text, by)

    assert isinstance(found, Diagonal)
    assert found.diagonal is node_of(expected, **SHAPES)


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("A.T", "A"),
        ("x[::-1]", "x"),
        ("A @ x", "x"),
        ("sum(x)", "x"),
        ("x * sum(x)", "x"),
        ("softmax(x)", "x"),
        ("A @ A", "A"),
        ("outer(x, y)", "x"),
        ("B @ w", "B"),
        ("x[:, None] * y", "x"),
    ],
)
def test_other_derivatives_are_neither_zero_nor_identity_nor_diagonal(text, by):
    assert special(text, by) is None


def test_a_scalar_by_a_scalar_counts_as_a_number_times_the_identity():
    found = special("3 * a * b", "a")

    assert isinstance(found, Identity)
    assert found.scale is node_of("3 * b", **SHAPES)


def test_the_structure_of_named_sizes_is_read_too():
    n = named("n")

    found = special("x * y", "x", x=(n,), y=(n,))

    assert isinstance(found, Diagonal)
    assert found.diagonal.shape == (n,)


@pytest.mark.parametrize(
    ("text", "by", "expected"),
    [
        ("A @ x", "A", ["ij,k->ijk"]),
        ("A.T", "A", ["il,jk->ijkl"]),
        ("B @ w", "w", ["ij->ij"]),
        ("A @ B", "B", ["jl,ik->ijkl"]),
        ("A @ A", "A", ["ik,jl->ijkl", "jl,ik->ijkl"]),
        ("outer(x, w)", "x", ["ik,j->ijk"]),
        ("sum(x)", "x", ["i->i"]),
        ("x * sum(x)", "x", ["ij->ij", "j,i->ij"]),
        ("x + a", "a", ["i->i"]),
        ("softmax(x)", "x", ["i,j->ij", "ij,i->ij"]),
        ("inv(A)", "A", ["ik,jl->ijkl"]),
        ("a", "b", ["->"]),
    ],
)
def test_a_term_is_written_as_einsum_subscripts(text, by, expected):
    assert equations(text, by) == expected


def test_a_letter_that_no_factor_carries_is_a_factor_of_ones():
    (term,) = terms("sum(x)", "x")

    (factor,) = term.factors
    assert factor.tensor is None
    assert (factor.letters, factor.size) == ((0,), 3)


def test_a_delta_is_a_factor_that_is_not_stored():
    (term,) = terms("A @ x", "A")

    identity, stored = term.factors
    assert (identity.tensor, identity.size, identity.letters) == (None, 3, (0, 1))
    assert stored.tensor is node_of("x", **SHAPES)


def test_scalars_of_a_term_are_its_scale():
    (term,) = terms("3 * a * A @ x * sum(y)", "A")

    # One sum or product may hold the number: together they are what stands before δ and x.
    found = float(term.coefficient) * numbers_of(term.scale, a=2, y=[1, 1, 2])
    assert found == 24.0


def test_factors_that_share_a_summed_letter_are_stored_as_one():
    (term,) = terms("A @ A.T @ x", "x")

    (factor,) = term.factors
    assert factor.tensor is node_of("A @ A.T", **SHAPES)


def test_a_factor_with_summed_letters_only_joins_those_it_shares_them_with():
    (term,) = terms("sum((A @ x)**2 * y)", "x")

    values = {"A": np.arange(9.0).reshape(3, 3), "x": [1.0, 2, 3], "y": [1.0, -1, 2]}
    expected = 2 * (values["y"] * (values["A"] @ values["x"])) @ values["A"]
    (factor,) = term.factors
    used = {n: values[n] for n in factor.tensor.variables}
    scale = numbers_of(term.scale, **{n: values[n] for n in term.scale.variables})
    found = float(term.coefficient) * scale * numbers_of(factor.tensor, **used)
    np.testing.assert_array_equal(found, expected)


def test_factors_over_the_same_letters_are_stored_as_one():
    (term,) = terms("(A * A.T) @ x", "x")

    (factor,) = term.factors
    assert factor.tensor is node_of("A * A.T", **SHAPES)


def test_factors_of_an_outer_product_stay_apart():
    found = terms("x * sum(y * x)", "x")

    assert stored_numbers(found) == 6


def test_stored_numbers_do_not_count_identities_and_ones():
    assert stored_numbers(terms("A @ x", "A")) == 3
    assert stored_numbers(terms("A.T", "A")) == 0
    assert stored_numbers(terms("sum(x)", "x")) == 0


def test_the_coefficient_of_a_sum_goes_to_its_terms():
    found = terms("2 * (x * sum(x) + 3 * x)", "x")

    assert all(t.coefficient != 0 for t in found)
    total = np.zeros((3, 3))
    for t in found:
        arrays = [
            np.eye(f.size)
            if f.tensor is None and len(f.letters) == 2
            else np.ones(f.size)
            if f.tensor is None
            else numbers_of(f.tensor, x=[1, 2, 3])
            for f in t.factors
        ]
        scale = numbers_of(t.scale, **({"x": [1, 2, 3]} if t.scale.variables else {}))
        total += float(t.coefficient * ONE) * scale * np.einsum(t.equation(2), *arrays)
    np.testing.assert_array_equal(
        total, 2 * (6 * np.eye(3) + np.outer([1, 2, 3], np.ones(3)) + 3 * np.eye(3))
    )
