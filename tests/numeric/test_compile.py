"""Graph to plan: what is stored, what is shared, what it is estimated to cost."""

import numpy as np
import pytest

from service.calculus.differentiate import gradient, jacobian
from service.calculus.graph import ONE, Factor, variable
from service.calculus.normal_form import contract
from service.calculus.selections import constant, delta, one_hot, selection
from service.calculus.terms import filled
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from tests.calculus.nodes import node_of, numbers_of, variables

RNG = np.random.default_rng(0)


def plan_of(text, **shapes):
    return compile_plan([node_of(text, **shapes)])


# Structural nodes as outputs.


def test_a_delta_is_the_identity_matrix():
    np.testing.assert_array_equal(numbers_of(delta(4)), np.eye(4))


def test_a_selection_has_a_1_in_each_column():
    found = numbers_of(selection(5, 3, 4, -2))

    assert found.tolist() == [[0, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]]


def test_a_one_hot_row_has_one_1():
    assert numbers_of(one_hot(4, 2)).tolist() == [0, 0, 1, 0]


def test_a_filled_tensor_is_one_number_stored():
    plan = compile_plan([filled(7 * ONE, (1000, 1000))])

    assert plan.estimate.peak_bytes <= 16
    assert execute(plan, {})[0].shape == (1000, 1000)


def test_a_literal_is_stored_once():
    literal = constant(np.array([1.5, 2.5]))

    plan = compile_plan([literal, literal])

    assert len(plan.constants) == 1


# Broadcasts are not stored.


@pytest.mark.parametrize(
    "text",
    [
        "sum(x[:, None] * y)",
        "sum(outer(x, y))",
        "sum(exp(x)[:, None] + 0 * y)",
        "sum(maximum(x, 0)[:, None] * y)",
        "sum((x[:, None] + 0 * y)**2)",
        "sum(outer(x, y), axis=0)",
        "outer(x, y) @ x",
        "trace(outer(x, y))",
        "sum(softmax(x)[:, None] * y, axis=1)",
    ],
)
def test_a_broadcast_that_is_reduced_is_never_materialised(text):
    size = 3_000

    plan = plan_of(text, x=(size,), y=(size,))

    assert plan.estimate.peak_bytes < 20 * 8 * size
    assert plan.estimate.flops < 100 * size


def test_a_diagonal_is_never_a_matrix():
    size = 3_000

    plan = plan_of("diag(x) @ diag(y) @ x + diag(diag(y))", x=(size,), y=(size,))

    assert plan.estimate.peak_bytes < 10 * 8 * size


def test_a_scatter_is_not_a_product_with_a_matrix():
    size = 3_000
    (x,) = variables(x=(size,))
    root = node_of("sum(x[1::2] * x[:-1:2])", x=(size,))

    plan = compile_plan([gradient(root, [x])[x]])

    assert plan.estimate.flops < 20 * size


# Sums over axes along which operands are constant.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum(x[None] + 0 * A + 1, axis=0)", lambda x, _: 2 * (x + 1)),
        ("sum(x[None] + A / A, axis=0)", lambda x, _: 2 * (x + 1)),
        ("mean(x[None] + A / A, axis=0)", lambda x, _: x + 1),
        ("sum(x[None] + A / A)", lambda x, _: 2 * np.sum(x + 1)),
        ("sum((x[None] + A / A) * 3, axis=(0, 1))", lambda x, _: 6 * np.sum(x + 1)),
        ("(x + A[0] / A[0]) @ (2 * A[1] / A[1])", lambda x, _: 2 * np.sum(x + 1)),
        ("max(A / A * 2, axis=0)", lambda x, _: np.full(3, 2.0)),
        ("logsumexp(x[None] + A / A, axis=0)", lambda x, _: x + 1 + np.log(2)),
        ("norm2(x[None] + A / A, axis=0)", lambda x, _: (x + 1) * np.sqrt(2)),
        ("softmax(x[None] + A / A, axis=0)", lambda x, _: np.full((2, 3), 0.5)),
        ("trace((x[:, None] + 0 * S) @ S)", lambda x, _: 0.0 * x[0]),
    ],
)
def test_a_constant_axis_counts_as_often_as_it_is_long(text, expected):
    x = np.array([1.0, 2, 3])
    a = np.array([[1.0, 2, 4], [8, 5, 3]])
    root = node_of(text, x=(3,), A=(2, 3), S=(3, 3))
    values = {"x": x, "A": a, "S": np.zeros((3, 3))}

    found = numbers_of(root, **{n: values[n] for n in root.variables})

    # A handful of operations on small integers, a logarithm and a root.
    np.testing.assert_allclose(found, expected(x, a), rtol=1e-15)


# Products.


def test_products_of_a_request_are_shared():
    names = [f"L{k}" for k in range(20)]
    shapes = dict.fromkeys(names, (4, 4)) | {"w": (4,)}
    root = node_of("sum(" + " @ ".join([*names, "w"]) + ")", **shapes)
    found = gradient(root, variables(**shapes))

    plan = compile_plan([root, *found.values()])

    products = [s for s in plan.steps if s.call is np.matmul]
    assert len(products) <= 100


def test_a_chain_of_matrices_before_a_vector_is_multiplied_from_the_right():
    size = 200

    plan = plan_of("A @ B @ C @ x", A=(size, size), B=(size, size), C=(size, size), x=(size,))

    assert plan.estimate.flops <= 3 * 2 * size**2 + 10 * size


def test_a_trace_of_a_product_is_no_product():
    size = 500

    plan = plan_of("trace(A @ B)", A=(size, size), B=(size, size))

    assert plan.estimate.flops <= 4 * size**2
    assert plan.estimate.peak_bytes < 10 * 8 * size


def test_an_inverse_times_a_vector_is_one_solution_and_no_inverse():
    plan = plan_of("inv(A) @ b", A=(50, 50), b=(50,))

    assert len(plan.steps) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inv(A) @ b", lambda i, b, c: i @ b),
        ("b @ inv(A)", lambda i, b, c: b @ i),
        ("inv(A).T @ b", lambda i, b, c: i.T @ b),
        ("inv(A) @ C", lambda i, b, c: i @ c),
        ("C.T @ inv(A)", lambda i, b, c: c.T @ i),
        ("b @ inv(A) @ b", lambda i, b, c: b @ i @ b),
        ("inv(A) @ inv(A) @ b", lambda i, b, c: i @ i @ b),
        ("trace(inv(A) @ A)", lambda i, b, c: 3.0),
        ("sum(inv(A))", lambda i, b, c: np.sum(i)),
        ("inv(A)[1] @ b", lambda i, b, c: i[1] @ b),
        ("inv(A)**2 @ b", lambda i, b, c: i**2 @ b),
        ("inv(A) @ (2 + 0 * b)", lambda i, b, c: i @ np.full(3, 2.0)),
        ("inv(A) @ T", lambda i, b, c: np.stack([i @ c, i @ (2 * c)])),
    ],
)
def test_products_with_an_inverse_are_right(text, expected):
    a = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
    b, c = RNG.normal(size=3), RNG.normal(size=(3, 2))
    root = node_of(text, A=(3, 3), b=(3,), C=(3, 2), T=(2, 3, 2))
    values = {"A": a, "b": b, "C": c, "T": np.stack([c, 2 * c])}

    found = numbers_of(root, **{n: values[n] for n in root.variables})

    # A well conditioned matrix of size 3 costs one digit.
    np.testing.assert_allclose(found, expected(np.linalg.inv(a), b, c), rtol=1e-13, atol=1e-14)


def test_a_batch_of_products_keeps_its_axes():
    t, u = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 4, 5))
    letters = [
        Factor(variable("T", (2, 3, 4)), (0, 1, 2)),
        Factor(variable("U", (2, 4, 5)), (0, 2, 3)),
    ]

    for order in ((0, 1, 3), (3, 0, 1), (1, 3, 0)):
        found = numbers_of(contract(letters, order, {}), T=t, U=u)

        # Sums of four products.
        np.testing.assert_allclose(
            found, np.einsum(t, [0, 1, 2], u, [0, 2, 3], order), rtol=1e-13
        )


def test_two_letters_are_summed_at_once():
    t, u = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(4, 3, 5))
    factors = [
        Factor(variable("T", (2, 3, 4)), (0, 1, 2)),
        Factor(variable("U", (4, 3, 5)), (2, 1, 3)),
    ]

    found = numbers_of(contract(factors, (3, 0), {}), T=t, U=u)

    # Sums of twelve products.
    np.testing.assert_allclose(found, np.einsum("ijk,kjl->li", t, u), rtol=1e-12)


def test_the_diagonal_of_an_operand_is_a_view():
    plan = plan_of("trace(A * B)", A=(1000, 1000), B=(1000, 1000))

    assert plan.estimate.flops <= 3_000


# The estimate.


def test_the_peak_counts_what_is_alive_at_a_time():
    size = 10_000

    plan = plan_of("sum(sin(x) * cos(x))", x=(size,))

    # sin(x), cos(x) and their product, of which the first two have one buffer each.
    assert plan.estimate.peak_bytes <= 3 * 8 * size + 8


def test_the_estimate_of_a_matrix_product_is_two_flops_per_pair():
    plan = plan_of("A @ B", A=(20, 30), B=(30, 40))

    assert plan.estimate.flops == 2 * 20 * 30 * 40


def test_the_work_of_the_gradient_of_a_network_is_a_few_times_that_of_its_value():
    shapes = {"X": (500, 100), "W": (100, 100), "v": (100,), "y": (500,)}
    root = node_of("mean((y - tanh(X @ W) @ v)**2)", **shapes)
    found = gradient(root, variables(W=(100, 100), v=(100,)))

    forward = compile_plan([root]).estimate.flops
    both = compile_plan([root, *found.values()]).estimate.flops

    assert both < 4 * forward


def test_the_jacobian_of_a_stack_of_matrices_is_small_where_it_is_structured():
    t, w = variables(T=(6, 40, 40), w=(40,))

    found = jacobian(node_of("T @ w", T=(6, 40, 40), w=(40,)), [w])[w]

    assert found is t
