"""What deltas, selections and one-hot rows do to the contraction that holds them."""

import numpy as np
import pytest

from service.calculus.graph import ONE, Constant, Contraction, Factor, OneHot, Selection
from service.calculus.normal_form import contract
from service.calculus.selections import constant, delta, one_hot, selection
from service.calculus.terms import filled, is_zero, number_of
from tests.calculus.nodes import named, node_of, numbers_of, variables

(X, Y, A, T) = variables(x=(5,), y=(5,), A=(5, 4), T=(5, 5, 5))


def node(text):
    return node_of(text, x=(5,), y=(5,), A=(5, 4), a=(), b=())


# Deltas.


def test_a_delta_over_a_summed_letter_renames_it():
    product = contract([Factor(X, (0,)), Factor(delta(5), (0, 1))], (1,), {})

    assert product is X


def test_a_chain_of_deltas_renames_through():
    factors = [Factor(delta(5), (k, k + 1)) for k in range(4)]

    assert contract([Factor(X, (0,)), *factors], (4,), {}) is X


def test_two_free_letters_keep_their_delta():
    product = contract([Factor(X, (1,)), Factor(delta(5), (0, 1))], (0, 1), {})

    assert set(product.factors) == {Factor(X, (0,)), Factor(delta(5), (0, 1))}


def test_deltas_are_stars_on_the_lowest_output_letter():
    chain = [Factor(delta(5), (2, 1)), Factor(delta(5), (1, 0)), Factor(X, (2,))]

    product = contract(chain, (0, 1, 2), {})

    assert set(product.factors) == {
        Factor(X, (0,)),
        Factor(delta(5), (0, 1)),
        Factor(delta(5), (0, 2)),
    }


def test_every_spanning_tree_of_deltas_is_the_same_node():
    trees = ([(0, 1), (1, 2), (2, 3)], [(0, 3), (3, 1), (1, 2)], [(2, 0), (2, 1), (2, 3)])

    nodes = {
        contract([Factor(delta(5), pair) for pair in tree], (0, 1, 2, 3), {}) for tree in trees
    }

    assert len(nodes) == 1


def test_a_delta_is_idempotent():
    twice = contract([Factor(delta(5), (0, 1)), Factor(delta(5), (1, 0))], (0, 1), {})

    assert twice is delta(5)


def test_the_trace_of_a_delta_is_its_size():
    assert number_of(contract([Factor(delta(5), (0, 0))], (), {})) == 5
    assert number_of(contract([Factor(delta(5), (0, 1))] * 2, (), {})) == 5


def test_the_sum_of_a_delta_is_ones():
    assert contract([Factor(delta(5), (0, 1))], (0,), {}) is filled(ONE, (5,))


def test_a_delta_of_one_letter_is_1():
    assert contract([Factor(delta(5), (0, 0)), Factor(X, (0,))], (0,), {}) is X


def test_a_letter_twice_in_the_output_stands_on_a_diagonal():
    matrix = contract([Factor(X, (0,))], (0, 0), {})

    assert set(matrix.factors) == {Factor(X, (0,)), Factor(delta(5), (0, 1))}


def test_a_delta_of_a_named_size_is_resolved_too():
    n = named("n")
    (v,) = variables(v=(n,))

    assert contract([Factor(v, (0,)), Factor(delta(n), (0, 1))], (1,), {}) is v


def test_the_diagonal_of_a_diagonal_matrix_is_its_vector():
    assert node("diag(diag(x))") is X
    assert node("diag(x) @ diag(y)") is node("diag(x * y)")


# Selections.


def test_a_selection_of_everything_is_the_delta():
    assert selection(5, 5, 0, 1) is delta(5)


def test_a_backward_selection_is_not_the_delta():
    assert isinstance(selection(5, 5, 4, -1), Selection)


def test_a_selection_of_a_selection_is_one_selection():
    outer = Factor(selection(5, 3, 4, -2), (0, 1))
    inner = Factor(selection(3, 2, 2, -1), (1, 2))

    both = contract([outer, inner], (0, 2), {})

    assert both is selection(5, 2, 0, 2)


def test_slices_of_slices_are_slices():
    assert node("x[1:][1:]") is node("x[2:]")
    assert node("x[::2][::-1]") is node("x[4::-2]")
    assert node("x[::-1][::-1]") is X
    assert node("A[1:, ::2][1:, 1:]") is node("A[2:, 2:3]")


def test_selecting_from_what_the_same_selection_placed_gives_it_back():
    chosen = selection(5, 2, 1, 3)

    product = contract([Factor(chosen, (0, 1)), Factor(chosen, (0, 2))], (1, 2), {})

    assert product is delta(2)


def test_a_selection_that_nothing_selects_from_sums_to_ones():
    columns = contract([Factor(selection(5, 3, 0, 2), (0, 1))], (1,), {})

    assert columns is filled(ONE, (3,))


def test_two_selections_of_one_letter_keep_the_entries_that_both_have():
    factors = [
        Factor(X, (0,)),
        Factor(selection(5, 3, 0, 2), (0, 1)),
        Factor(selection(5, 3, 2, 1), (0, 2)),
    ]

    product = contract(factors, (1, 2), {})

    expected = np.zeros((3, 3))
    expected[1, 0], expected[2, 2] = 3.0, 5.0
    np.testing.assert_array_equal(numbers_of(product, x=[1, 2, 3, 4, 5]), expected)


# One-hot rows.


def test_a_one_hot_row_picks_from_a_literal():
    literal = constant(np.arange(10.0).reshape(5, 2))

    picked = contract([Factor(literal, (0, 1)), Factor(one_hot(5, 3), (0,))], (1,), {})

    assert isinstance(picked, Constant)
    assert picked.value.tolist() == [6.0, 7.0]


def test_an_entry_of_a_literal_is_a_number():
    assert node("[[1, 2], [3, 4]][1, 0]") is node("3")
    assert node("x**[2, 3][1]") is node("x**3")


def test_a_one_hot_row_picks_a_part_of_a_stack():
    assert node("[a * b, a][0]") is node("a * b")
    assert node("[x + y, x][0] * x") is node("(x + y) * x")
    assert node("[[a, b], [b, 2]][0, 1]") is node("b")


def test_a_one_hot_row_picks_from_a_selection_of_columns():
    chosen = selection(5, 3, 4, -2)

    picked = contract([Factor(chosen, (0, 1)), Factor(one_hot(3, 1), (1,))], (0,), {})

    assert picked is one_hot(5, 2)
    assert node("x[::-2][1]") is node("x[2]")


def test_a_one_hot_row_picks_from_what_a_selection_placed():
    chosen = Factor(selection(5, 3, 0, 2), (0, 1))

    inside = contract([chosen, Factor(one_hot(5, 4), (0,))], (1,), {})
    outside = contract([chosen, Factor(one_hot(5, 3), (0,))], (1,), {})

    assert inside is one_hot(3, 2)
    assert is_zero(outside)


@pytest.mark.parametrize("position", [0, 2])
def test_a_one_hot_row_before_or_after_a_slice_gives_0(position):
    chosen = Factor(selection(5, 1, 1, 1), (0, 1))

    outside = contract([chosen, Factor(one_hot(5, position), (0,))], (1,), {})

    assert is_zero(outside)


def test_different_one_hot_rows_of_one_letter_give_0():
    rows = [Factor(one_hot(5, 1), (0,)), Factor(one_hot(5, 2), (0,))]

    assert is_zero(contract(rows, (0,), {}))
    assert is_zero(contract([*rows, Factor(X, (0,))], (), {}))


def test_a_one_hot_row_is_idempotent():
    row = Factor(one_hot(5, 1), (0,))

    assert number_of(contract([row, row], (), {})) == 1
    assert contract([row, row], (0,), {}) is one_hot(5, 1)


def test_the_sum_of_a_one_hot_row_is_1():
    assert number_of(contract([Factor(one_hot(5, 1), (0,))], (), {})) == 1


def test_a_one_hot_row_of_an_output_letter_stays():
    product = contract([Factor(X, (0,)), Factor(one_hot(5, 1), (0,))], (0,), {})

    assert isinstance(product, Contraction)
    assert any(isinstance(f.node, OneHot) for f in product.factors)
    np.testing.assert_array_equal(numbers_of(product, x=[1, 2, 3, 4, 5]), [0, 2, 0, 0, 0])


def test_a_one_hot_row_picks_from_several_factors_at_once():
    product = node("(x * y * x[::-1])[1]")

    found = numbers_of(product, x=[1, 2, 3, 4, 5], y=[1, 10, 1, 1, 1])
    assert found == 80.0


def test_a_one_hot_row_on_a_diagonal_picks_one_entry():
    picked = contract([Factor(T, (0, 0, 0)), Factor(one_hot(5, 2), (0,))], (), {})

    values = np.arange(125.0).reshape(5, 5, 5)
    assert numbers_of(picked, T=values) == values[2, 2, 2]


# Literals.


def test_literals_of_the_same_bytes_are_one_node():
    assert constant(np.array([1.0, 2.0])) is constant(np.array([1.0, 2.0]))
    assert constant(np.array([0.0])) is not constant(np.array([-0.0]))
    assert constant(np.zeros((1, 2))) is not constant(np.zeros((2, 1)))


def test_a_literal_cannot_be_changed():
    literal = constant(np.array([1.5, 2.5]))

    with pytest.raises(ValueError, match="read-only"):
        literal.value[0] = 3


def test_a_vector_of_equal_parts_is_a_broadcast():
    assert node("[1, 1, 1]") is filled(ONE, (3,))
    assert node("[x, x]") is node("x + 0 * [[1], [2]]")
