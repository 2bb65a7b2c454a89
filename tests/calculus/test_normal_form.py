"""The rules of the normal form, one by one, on small graphs."""

import gc
import pickle
import weakref
from fractions import Fraction

import numpy as np
import pytest

from service.calculus.applications import apply_elementwise
from service.calculus.graph import (
    ONE,
    Contraction,
    Elementwise,
    Factor,
    Size,
    Sum,
    Variable,
    calls_counted,
    construction_limit,
    topological,
    variable,
)
from service.calculus.normal_form import contract
from service.calculus.rules.elementwise import EXP
from service.calculus.selections import delta
from service.calculus.terms import add, filled, is_zero, number, number_of, scaled, size_of
from service.errors import OverLimitError
from tests.calculus.nodes import named, node_of, numbers_of, variables

SHAPES = {"x": (3,), "y": (3,), "A": (3, 3), "B": (3, 4), "C": (4, 3), "S": (3, 3), "a": ()}


def node(text):
    return node_of(text, **SHAPES)


def factor_names(product):
    return sorted(f.node.name for f in product.factors if isinstance(f.node, Variable))


# Factors.


def test_a_factor_alone_is_that_node():
    (x,) = variables(x=(3,))

    assert contract([Factor(x, (7,))], (7,), {}) is x


def test_equal_factors_add_their_exponents():
    (x,) = variables(x=(3,))

    product = contract([Factor(x, (0,)), Factor(x, (0,), 2 * ONE)], (0,), {})

    assert product.factors == (Factor(x, (0,), 3 * ONE),)


def test_equal_nodes_with_other_letters_stay_apart():
    (x,) = variables(x=(3,))

    product = contract([Factor(x, (0,)), Factor(x, (1,))], (0, 1), {})

    assert len(product.factors) == 2


def test_exponent_0_drops_and_the_axis_becomes_a_broadcast():
    assert node("x / x") is filled(ONE, (3,))
    assert node("x**0") is filled(ONE, (3,))


def test_numbers_multiply_into_one_exact_coefficient():
    assert node("x / 3 * 3") is node("x")
    assert node("0.1 * x + 0.2 * x") is node("0.3 * x")
    assert node("(2 * x)**3 / 4").coefficient == Fraction(2)


def test_a_coefficient_beyond_64_bits_is_a_float():
    product = node("10000000000 * (10000000000 * x)")

    assert product.coefficient == 1e20
    assert isinstance(product.coefficient, float)


def test_a_product_by_0_is_0_by_its_formula():
    assert is_zero(node("0 * x"))
    assert node("0 * (A @ x)") is filled(0 * ONE, (3,))


def test_a_contraction_inside_another_flattens():
    product = node("x * (y * (a * x))")

    assert sorted(str(f.exponent) for f in product.factors) == ["1", "1", "2"]
    assert not any(isinstance(f.node, Contraction) for f in product.factors)


def test_an_integer_power_of_a_product_without_summed_letters_flattens():
    assert node("(x * y)**2") is node("x**2 * y**2")
    assert node("1 / (x * y)") is node("x**-1 * y**-1")


def test_a_fractional_power_of_a_product_stays_whole():
    power = node("(x * y)**0.5")

    ((inner, _, exponent),) = power.factors
    assert isinstance(inner, Contraction)
    assert exponent == Fraction(1, 2)


def test_a_power_of_a_sum_over_a_letter_stays_whole():
    power = node("(A @ x)**2")

    ((inner, _, exponent),) = power.factors
    assert inner is node("A @ x")
    assert exponent == 2


@pytest.mark.parametrize(("count", "factors"), [(12, 12), (13, 2), (20, 9)])
def test_flattening_stops_at_12_factors(count, factors):
    names = [f"v{k}" for k in range(count)]
    values = {name: np.full(3, k + 1.0) for k, name in enumerate(names)}

    product = node_of(" * ".join(names), **dict.fromkeys(names, (3,)))

    assert len(product.factors) == factors
    # Exact: the products of integers up to 20 have less than 62 bits.
    expected = float(np.prod(np.arange(1, count + 1)))
    np.testing.assert_allclose(numbers_of(product, **values), expected, rtol=1e-15)


def test_up_to_12_factors_the_association_of_a_product_does_not_matter():
    left = node("((A @ B) @ C) @ ((A @ A) @ A)")
    right = node("A @ (B @ (C @ (A @ (A @ A))))")

    assert left is right


def test_a_connected_part_without_output_letter_is_a_scalar_node_of_its_own():
    product = node("sum(x * y) * x")

    inner = next(f for f in product.factors if f.letters == ())
    assert inner.node is node("x @ y")


def test_equal_scalar_parts_add_their_exponents():
    assert node("sum(x) * sum(x)") is node("sum(x)**2")
    assert node("sum(outer(x, x))") is node("sum(x)**2")


def test_an_even_power_of_a_norm_is_a_power_of_its_square():
    assert node("norm2(x)**2") is node("x @ x")
    assert node("norm2(A)**-4") is node("sum(A**2)**-2")


def test_an_odd_power_of_a_norm_stays():
    ((inner, _, exponent),) = node("norm2(x)**3").factors

    assert inner is node("norm2(x)")
    assert exponent == 3


# Sizes of axes.


def test_a_summed_letter_in_no_factor_multiplies_by_its_size():
    assert number_of(node("sum(0 * A + 1)")) == 9
    assert node("sum(x[:, None] * (0 * C[0] + 1), axis=1)") is node("3 * x")


def test_a_size_that_is_still_a_name_is_a_scalar_factor():
    n = named("n")
    ones = filled(ONE, (n,))

    total = contract([Factor(ones, (0,))], (), {})

    assert total is size_of(n)
    assert isinstance(total, Size)


def test_the_mean_over_a_named_size_divides_by_it():
    n = named("n")

    mean = node_of("mean(x)", x=(n,))

    assert Factor(size_of(n), (), -ONE) in mean.factors


def test_the_mean_of_a_number_over_a_named_size_is_the_number():
    assert node_of("mean(0 * x + 5)", x=(named("n"),)) is number(5 * ONE)


def test_names_with_an_offset_are_other_sizes():
    assert size_of(named("n")) is not size_of(named("n", 1))
    assert str(named("n", 1)) == "n+1"
    assert str(named("n", -1)) == "n-1"


# Broadcasting.


def test_a_broadcast_is_an_output_letter_that_no_factor_carries():
    product = node("x[:, None] + 0 * A")

    assert product.shape == (3, 3)
    assert product.factors == (Factor(node("x"), (0,)),)


def test_a_function_is_built_without_the_axes_along_which_its_operand_is_constant():
    spread = node("exp(x[:, None] + 0 * A)")

    ((inner, letters, _),) = spread.factors
    assert inner is node("exp(x)")
    assert letters == (0,)


def test_a_power_is_built_without_the_axes_along_which_its_operand_is_constant():
    spread = node("(x[:, None] * a + 0 * A)**0.5")

    ((inner, _, _),) = spread.factors
    assert inner.shape == (3,)


def test_a_reduction_is_built_without_the_axes_along_which_its_operand_is_constant():
    assert node("max(x[:, None] + 0 * A, axis=0)") is node("max(x) + 0 * x")


def test_a_function_of_a_number_is_a_number():
    assert node("exp(0 * x)") is filled(ONE, (3,))
    assert number_of(node("sum(cos(0 * x))")) == 3


def test_a_permutation_moves_outside_a_function_of_one_operand():
    assert node("exp(B.T)") is node("exp(B).T")
    assert isinstance(node("exp(B.T)"), Contraction)


# Sums.


def test_like_terms_are_collected_whatever_their_order():
    assert node("x + y + 2 * x - y") is node("3 * x")
    assert node("x + (y + a)") is node("(a + x) + y")


def test_terms_that_cancel_leave_0():
    assert is_zero(node("x + y - x - y"))
    assert node("x + y - x") is node("y")


def test_the_common_factor_of_a_sum_leaves_it():
    total = node("2 * x + 4 * y")

    assert total.coefficient == 2
    assert isinstance(total.factors[0].node, Sum)
    assert node("-(x - y)") is node("y - x")
    assert node("(x + 2 * y) * 2") is total


def test_the_first_term_of_a_sum_is_positive():
    for total in (node("-x - y"), node("y - x"), node("x - y"), node("3 - x")):
        inner = total.factors[0].node if isinstance(total, Contraction) else total

        assert inner.terms[0][0] > 0


def test_a_sum_inside_a_sum_flattens():
    total = node("x + 2 * (y + 3 * (x + a))")

    inner = total if isinstance(total, Sum) else total.factors[0].node
    assert len(inner.terms) == 3


def test_a_product_does_not_distribute_over_a_plain_sum():
    product = node("x * (y - mean(y))")

    assert any(isinstance(f.node, Sum) for f in product.factors)


def test_a_product_distributes_over_a_sum_with_a_delta():
    identity = delta(3)
    matrix = variable("A", (3, 3))
    total = add([(ONE, identity), (ONE, matrix)], (3, 3))

    product = contract([Factor(total, (0, 1)), Factor(node("x"), (1,))], (0,), {})

    assert product is node("x + A @ x")


def test_a_product_does_not_distribute_over_more_than_8_terms():
    terms = [variable(f"M{k}", (3, 3)) for k in range(8)]
    total = add([(ONE, delta(3)), *((ONE, m) for m in terms)], (3, 3))

    product = contract([Factor(total, (0, 1)), Factor(node("x"), (1,))], (0,), {})

    assert isinstance(product, Contraction)
    assert total in product.operands


def test_a_permutation_and_a_number_distribute_over_a_sum():
    assert node("(B + 2 * C.T).T") is node("B.T + 2 * C")
    assert node("2 * (B + C.T)") is node("2 * B + 2 * C.T")


@pytest.mark.parametrize(
    "text",
    [
        "trace(A - A.T)",
        "sum(A - A.T)",
        "sum(x - mean(x))",
        "sum(A - A.T + S - S.T)",
        "sum(x - y + mean(y) - mean(x))",
        "trace(A @ S - S @ A)",
    ],
)
def test_a_sum_reduced_alone_is_split_where_its_terms_cancel(text):
    assert is_zero(node(text))


def test_a_sum_reduced_alone_is_split_where_some_terms_cancel():
    assert node("sum(A - A.T + outer(x, y))") is node("sum(x) * sum(y)")


def test_a_sum_reduced_alone_stays_where_nothing_cancels():
    total = node("sum(x - y)")

    ((inner, _, _),) = total.factors
    assert isinstance(inner, Sum)


# Indicators.


def test_indicators_are_idempotent():
    assert node("(x > y) * (x > y)") is node("x > y")
    assert node("(x > y)**3") is node("x > y")


def test_an_indicator_in_a_denominator_stays():
    assert node("1 / (x > y)") is not node("x > y")


def test_beside_its_indicator_a_maximum_is_the_larger_operand():
    assert node("(x > 0) * maximum(x, 0)") is node("(x > 0) * x")
    assert node("(x > y) * maximum(y, x)**2") is node("(x > y) * x**2")
    assert node("(y > x) * maximum(y, x)") is node("(y > x) * y")


def test_beside_its_indicator_a_minimum_is_the_smaller_operand():
    assert node("(x > y) * minimum(x, y)") is node("(x > y) * y")
    assert is_zero(node("(x > 0) * minimum(x, 0)"))


def test_inside_a_sum_beside_its_indicator_a_maximum_is_the_larger_operand():
    assert node("(x > 0) * (maximum(x, 0) - y)") is node("(x > 0) * (x - y)")


def test_beside_another_indicator_a_maximum_stays():
    product = node("(x > y) * maximum(x, 0)")

    assert node("maximum(x, 0)") in product.operands


def test_the_rule_of_the_maximum_does_not_hold_beside_greater_or_equal():
    product = node("(x >= y) * maximum(x, y)")

    assert node("maximum(x, y)") in product.operands


# Canonical order.


def test_a_trace_does_not_depend_on_where_it_starts():
    assert node("trace(A @ B @ C)") is node("trace(B @ C @ A)")
    assert node("trace(A @ S)") is node("trace((A @ S).T)")


def test_the_order_of_factors_does_not_matter():
    x, y, a = variables(x=(3,), y=(3,), A=(3, 3))
    factors = [Factor(x, (0,)), Factor(y, (1,)), Factor(a, (0, 1)), Factor(a, (1, 2))]

    there = contract(factors, (2,), {})
    back = contract(
        [Factor(f.node, tuple(9 - k for k in f.letters)) for f in factors[::-1]], (7,), {}
    )

    assert there is back


@pytest.mark.parametrize("text", ["A", "A + A.T"])
@pytest.mark.parametrize("length", [3, 4, 5, 6])
def test_the_letters_of_a_ring_do_not_matter(length, text, rng):
    matrix = node(text)
    rings = set()

    for _ in range(20):
        place = rng.permutation(length)
        edges = [(place[k], place[(k + 1) % length]) for k in range(length)]
        edges = [tuple(map(int, edges[k])) for k in rng.permutation(length)]
        rings.add(contract([Factor(matrix, edge) for edge in edges], (), {}))

    assert len(rings) == 1


def test_the_letters_of_a_grid_do_not_matter(rng):
    matrix = node("A + A.T")
    corners = [(0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (0, 4), (1, 5)]
    cubes = set()

    for _ in range(20):
        place = rng.permutation(8)
        edges = [(int(place[a]), int(place[b])) for a, b in [*corners, (2, 6), (3, 7)]]
        cubes.add(contract([Factor(matrix, edge) for edge in edges], (), {}))

    assert len(cubes) == 1


def test_a_ring_of_symmetric_matrices_is_the_same_backwards():
    symmetric = node("A + A.T")
    edges = [(0, 1), (1, 2), (2, 3), (3, 0)]

    there = contract([Factor(symmetric, e) for e in edges], (), {})
    back = contract([Factor(symmetric, e[::-1]) for e in edges[::-1]], (), {})

    assert there is back


def test_two_triangles_are_not_a_hexagon():
    matrix = node("A + A.T")
    triangles = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]
    hexagon = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)]

    apart = contract([Factor(matrix, e) for e in triangles], (), {})
    together = contract([Factor(matrix, e) for e in hexagon], (), {})

    assert apart is node("trace((A + A.T) @ (A + A.T) @ (A + A.T))**2")
    assert apart is not together


@pytest.mark.parametrize(
    "text",
    [
        "A + A.T",
        "A @ A.T",
        "A.T @ S @ S.T @ A",
        "diag(x)",
        "A + A.T - 2 * diag(x)",
        "inv(diag(x))",
        "outer(x, x)",
        "inv(A + A.T)",
        "exp(A + A.T)",
        "A * A.T",
        "[[1, 2], [2, 5]]",
        "(A + A.T) @ (A + A.T)",
    ],
)
def test_a_symmetric_matrix_is_its_own_transpose(text):
    matrix = node(text)

    assert matrix.is_symmetric
    assert node(f"({text}).T") is matrix


@pytest.mark.parametrize(
    "text", ["A", "A @ S", "A - A.T", "B", "x", "[[1, 2], [3, 5]]", "(A + A.T) @ (S + S.T)"]
)
def test_other_nodes_are_not_called_symmetric(text):
    assert not node(text).is_symmetric


def test_symmetric_functions_sort_their_arguments():
    assert node("maximum(x, y)") is node("maximum(y, x)")
    assert node("x == y") is node("y == x")
    assert node("x > y") is not node("y > x")


# Nodes.


def test_equal_nodes_are_one_object_while_they_live():
    assert node("sin(x) * y") is node("y * sin(x)")


def test_a_node_that_nobody_holds_is_forgotten_once_others_were_made():
    made = node_of("sin(forgotten) * 3", forgotten=(2,))
    reference = weakref.ref(made)
    x = variable("x", ())

    del made
    for k in range(5_000):
        contract([Factor(x, ())], (), {}, Fraction(k + 2))
    gc.collect()

    assert reference() is None


def test_a_variable_is_told_by_its_name_and_its_shape():
    assert variable("x", (3,)) is variable("x", (3,))
    assert variable("x", (3,)) is not variable("x", (4,))
    assert variable("x", (3,)).digest != variable("y", (3,)).digest


def test_a_node_knows_the_variables_it_depends_on():
    assert node("A @ x + sin(a)").variables == {"A", "x", "a"}
    assert node("x - x + y").variables == {"y"}


def test_a_node_does_not_pickle():
    with pytest.raises(TypeError, match="graphs hold functions and do not pickle"):
        pickle.dumps(node("x + y"))


def test_operands_come_before_what_is_made_of_them():
    root = node("exp(A @ x) * sin(x)")

    order = topological([root])

    place = {n: k for k, n in enumerate(order)}
    assert len(place) == len(order)
    assert all(place[o] < place[n] for n in order for o in n.operands)


def test_the_order_of_a_graph_twenty_thousand_deep_needs_no_recursion():
    root = variable("x", ())
    for _ in range(20_000):
        root = apply_elementwise(EXP, scaled(root, -ONE))

    assert len(topological([root])) == 40_001
    assert isinstance(root, Elementwise)


def test_constructor_calls_are_counted_against_the_limit():
    with (
        construction_limit(10),
        pytest.raises(OverLimitError, match="need more than 10 graph nodes, the limit"),
    ):
        node("sin(x) + cos(x) * exp(x) + tanh(y) - sqrt(y) * x**2 + abs(y)")


def test_the_limit_of_constructor_calls_ends_with_its_context():
    with construction_limit(3):
        node("2 * x")

    assert node("sin(x) * cos(y) * exp(a) + A @ x").shape == (3,)


def test_a_product_that_is_kept_counts_as_often_as_one_that_is_made():
    text = "sum(log(1 + exp(A @ x)) * x) * sum(A * A)"
    counts = []
    for _ in range(3):
        with calls_counted() as count:
            node(text)
            counts.append(count())

    assert counts[0] > 10
    assert counts == [counts[0]] * 3
    with construction_limit(counts[0]):
        node(text)
    for _ in range(2):
        with construction_limit(counts[0] - 1), pytest.raises(OverLimitError):
            node(text)


def test_equal_numbers_of_two_types_make_products_that_are_two():
    x = variable("x", (3,))
    half, float_half = Fraction(1, 2), 0.5

    made = [contract([Factor(x, (0,), e)], (0,), {}, c)
            for e in (half, float_half) for c in (half, float_half)]  # fmt: skip

    assert len({found.digest for found in made}) == 4
    assert [type(found.coefficient) for found in made] == [Fraction, float] * 2
