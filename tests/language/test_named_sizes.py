"""Sizes and positions that are names, in the calls that take them."""

import pytest

from service.errors import ShapeMismatchError, WrongArgumentsError
from service.rendering.render import formulas
from tests.rendering.deriving import derived, node_of, shapes_of


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("x[1]", "x:n"),
        ("x[-1]", "x:n"),
        ("x[-1] * x[0]", "x:n"),
        ("x[3] * x[-2]", "x:2*n+1"),
        ("[x[0], x[1]]", "x:n"),
        ("A[0] @ y", "A:m,n y:n x:n"),
        ("x[1] * A[0, -1]", "A:m,n x:n"),
        ("log_softmax(A @ x)[1]", "A:m,n x:n"),
        ("sum(x)", "x:n+1"),
        ("sum(x) * x[0]", "x:2*n-3"),
        ("outer(x, x)[1, 2]", "x:m+n"),
        ("cumsum(x)[-1]", "x:n"),
        ("x[1:] @ x[:-1]", "x:n+2"),
    ],
)
def test_a_derivative_with_named_sizes_parses_back(text, spec):
    shapes = shapes_of(spec)
    for wrt in ("x", "A") if "A" in shapes else ("x",):
        node, _ = derived(text, wrt, shapes)
        written = formulas(node, shapes).text

        again = node_of(written, shapes).node

        assert formulas(again, shapes).text == written
        assert again.shape == node.shape


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("ones(n + 1)", "n+1"),
        ("zeros((2 * n, m - 1))", "2*n,m-1"),
        ("eye(n + m)", "m+n,m+n"),
        ("ones(1 + n - 1)", "n"),
        ("ones(n - n + 3)", "3"),
        ("onehot(n + 1, n)", "n+1"),
        ("onehot(3, 4 - 2)", "3"),
        ("onehot(n, -2)", "n"),
        ("onehot(n, m)", "n"),
        ("onehot(2 * (n + 1), 2 * n)", "2*n+2"),
    ],
)
def test_a_size_is_any_sum_of_whole_multiples_of_sizes(text, shape):
    found = node_of(text, shapes_of("x:n y:m")).node

    assert found.shape == shapes_of(f"x:{shape}")["x"]


def test_a_position_from_the_end_is_the_same_row():
    shapes = shapes_of("x:n y:m")

    assert node_of("onehot(n, -1)", shapes).node is node_of("onehot(n, n - 1)", shapes).node
    assert node_of("onehot(3, -1)", shapes).node is node_of("onehot(3, 2)", shapes).node


@pytest.mark.parametrize("position", ["n", "n + 2", "-n - 1"])
def test_a_position_outside_a_named_size_is_refused(position):
    with pytest.raises(ShapeMismatchError, match="does not exist in a vector of size n"):
        node_of(f"onehot(n, {position})", shapes_of("x:n"))


@pytest.mark.parametrize("position", ["3", "-4", "4 - 1"])
def test_a_position_outside_a_size_is_refused(position):
    with pytest.raises(ShapeMismatchError, match="does not exist in a vector of size 3"):
        node_of(f"onehot(3, {position})", shapes_of("x:n"))


@pytest.mark.parametrize("size", ["n / 2", "n * m", "x", "1.5 * n", "n**2"])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(WrongArgumentsError, match="shape takes a constant integer"):
        node_of(f"ones({size})", shapes_of("x:n y:m"))
