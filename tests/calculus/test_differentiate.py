"""Derivatives as graphs: what they are, for which shapes, at which order, at what cost."""

import numpy as np
import pytest

from service.calculus.applications import apply_elementwise
from service.calculus.differentiate import (
    gradient,
    identity,
    jacobian,
    pull_back,
    push_forward,
)
from service.calculus.graph import ONE, Factor, construction_limit, variable
from service.calculus.normal_form import contract
from service.calculus.rules.elementwise import SIN
from service.calculus.selections import delta
from service.calculus.terms import add, filled, is_zero
from tests.calculus.nodes import named, node_of, numbers_of, variables

SHAPES = {
    "x": (3,),
    "y": (3,),
    "w": (4,),
    "A": (3, 4),
    "S": (3, 3),
    "T": (2, 3, 4),
    "a": (),
    "U": (5, 2),
    "V": (4, 2),
    "M": (5, 4),
}


def node(text):
    return node_of(text, **SHAPES)


def by(name):
    return variable(name, SHAPES[name])


def derivative(text, name):
    return jacobian(node(text), [by(name)])[by(name)]


def slope(text, name):
    return gradient(node(text), [by(name)])[by(name)]


# Shapes.


@pytest.mark.parametrize(
    ("text", "name", "shape"),
    [
        ("a", "a", ()),
        ("a * x", "a", (3,)),
        ("sum(x)", "x", (3,)),
        ("A @ w", "A", (3, 3, 4)),
        ("A @ w", "w", (3, 4)),
        ("A.T", "A", (4, 3, 3, 4)),
        ("T @ w", "T", (2, 3, 2, 3, 4)),
        ("A", "x", (3, 4, 3)),
    ],
)
def test_a_derivative_has_the_output_s_shape_and_then_the_variable_s(text, name, shape):
    assert derivative(text, name).shape == shape


def test_a_gradient_has_the_variable_s_shape():
    found = gradient(node("sum(T @ w)"), [by("T"), by("w"), by("x")])

    assert {v.name: d.shape for v, d in found.items()} == {
        "T": (2, 3, 4),
        "w": (4,),
        "x": (3,),
    }


def test_the_derivative_by_a_variable_that_is_not_used_is_zero():
    assert is_zero(derivative("A @ w", "x"))
    assert derivative("A @ w", "x").shape == (3, 3)
    assert is_zero(slope("sum(w)", "a"))


def test_named_sizes_stay_named_in_a_derivative():
    n, m = named("n"), named("m")
    (a, x) = variables(A=(m, n), x=(n,))

    found = jacobian(node_of("A @ x", A=(m, n), x=(n,)), [a, x])

    assert found[a].shape == (m, m, n)
    assert found[x] is a


def test_the_gradient_of_a_mean_over_a_named_size_divides_by_it():
    n = named("n")
    (x,) = variables(x=(n,))

    found = gradient(node_of("mean(x**2)", x=(n,)), [x])[x]

    assert found is node_of("2 * x / sum(0 * x + 1)", x=(n,))


# What the derivatives are: one node, not only equal numbers.


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("sum(w)", "w", "0 * w + 1"),
        ("w @ w", "w", "2 * w"),
        ("x @ S @ x", "x", "S @ x + S.T @ x"),
        ("trace(S @ S)", "S", "2 * S.T"),
        ("sum(A**2)", "A", "2 * A"),
        ("mean((A @ w - x)**2)", "w", "2 * A.T @ (A @ w - x) / 3"),
        ("norm2(x)**2", "x", "2 * x"),
        ("logsumexp(x)", "x", "softmax(x)"),
        ("sum(softplus(x))", "x", "sigmoid(x)"),
        ("logdet(S)", "S", "inv(S).T"),
        ("sum(maximum(0, x))", "x", "x > 0"),
        ("sum(x * y)", "x", "y"),
        ("sum(abs(x))", "x", "sign(x)"),
        ("x @ inv(S) @ y", "x", "inv(S) @ y"),
        ("sum(log(x))", "x", "1 / x"),
        ("sum(sqrt(x))", "x", "0.5 * x**-0.5"),
        ("sum(exp(x))", "x", "exp(x)"),
        ("sum(tanh(x))", "x", "1 - tanh(x)**2"),
    ],
)
def test_a_gradient_is_the_node_that_the_text_book_has(text, name, expected):
    assert slope(text, name) is node(expected)


def test_the_gradient_by_an_inverted_matrix_is_minus_an_outer_product():
    inverse = node("inv(S)")
    left = contract([Factor(node("x"), (0,)), Factor(inverse, (0, 1))], (1,), {})
    right = contract([Factor(inverse, (0, 1)), Factor(node("y"), (1,))], (0,), {})

    expected = contract([Factor(left, (0,)), Factor(right, (1,))], (0, 1), {}, -ONE)

    assert slope("x @ inv(S) @ y", "S") is expected


def test_the_jacobian_of_softmax_is_a_diagonal_less_an_outer_product():
    s = node("softmax(x)")
    diagonal = contract([Factor(s, (0,))], (0, 0), {})
    outer = contract([Factor(s, (0,)), Factor(s, (1,))], (0, 1), {})

    assert derivative("softmax(x)", "x") is add([(ONE, diagonal), (-ONE, outer)], (3, 3))


def test_the_hessian_of_a_factorisation_is_a_delta_times_a_small_matrix():
    loss = node("sum((M - U @ V.T)**2)")
    u = by("U")

    hessian = jacobian(gradient(loss, [u])[u], [u])[u]

    gram = contract([Factor(by("V"), (0, 1)), Factor(by("V"), (0, 2))], (1, 2), {})
    expected = contract(
        [Factor(delta(5), (0, 2)), Factor(gram, (1, 3))], (0, 1, 2, 3), {}, 2 * ONE
    )
    assert hessian is expected


def test_the_hessian_of_logsumexp_is_the_jacobian_of_softmax():
    first = slope("logsumexp(x)", "x")

    assert jacobian(first, [by("x")])[by("x")] is derivative("softmax(x)", "x")


def test_second_derivatives_do_not_depend_on_their_order():
    root = node("sum(sin(S @ x) * y) + x @ S @ S @ y")

    first = gradient(root, [by("x"), by("y")])
    there = jacobian(first[by("x")], [by("y")])[by("y")]
    back = jacobian(first[by("y")], [by("x")])[by("x")]

    assert there is contract([Factor(back, (0, 1))], (1, 0), {})


def test_the_derivative_of_a_stack_stands_in_its_rows():
    found = derivative("[x @ y, 2, sum(x)]", "x")

    np.testing.assert_array_equal(
        numbers_of(found, x=[1, 2, 3], y=[4, 5, 6]), [[4, 5, 6], [0, 0, 0], [1, 1, 1]]
    )


def test_the_derivative_of_a_slice_scatters():
    found = slope("sum(x[::-2] * y[:2])", "x")

    np.testing.assert_array_equal(numbers_of(found, y=[4, 5, 6]), [5, 0, 4])


# Directions.


def test_forward_and_reverse_give_the_same_jacobian():
    root = node("tanh(A @ w) * x")
    w = by("w")

    pulled = pull_back(root, identity(root), [w])[w]
    pushed = push_forward(root, {w: identity(w)})

    assert pulled is pushed


def test_a_seed_s_leading_axes_stay_in_front_when_pulled_back():
    root = node("A @ w")
    seeds = variable("seeds", (7, 3))

    found = pull_back(root, seeds, [by("w"), by("A")])

    assert found[by("w")] is node_of("seeds @ A", seeds=(7, 3), A=(3, 4))
    assert found[by("A")].shape == (7, 3, 4)


def test_a_seed_s_trailing_axes_stay_behind_when_pushed_forward():
    root = node("A @ w")
    seeds = variable("seeds", (4, 7))

    assert push_forward(root, {by("w"): seeds}) is node_of("A @ seeds", seeds=(4, 7), A=(3, 4))


def test_directions_of_several_variables_add_up():
    root = node("x * y")
    dx, dy = variable("dx", (3,)), variable("dy", (3,))

    pushed = push_forward(root, {by("x"): dx, by("y"): dy})

    assert pushed is node_of("y * dx + x * dy", x=(3,), y=(3,), dx=(3,), dy=(3,))


def test_pushing_forward_through_what_is_not_used_gives_zero():
    pushed = push_forward(node("x"), {by("w"): variable("dw", (4,))})

    assert is_zero(pushed)
    assert pushed.shape == (3,)


# Cost.


def test_a_shared_node_is_walked_once_and_not_once_per_path():
    root = by("a")
    for _ in range(60):
        root = apply_elementwise(SIN, add([(ONE, root), (ONE, root)], ()))

    with construction_limit(2_000):
        found = gradient(root, [by("a")])[by("a")]

    assert not is_zero(found)


def test_all_variables_take_one_sweep():
    names = [f"v{k}" for k in range(40)]
    shapes = dict.fromkeys(names, (3,))
    root = node_of(f"sum(tanh({' + '.join(names)})**2)", **shapes)

    with construction_limit(300):
        found = jacobian(root, variables(**shapes))

    assert len(set(found.values())) == 1


def test_a_graph_deeper_than_the_stack_is_differentiated():
    root = by("a")
    for _ in range(5_000):
        root = apply_elementwise(SIN, root)

    found = gradient(root, [by("a")])[by("a")]

    # sin'(0) = 1, however often.
    assert numbers_of(found, a=0.0) == 1.0


def test_fifty_linear_layers_stay_small():
    text = " @ ".join([f"L{k}" for k in range(50)]) + " @ w"
    shapes = {f"L{k}": (4, 4) for k in range(50)} | {"w": (4,)}
    root = node_of(f"sum({text})", **shapes)

    with construction_limit(5_000):
        found = gradient(root, variables(**shapes))

    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=shape) / 2 for name, shape in shapes.items()}
    before = np.ones(4)
    for k in range(20):
        before = before @ values[f"L{k}"]
    after = values["w"]
    for k in reversed(range(21, 50)):
        after = values[f"L{k}"] @ after
    # Fifty products of four numbers each keep twelve digits of the largest entry.
    expected = np.outer(before, after)
    np.testing.assert_allclose(
        numbers_of(found[variable("L20", (4, 4))], **values),
        expected,
        rtol=1e-10,
        atol=1e-12 * np.max(np.abs(expected)),
    )


# Higher orders.


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize(
    ("text", "derivatives"),
    [
        ("exp(2 * a)", [np.exp(1.0) * 2**k for k in range(5)]),
        ("a**3", [0.125, 0.75, 3, 6, 0]),
        ("1 / a", [2, -4, 16, -96, 768]),
        ("log(a)", [np.log(0.5), 2, -4, 16, -96]),
        ("sin(a)", [np.sin(0.5), np.cos(0.5), -np.sin(0.5), -np.cos(0.5), np.sin(0.5)]),
        ("a * exp(a)", [np.exp(0.5) * (0.5 + k) for k in range(5)]),
    ],
)
def test_higher_derivatives_are_those_of_the_text_book(text, derivatives, order):
    found = node(text)

    for _ in range(order):
        found = gradient(found, [by("a")])[by("a")]

    values = {"a": 0.5} if found.variables else {}
    # A handful of operations on numbers of at most three digits.
    assert numbers_of(found, **values) == pytest.approx(derivatives[order], rel=1e-13)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_higher_derivatives_of_sigmoid_follow_its_polynomials(order):
    found = node("sigmoid(a)")

    for _ in range(order):
        found = gradient(found, [by("a")])[by("a")]

    s = 1 / (1 + np.exp(-0.5))
    expected = {
        2: s * (1 - s) * (1 - 2 * s),
        3: s * (1 - s) * (1 - 6 * s + 6 * s**2),
        4: s * (1 - s) * (1 - 2 * s) * (1 - 12 * s + 12 * s**2),
    }
    # The polynomials lose a digit by cancellation.
    assert numbers_of(found, a=0.5) == pytest.approx(expected[order], rel=1e-12)


def test_a_determinant_can_be_differentiated_as_often_as_it_has_rows():
    found = slope("det(S)", "S")
    for _ in range(2):
        found = jacobian(found, [by("S")])[by("S")]

    rows = SHAPES["S"][0]
    assert found.shape == (rows,) * 6


def test_the_identity_of_a_matrix_ties_both_axes():
    found = identity(by("A"))

    np.testing.assert_array_equal(numbers_of(found), np.eye(12).reshape(3, 4, 3, 4))
    assert identity(by("a")) is filled(ONE, ())
