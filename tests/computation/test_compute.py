"""The one path from text to numbers: operations, forms of answers, limits, plans kept."""

import tracemalloc

import numpy as np
import pytest

from service.computation.answers import (
    DenseTensor,
    DiagonalTensor,
    FactoredTensor,
    IdentityFactor,
    IdentityTensor,
    OnesFactor,
    TensorFactor,
    ZeroTensor,
)
from service.computation.compute import Computer
from service.computation.requests import Request
from service.errors import (
    BudgetExceededError,
    DeadlineExceededError,
    NonFiniteResultError,
    NotScalarError,
    OverLimitError,
    UnknownNameError,
)
from service.settings import Limits
from tests.numeric.dense import dense


@pytest.fixture
def computer():
    return Computer(Limits())


def arrays(**values):
    return {name: np.array(value, dtype=float) for name, value in values.items()}


X = arrays(x=[1, 2, 3])


def is_quick(computer, operation, expression, variables):
    request = Request(operation=operation, expression=expression, variables=variables)
    return computer.is_quick(request)


# Operations.


def test_an_evaluation_has_a_value_and_no_derivatives(computer):
    answer = computer.run("evaluate", "x * 2", X)

    assert answer.value.tolist() == [2, 4, 6]
    assert answer.gradients == {}
    assert answer.jacobians == {}


def test_a_gradient_has_the_value_and_each_variable_s_shape(computer):
    values = arrays(w=[1, 2], X=[[1, 2], [3, 4], [5, 6]], b=0.5)

    answer = computer.run("gradient", "sum(X @ w) + b", values)

    assert answer.value == 5 + 11 + 17 + 0.5
    assert {n: g.tolist() for n, g in answer.gradients.items()} == {
        "w": [9, 12],
        "X": [[1, 2]] * 3,
        "b": 1,
    }


def test_a_jacobian_has_the_output_s_shape_and_then_the_variable_s(computer):
    answer = computer.run("jacobian", "A @ x", arrays(A=np.ones((2, 3)), x=[1, 2, 3]))

    assert answer.jacobians["A"].shape == (2, 2, 3)
    assert answer.jacobians["x"].shape == (2, 3)


@pytest.mark.parametrize(
    ("wrt", "names"), [(None, ["x", "y"]), (["y"], ["y"]), ([], []), (["y", "x"], ["y", "x"])]
)
def test_derivatives_are_by_the_names_of_wrt_in_their_order(computer, wrt, names):
    answer = computer.run("jacobian", "x * y", arrays(x=[1, 2], y=[3, 4]), wrt)

    assert list(answer.jacobians) == names


def test_a_literal_has_a_value_without_variables(computer):
    assert computer.run("evaluate", "[1, 2] @ [3, 4]", {}).value == 11
    assert computer.run("gradient", "2", {}).gradients == {}


def test_the_gradient_of_a_vector_is_refused_with_its_shape(computer):
    with pytest.raises(
        NotScalarError,
        match=r"a gradient needs a scalar expression, but this one has shape \(3\)\n"
        r"line 1, column 1\nx \* 2\n\^{5}$",
    ) as caught:
        computer.run("gradient", "x * 2", X)

    fault = caught.value.faults[0]
    assert (fault.start, fault.end, fault.pointer) == (0, 5, "/expression")
    assert "POST /v1/jacobian" in fault.hint
    assert "sum(...)" in fault.hint


@pytest.mark.parametrize(
    ("names", "position", "message"),
    [
        (["z"], 0, r"^unknown name 'z' in wrt$"),
        (["x", "weigth"], 1, r"^unknown name 'weigth' in wrt; did you mean 'weight'\?$"),
        (["X"], 0, r"^unknown name 'X' in wrt; did you mean 'x'\?$"),
    ],
)
def test_an_unknown_name_in_wrt_is_refused_at_its_pointer(computer, names, position, message):
    with pytest.raises(UnknownNameError, match=message) as caught:
        computer.run("gradient", "sum(x)", arrays(x=[1], weight=2), names)

    assert caught.value.faults[0].pointer == f"/wrt/{position}"
    assert caught.value.faults[0].hint == "declared variables: x, weight"


def test_a_variable_that_is_not_used_gives_zero_and_a_warning(computer):
    answer = computer.run("jacobian", "x", arrays(x=[1, 2], unused=[[1, 2]]))

    assert answer.jacobians["unused"] == ZeroTensor((2, 1, 2))
    (notice,) = answer.warnings
    assert notice.code == "unused_variable"
    assert notice.message == "the expression does not use 'unused'; its derivative is zero"
    assert notice.pointer == "/variables/unused"


def test_a_variable_that_is_neither_used_nor_asked_for_is_only_warned_of(computer):
    answer = computer.run("gradient", "sum(x)", arrays(x=[1, 2], unused=1), ["x"])

    (notice,) = answer.warnings
    assert notice.message == "the expression does not use 'unused'"


def test_a_variable_that_cancels_is_used(computer):
    answer = computer.run("gradient", "sum(x - x) + y", arrays(x=[1, 2], y=1))

    assert answer.warnings == ()
    assert answer.gradients["x"].tolist() == [0, 0]


# Forms of derivatives.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x > 5", ZeroTensor),
        ("x + 1", IdentityTensor),
        ("a * x", IdentityTensor),
        ("x**2", DiagonalTensor),
        ("softmax(x)", DenseTensor),
        ("sum(x**2)", DenseTensor),
        ("sum(x)", FactoredTensor),
        ("outer(x, [1, 2, 3, 4, 5])", FactoredTensor),
        ("x[::-1]", DenseTensor),
    ],
)
def test_auto_takes_the_first_form_that_is_small(computer, text, expected):
    answer = computer.run("jacobian", text, X | arrays(a=2), ["x"])

    assert isinstance(answer.jacobians["x"], expected)


@pytest.mark.parametrize("size", [5, 6])
def test_factored_is_taken_where_it_holds_at_most_half_the_numbers(computer, size):
    values = arrays(x=np.ones(3), y=np.ones(size))

    found = computer.run("jacobian", "y * sum(x * x)", values, ["x"]).jacobians["x"]

    # y and 2 x are 3 + size numbers of 3 · size.
    assert isinstance(found, FactoredTensor) == (2 * (3 + size) <= 3 * size)


def test_dense_and_factored_are_given_where_they_are_asked_for(computer):
    dense_form = computer.run("jacobian", "x + 1", X, None, "dense").jacobians["x"]
    factored = computer.run("jacobian", "x * x", X, None, "factored").jacobians["x"]

    assert isinstance(dense_form, DenseTensor)
    np.testing.assert_array_equal(dense_form.tensor, np.eye(3))
    assert isinstance(factored, FactoredTensor)
    np.testing.assert_array_equal(dense(factored), np.diag([2, 4, 6]))


def test_the_terms_of_a_factored_derivative_name_their_factors(computer):
    values = arrays(A=np.ones((4, 5)), x=np.ones(5))

    (term,) = computer.run("jacobian", "3 * (A @ x)", values, ["A"]).jacobians["A"].terms

    assert term.equation == "ij,k->ijk"
    assert term.coefficient == 3
    assert term.factors[0] == IdentityFactor(4)
    assert isinstance(term.factors[1], TensorFactor)


def test_a_factored_derivative_may_be_of_ones_alone(computer):
    (term,) = computer.run("jacobian", "2 * sum(x)", X).jacobians["x"].terms

    assert (term.coefficient, term.equation, term.factors) == (2.0, "i->i", (OnesFactor(3),))


def test_zero_factored_is_a_sum_that_is_zero(computer):
    found = computer.run("jacobian", "x > 0", X, None, "factored").jacobians["x"]

    np.testing.assert_array_equal(dense(found), np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", IdentityTensor((), 1.0)),
        ("b", ZeroTensor(())),
        ("3 * a", 3.0),
        ("a**2", 4.0),
        ("a * b", 5.0),
    ],
)
def test_a_scalar_by_a_scalar_is_a_number_unless_it_is_zero_or_the_variable(
    computer, text, expected
):
    found = computer.run("jacobian", text, arrays(a=2, b=5), ["a"]).jacobians["a"]

    if isinstance(expected, float):
        assert isinstance(found, DenseTensor)
        assert found.tensor == expected
        assert found.shape == ()
    else:
        assert found == expected


def test_an_identity_s_scale_may_be_computed(computer):
    found = computer.run("jacobian", "x * (a + b)", X | arrays(a=2, b=5), ["x"]).jacobians["x"]

    assert found == IdentityTensor((3, 3), 7.0)


HIDDEN = ("where(x > 0, A @ (1 / y), 0)", arrays(x=[0, -1], y=[0, 2], A=[[1, 0], [2, 4]]))


@pytest.mark.parametrize("representation", ["auto", "factored", "dense"])
def test_a_factor_that_another_hides_is_multiplied_with_it(computer, representation):
    text, values = HIDDEN

    answer = computer.run("jacobian", text, values, None, representation)

    # The mask of the rows is one factor and 1 / y another, which is infinite by itself.
    for found in answer.jacobians.values():
        np.testing.assert_array_equal(dense(found), np.zeros(found.shape))
    is_factored = isinstance(answer.jacobians["A"], FactoredTensor)
    assert is_factored == (representation == "factored")


def test_derivatives_whose_factors_are_finite_keep_their_form(computer):
    text, values = HIDDEN

    answer = computer.run("jacobian", text, values)

    assert isinstance(answer.jacobians["x"], ZeroTensor)
    assert isinstance(answer.jacobians["A"], DenseTensor)


def test_factors_that_are_too_large_to_multiply_are_refused_as_not_finite():
    computer = Computer(Limits(max_answer_bytes=10_000))
    values = arrays(x=-np.ones(20), y=np.zeros(20), A=np.ones((20, 20)))

    with pytest.raises(NonFiniteResultError, match="the derivative overflows"):
        computer.run("jacobian", HIDDEN[0], values, ["A"])


# Limits, before anything is allocated.


BUDGETS = [
    (
        "jacobian",
        "x",
        {"x": 20_000},
        "dense",
        r"estimated to hold an answer of 3,200,160,000 bytes, over the limit of 67,108,864 .*"
        r"the largest value is the derivative by x, of shape \(20000×20000\)",
    ),
    ("jacobian", "sin(x) * sum(x)", {"x": 20_000}, "dense", "hold an answer of"),
    (
        "evaluate",
        "outer(x, x)",
        {"x": 1_000_000},
        "auto",
        r"hold an answer of 8,000,000,000,000 bytes.* this sub-expression, of shape "
        r"\(1000000×1000000\)\nline 1, column 1\nouter",
    ),
    (
        "evaluate",
        "sum(sin(outer(x, x)))",
        {"x": 1_000_000},
        "auto",
        r"need 8,000,000,000,008 bytes of memory, over the limit of 402,653,184",
    ),
    ("evaluate", "det(outer(x, x))", {"x": 100_000}, "auto", "bytes of memory"),
]


@pytest.mark.parametrize(("operation", "text", "sizes", "representation", "message"), BUDGETS)
def test_what_would_cost_too_much_is_refused_before_it_is_allocated(
    computer, operation, text, sizes, representation, message
):
    values = {name: np.ones(size) for name, size in sizes.items()}
    tracemalloc.start()

    with pytest.raises(BudgetExceededError, match=message) as caught:
        computer.run(operation, text, values, None, representation)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
    assert caught.value.faults[0].pointer == "/expression"
    assert "factored" in caught.value.faults[0].hint


def test_the_place_of_the_largest_value_is_named(computer):
    text = "sum(x) + sum(sin(outer(x, x)))"

    with pytest.raises(BudgetExceededError, match="this sub-expression") as caught:
        computer.run("evaluate", text, {"x": np.ones(100_000)})

    fault = caught.value.faults[0]
    assert text[fault.start : fault.end] == "outer(x, x)"


def test_too_many_flops_are_refused():
    computer = Computer(Limits(max_flops=1e6))

    with pytest.raises(
        BudgetExceededError, match=r"take 2\.0e\+06 flops, over the limit of 1,000,000"
    ):
        computer.run("evaluate", "A @ A", arrays(A=np.ones((100, 100))))


def test_what_has_structure_is_answered_at_any_size(computer):
    size = 100_000

    answer = computer.run("jacobian", "softmax(x) + x * sum(x)", {"x": np.zeros(size)})

    found = answer.jacobians["x"]
    assert found.shape == (size, size)
    assert answer.cost.answer_bytes < 10 * 8 * size


def test_the_graph_of_an_expression_is_limited_with_its_place():
    computer = Computer(Limits(max_graph_nodes=20))
    text = "sin(x * y) * cos(x - y) + exp(y)"

    with pytest.raises(
        OverLimitError,
        match="the expression and its derivatives need more than 20 graph nodes, the limit",
    ) as caught:
        computer.run("gradient", text, arrays(x=1, y=2))

    fault = caught.value.faults[0]
    assert (fault.start, fault.end) == (0, len(text))
    assert fault.hint == "name intermediates, or ask for fewer variables at a time"


def test_a_computation_ends_at_its_deadline():
    computer = Computer(Limits(compute_seconds=1e-9))

    with pytest.raises(DeadlineExceededError, match="did not finish in its time limit"):
        computer.run("evaluate", "sin(cos(x))", X)


# Cost.


def test_the_cost_is_the_plan_s_estimate_and_the_time_measured(computer):
    cost = computer.run("evaluate", "A @ A", arrays(A=np.ones((10, 10)))).cost

    assert cost.flops == 2 * 10**3
    assert cost.answer_bytes == 8 * 100
    assert cost.peak_bytes == 8 * 100
    assert cost.bytes_moved == 8 * 300
    assert 0 < cost.seconds < 5


# Plans kept.


def test_a_question_asked_again_with_other_values_is_answered_anew(computer):
    first = computer.run("gradient", "sum(x**2)", X)
    second = computer.run("gradient", "sum(x**2)", arrays(x=[4, 5, 6]))

    assert first.gradients["x"].tolist() == [2, 4, 6]
    assert second.gradients["x"].tolist() == [8, 10, 12]


def test_other_shapes_are_another_question(computer):
    computer.run("evaluate", "x + x", X)

    assert computer.run("evaluate", "x + x", arrays(x=[[1, 2]])).value.shape == (1, 2)


def test_a_known_small_question_is_quick(computer):
    question = ("gradient", "sum(x**2)", X)

    before = is_quick(computer, *question)
    computer.run(*question)

    assert not before
    assert is_quick(computer, *question)
    assert not is_quick(computer, "gradient", "sum(x**3)", X)
    assert not is_quick(computer, "jacobian", "sum(x**2)", X)


def test_a_known_large_question_is_not_quick(computer):
    question = ("evaluate", "sum(sin(x))", {"x": np.ones(1_000_000)})

    computer.run(*question)

    assert not is_quick(computer, *question)


def test_only_the_last_plans_are_kept(computer):
    computer.run("evaluate", "x + 0", X)

    for k in range(600):
        computer.run("evaluate", f"x + {k + 1}", X)

    assert not is_quick(computer, "evaluate", "x + 0", X)
    assert is_quick(computer, "evaluate", "x + 600", X)


def test_the_order_in_which_variables_are_given_does_not_matter(computer):
    there = computer.run("gradient", "sum(x) * a", arrays(x=[1, 2], a=3))
    back = computer.run("gradient", "sum(x) * a", arrays(a=3, x=[1, 2]))

    assert there.gradients["a"] == back.gradients["a"] == 3
    np.testing.assert_array_equal(there.gradients["x"], back.gradients["x"])
