"""Random expressions: value, derivatives, structure and identity of nodes, all at once.

The long run, once for each of several seeds:

    GRADSERVE_TEST_EXAMPLES=50000 GRADSERVE_TEST_SEED=1 python -m pytest \\
        tests/calculus/test_properties.py

The expected numbers come from `interpreter.py`: NumPy in extended precision, whose central
differences, extrapolated to an error of h⁶, are good to 12 digits away from kinks.
"""

import os
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings

from service.calculus.differentiate import pull_back, push_forward
from service.calculus.graph import variable
from service.computation.compute import Computer
from service.errors import NonFiniteResultError
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.json_tree import tree_of
from service.language.parser import parse
from service.language.syntax import Call, Index, Let, Operation, Tuple
from service.language.tree_text import written
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from tests.calculus.interpreter import directional_derivative, evaluated, interpreted
from tests.calculus.random_expressions import ROWS, expressions
from tests.limits import UNHURRIED
from tests.numeric.dense import dense

pytestmark = pytest.mark.random

EXAMPLES = int(os.environ.get("GRADSERVE_TEST_EXAMPLES", "2000"))
SEED = os.environ.get("GRADSERVE_TEST_SEED", "0")
LEAST = 20 if EXAMPLES >= 2000 else 0
PART = 250
COMMUTATIVE = ("add", "multiply", "equal", "not_equal")
# Bounds of the pieces keep every intermediate below 100: sums of a hundred such numbers that
# cancel down to 1 keep 12 digits, and quotients by 0.3 in a chain lose a few of them. What
# cancels entirely leaves 1e-16 of such numbers, hence the floor.
CLOSE = 1e-9
FLOOR = 1e-3
ROUNDING = 1e-12


@dataclass
class Case:
    """An expression with what the properties compare."""

    text: str
    tree: object
    values: dict
    computer: Computer

    @cached_property
    def rng(self):
        return np.random.default_rng(len(self.text))

    @cached_property
    def variables(self):
        return [variable(name, value.shape) for name, value in self.values.items()]

    @cached_property
    def node(self):
        return node_of(self, self.tree)

    @cached_property
    def answer(self):
        return self.computer.run("jacobian", self.text, self.values, None, "dense")

    @cached_property
    def jacobians(self):
        return {name: dense(found) for name, found in self.answer.jacobians.items()}


def node_of(case, tree):
    shapes = {name: value.shape for name, value in case.values.items()}
    return elaborate(case.text, tree, Declarations(shapes), UNHURRIED).node


def assert_close(found, expected, scale, slack=0.0):
    """To 9 digits of the numbers that were added up to give `expected`."""
    assert found.shape == np.shape(expected)
    np.testing.assert_array_less(
        np.abs(found - expected), CLOSE * np.maximum(scale, FLOOR) + slack
    )


def applied(derivative, direction):
    """Σ derivative · direction over the variable's axes."""
    return np.tensordot(derivative, direction, axes=direction.ndim)


def pulled(derivative, weights):
    """Σ weights · derivative over the output's axes."""
    return np.tensordot(weights, derivative, axes=weights.ndim)


def is_decided_by_rounding(case):
    """Whether the value differs because a comparison that rounding decides went another way.

    Of an operand that is 0 but for rounding, either side is right.
    """
    expected, interpreter = interpreted(case.tree, case.values)
    if interpreter.nearest > ROUNDING:
        return False
    largest = np.max(np.abs(expected), initial=1.0)
    return bool(np.any(np.abs(case.answer.value - expected) > CLOSE * largest))


def check_the_value(case):
    expected, _ = evaluated(case.tree, case.values)

    assert_close(case.answer.value, expected, np.max(np.abs(expected), initial=1.0))


def check_central_differences(case, counts):
    """In a direction that moves all variables at once: a wrong part of any Jacobian shows.

    Where that meets a kink, or differences do not settle, in each variable's own direction.
    """
    directions = {n: case.rng.normal(size=value.shape) for n, value in case.values.items()}
    counts["directions"] += len(directions)
    if is_slope_right(case, directions):
        return
    for name, direction in directions.items():
        if not is_slope_right(case, {name: direction}):
            counts["directions with a kink"] += 1


def is_slope_right(case, directions):
    """Whether differences tell the slope in these directions; it is asserted to be right."""
    slope, scale = np.zeros(case.node.shape), np.zeros(case.node.shape)
    for name, direction in directions.items():
        slope = slope + applied(case.jacobians[name], direction)
        scale = scale + applied(np.abs(case.jacobians[name]), np.abs(direction))
    largest = np.max(scale, initial=FLOOR)
    found = directional_derivative(case.tree, case.values, directions)
    if found is None or np.max(found[1], initial=0) > 1e-6 * largest:
        return False
    assert_close(slope, found[0], largest, 4 * found[1])
    return True


def check_the_adjoint_identity(case):
    u = variable("cotangent", case.node.shape)
    tangents = {v: variable(f"tangent {v.name}", v.shape) for v in case.variables}
    values = case.values | {
        n.name: case.rng.normal(size=n.shape) for n in (u, *tangents.values())
    }
    pulled_back = pull_back(case.node, u, case.variables)

    nodes = [pulled_back[v] for v in case.variables]
    if case.variables:
        nodes.append(push_forward(case.node, tangents))
    found = execute(compile_plan(nodes), values)

    left = right = scale = 0.0
    forward = np.zeros(case.node.shape)
    for v, cotangent in zip(case.variables, found, strict=False):
        derivative, tangent = case.jacobians[v.name], values[tangents[v].name]
        size = pulled(np.abs(derivative), np.abs(values[u.name]))
        assert_close(cotangent, pulled(derivative, values[u.name]), np.max(size, initial=0))
        forward = forward + applied(derivative, tangent)
        right += np.sum(cotangent * tangent)
        scale += np.sum(size * np.abs(tangent))
    if case.variables:
        left = np.sum(values[u.name] * found[-1])
        assert_close(found[-1], forward, max(scale, np.max(np.abs(forward), initial=0)))
    assert_close(np.array(left), right, scale)


def check_the_representations(case):
    for representation in ("auto", "factored"):
        answer = case.computer.run("jacobian", case.text, case.values, None, representation)
        for name, derivative in answer.jacobians.items():
            expected = case.jacobians[name]
            largest = np.max(np.abs(expected), initial=FLOOR)
            assert derivative.shape == expected.shape
            assert_close(dense(derivative), expected, largest)


def check_the_gradient_of_a_weighted_sum(case):
    *before, last = case.text.replace("\n", ";").split(";")
    text = ";".join([*before, f"sum(({last}) * weights)"])
    weights = case.rng.normal(size=case.node.shape)

    answer = case.computer.run("gradient", text, case.values | {"weights": weights})

    for name, derivative in case.jacobians.items():
        size = np.max(pulled(np.abs(derivative), np.abs(weights)), initial=FLOOR)
        assert_close(answer.gradients[name], pulled(derivative, weights), size)


def check_that_equal_nodes_are_one(case):
    again = node_of(case, parse(case.text, UNHURRIED))
    exchanged = node_of(case, swapped(case.tree))

    assert again is case.node
    assert exchanged is case.node


def check_the_tree(case):
    """Text → JSON tree → text → tree is the same tree, and the same node."""
    tree = tree_of(case.tree)
    text = written(tree, UNHURRIED)
    again = parse(text.text, UNHURRIED)

    assert tree_of(again) == tree
    assert node_of(case, again) is case.node


def swapped(tree):
    """The tree with the operands of every commutative operation exchanged."""
    match tree:
        case Operation(op, args):
            parts = tuple(map(swapped, args))
            return replace(tree, args=parts[::-1] if op in COMMUTATIVE else parts)
        case Call("maximum" | "minimum", args):
            return replace(tree, args=tuple(map(swapped, args))[::-1])
        case Call(_, args):
            return replace(tree, args=tuple(map(swapped, args)))
        case Index(target, _):
            return replace(tree, target=swapped(target))
        case Let(bindings, body):
            named = tuple((name, swapped(value)) for name, value in bindings)
            return replace(tree, bindings=named, body=swapped(body))
    return tree


def depth_of(tree):
    """The number of nodes on the longest way from the root to a leaf."""
    deepest, pending = 0, [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        deepest = max(deepest, depth)
        pending += [(part, depth + 1) for part in parts_of(node)]
    return deepest


def parts_of(tree):
    match tree:
        case Operation(_, args) | Call(_, args) | Tuple(args):
            return args
        case Index(target, _):
            return (target,)
        case Let(bindings, body):
            return (*(value for _, value in bindings), body)
    return ()


def checked(expression, computer, counts):
    """Every property of one expression; None where it has no finite or no certain answer."""
    tree = parse(expression.text, UNHURRIED)
    case = Case(expression.text, tree, expression.values, computer)
    try:
        case.jacobians  # noqa: B018  # the attribute computes
    except NonFiniteResultError:
        return None
    assert case.node.shape == expression.shape
    if is_decided_by_rounding(case):
        counts["decided by rounding"] += 1
        return None
    check_the_value(case)
    check_central_differences(case, counts)
    check_the_adjoint_identity(case)
    check_the_representations(case)
    check_the_gradient_of_a_weighted_sum(case)
    check_that_equal_nodes_are_one(case)
    check_the_tree(case)
    return case


def test_random_expressions_are_differentiated_rightly_and_every_row_occurs():
    counts, rows, texts = Counter(), Counter(), set()
    computer = Computer(UNHURRIED)

    def is_done():
        return len(texts) >= EXAMPLES and all(rows[row] >= LEAST for row in ROWS)

    def check(expression):
        if expression.text in texts or is_done():
            return
        case = checked(expression, computer, counts)
        texts.add(expression.text)
        if case is None:
            counts["discarded"] += 1
            return
        rows.update(expression.rows)
        counts["deep"] += depth_of(case.tree) >= 5

    # Parts, each with a seed of its own: Hypothesis repeats itself in a long run, and a row
    # that is rare in one part is not in the next.
    part, parts = 0, 4 * -(-EXAMPLES // PART)
    while not is_done() and part < parts:
        run = settings(
            max_examples=PART,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        )(given(expressions())(check))
        seed(f"{SEED} {part}")(run)()
        part += 1

    assert len(texts) >= EXAMPLES
    assert counts["discarded"] <= len(texts) / 10
    assert counts["decided by rounding"] <= len(texts) / 200
    assert counts["deep"] >= len(texts) / 4
    assert counts["directions with a kink"] <= counts["directions"] / 50
    assert {row: rows[row] for row in ROWS if rows[row] < LEAST} == {}
