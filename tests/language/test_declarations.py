"""Sizes that follow from use, and shapes that follow from names."""

import pytest

from service.calculus.dimensions import agree, combined, parsed_size, shown, unknown_size
from service.errors import (
    OverLimitError,
    ShapeMismatchError,
    UnknownNameError,
    WrongArgumentsError,
)
from service.language.declarations import Declarations, conventional_ndim
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.settings import Limits
from tests.calculus.nodes import named, node_of

LIMITS = Limits()
N, M = named("n"), named("m")


def read(text, sizes=(), **shapes):
    declared = Declarations(shapes, frozenset(sizes), by_convention=True)
    return elaborate(text, parse(text, LIMITS), declared, LIMITS)


@pytest.mark.parametrize(
    ("text", "shape", "shapes"),
    [
        ("A @ x", "n", {"A": "n×m", "x": "m"}),
        ("x' @ A @ x", "scalar", {"A": "n×n", "x": "n"}),
        ("norm2(A @ x - y)**2", "scalar", {"A": "n×m", "x": "m", "y": "n"}),
        ("A @ B + C", "n×m", {"A": "n×k", "B": "k×m", "C": "n×m"}),
        ("A - 2*eye", "n×n", {"A": "n×n"}),
        ("inv(A) @ x + det(B)", "n", {"A": "n×n", "x": "n", "B": "m×m"}),
        ("einsum('ij,kj->ik', A, B)", "n×k", {"A": "n×m", "B": "k×m"}),
        ("[x, y]", "2×n", {"x": "n", "y": "n"}),
        ("solve(A, y)", "n", {"A": "n×n", "y": "n"}),
        ("cross(x, y)", "3", {"x": "3", "y": "3"}),
        ("x + y[1:]", "n-1", {"x": "n-1", "y": "n"}),
        ("outer(x, y)", "n×m", {"x": "n", "y": "m"}),
        ("mse(X @ w, y)", "scalar", {"X": "n×m", "w": "m", "y": "n"}),
        ("α * x + length", "n", {"α": "scalar", "x": "n", "length": "scalar"}),
        ("vector(1)' @ A", "m", {"A": "n×m"}),
        ("c + e", "scalar", {"c": "scalar"}),
        ("kron(x, [1, 2]) + [1, 2, 3, 4, 5, 6]", "6", {"x": "3"}),
        ("kron(x, [1, 2]) + y", "2*n", {"x": "n", "y": "2*n"}),
        ("T(A) @ T", "n×m", {"A": "k×n", "T": "k×m"}),
    ],
)
def test_sizes_that_nobody_named_are_one_where_use_ties_them(text, shape, shapes):
    found = read(text)

    assert pattern([shown(found.node.shape), *(shown(found.shapes[n]) for n in shapes)]) == (
        pattern([shape, *shapes.values()])
    )
    assert sorted(found.assumed) == sorted(shapes)


def pattern(written):
    """The shapes with n, m, k numbered in the order they appear."""
    order = {}
    return [
        "".join(order.setdefault(c, str(len(order))) if c in "nmk" else c for c in text)
        for text in written
        if text != "scalar"
    ]


def test_declared_sizes_are_values_and_do_not_give_way():
    assert read("ones(n) @ x / n", ["n"], x=(N,)).node.shape == ()
    assert read("A @ x", ["n"], A=(3, N)).shapes["x"] == (N,)
    with pytest.raises(ShapeMismatchError, match="inner dimensions n and m differ"):
        read("A @ x", ["n", "m"], A=(3, N), x=(M,))


def test_a_size_without_a_name_avoids_the_names_that_are_taken():
    found = read("A @ x + n", n=())

    assert "n" not in {str(size) for shape in found.shapes.values() for size in shape}


def test_an_identity_has_the_size_that_it_needs():
    assert node_of("A - eye", A=(3, 3)) is node_of("A - eye(3)", A=(3, 3))
    assert node_of("x * vector(2)", x=(3,)) is node_of("2 * x", x=(3,))
    assert node_of("A + matrix(1)", A=(2, 3)) is node_of("A + ones((2, 3))", A=(2, 3))
    assert node_of("x + vector(1)", x=(1,)) is node_of("x + 1", x=(1,))
    assert node_of("A * (A + matrix(0))", A=(1, 1)) is node_of("A * A", A=(1, 1))
    with pytest.raises(WrongArgumentsError, match="the size of eye follows from nothing") as e:
        node_of("sum(eye)")
    assert (e.value.faults[0].start, e.value.faults[0].end) == (4, 7)


def test_a_function_is_no_variable_by_convention():
    with pytest.raises(UnknownNameError, match="unknown name 'sin' at 0–3"):
        read("sin")


@pytest.mark.parametrize(
    ("name", "ndim"),
    [("a", 0), ("g", 0), ("h", 1), ("z", 1), ("A", 2), ("α", 0), ("Σ", 0), ("_", 0), ("xs", 0)],
)
def test_a_name_tells_its_number_of_axes(name, ndim):
    assert conventional_ndim(name) == ndim


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("n", N),
        ("n+1", named("n", 1)),
        ("n - 2", named("n", -2)),
        ("2+n-1", named("n", 1)),
        ("7", 7),
        ("n-n+3", 3),
        ("", None),
        ("n**2", None),
        ("n m", None),
        ("+", None),
        ("3n", None),
        ("n+", None),
    ],
)
def test_a_size_is_affine(text, size):
    assert parsed_size(text) == size


def test_sizes_add_up():
    assert str(combined(N, M)) == "m+n"
    assert str(combined(named("n", 1), N, -2)) == "-n+1"
    assert combined(N, N, -1) == 0
    assert not agree(N, M)
    assert not agree(3, named("n"))
    assert not agree(combined(unknown_size("a"), 5), 3)


def test_a_kronecker_product_needs_one_size_that_is_a_number():
    with pytest.raises(ShapeMismatchError, match="a product of names"):
        read("kron(A, B)")
    found = read("kron(A, eye(2)) @ ones(6)")

    assert found.shapes["A"][1] == 3


def test_a_size_that_would_be_no_whole_number_is_a_clash():
    with pytest.raises(ShapeMismatchError, match=r"the sizes 2\*\? and 5 differ"):
        read("kron(x, [1, 2]) + [1, 2, 3, 4, 5]")


def test_so_many_sizes_are_found_and_no_more():
    assert node_of("x" + " + vector(1)" * 100, x=(3,)) is node_of("x + 100", x=(3,))
    with pytest.raises(OverLimitError, match="more than 100 sizes have to be found from use"):
        node_of("x" + " + vector(1)" * 101, x=(3,))
