"""Derivatives of random expressions: text, index notation and code say the same numbers.

The long run, once for each of several seeds:

    GRADSERVE_TEST_EXAMPLES=2000 python -m pytest tests/rendering/test_round_trips.py
"""

import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings

from service.calculus.differentiate import jacobian
from service.calculus.graph import topological, variable
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.json_tree import tree_of
from service.language.parser import parse
from service.language.tree_text import written
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.rendering.index_notation import index_notation
from service.rendering.latex import latex
from service.rendering.mathml import mathml
from service.rendering.notation import notation
from service.rendering.numpy_code import numpy_function
from service.rendering.settling import settled_formula
from service.rendering.typesetting import typeset_whole
from service.settings import Limits
from tests.calculus.random_expressions import expressions
from tests.rendering.index_reader import SizeUnknownError, evaluated

pytestmark = pytest.mark.random

EXAMPLES = int(os.environ.get("GRADSERVE_TEST_EXAMPLES", "500"))
SEED = os.environ.get("GRADSERVE_TEST_SEED", "0")
PART = 250
LONG = Limits(
    max_expression_characters=10**6, max_expression_nodes=10**5, max_expression_nesting=250
)
LETTERS = "ijklmnopqrstuvwxyzabcdefgh"
MOST_AXES = 6


def node_of(text, values):
    declared = Declarations({n: v.shape for n, v in values.items()})
    return elaborate(text, parse(text, LONG), declared, LONG).node


def value_of(node, values):
    return np.asarray(execute(compile_plan([node]), values)[0])


def assert_close(found, expected):
    """To nine digits of the largest entry."""
    assert np.shape(found) == expected.shape
    scale = max(np.max(np.abs(expected), initial=0.0), 1e-3)
    np.testing.assert_array_less(np.abs(found - expected), 1e-9 * scale + 1e-300)


def is_at_a_singular_matrix(node, values):
    """Whether a cofactor's derivative is met, which is written with the inverse."""
    names = [getattr(getattr(n, "function", None), "name", "") for n in topological([node])]
    return any(name.startswith("det_derivative") for name in names)


def check_text(node, values, counts):
    formula = settled_formula(node, values)
    expected = value_of(node, values)
    again = node_of(formula.text, values)
    found = value_of(again, values)
    if not np.all(np.isfinite(found)) and is_at_a_singular_matrix(node, values):
        counts["singular"] += 1
        return None
    assert_close(found, expected)
    text = settled_formula(again, values).text
    counts["unstable"] += settled_formula(node_of(text, values), values).text != text
    tree = tree_of(parse(text, LONG))
    assert tree_of(parse(written(tree, LONG).text, LONG)) == tree
    return formula, expected


def check_code(formula, values, expected):
    shapes = {n: v.shape for n, v in values.items()}
    source = numpy_function(formula, "derivative", shapes, "A derivative.", expected.shape)
    module = {}
    exec(source, module)
    with np.errstate(all="ignore"):
        assert_close(module["derivative"](*values.values()), expected)


def check_indices(node, values, expected, counts):
    text = index_notation(node, values)
    if text is None:
        counts["without index notation"] += 1
        return
    letters = [x for x in LETTERS if x not in values][: node.ndim]
    try:
        with np.errstate(all="ignore"):
            found = evaluated(text, values, letters, node.shape)
    except SizeUnknownError:
        counts["sizes unknown to the reader"] += 1
        return
    assert_close(found, expected)


def test_derivatives_of_random_expressions_say_the_same_in_every_form():
    counts, texts = Counter(), set()

    def check(expression):
        if expression.text in texts or len(texts) >= EXAMPLES:
            return
        texts.add(expression.text)
        values = expression.values
        node = node_of(expression.text, values)
        for name, value in values.items():
            by = variable(name, value.shape)
            derivative = jacobian(node, [by])[by]
            if derivative.ndim > MOST_AXES or not np.all(
                np.isfinite(value_of(derivative, values))
            ):
                counts["discarded"] += 1
                continue
            counts["derivatives"] += 1
            checked = check_text(derivative, values, counts)
            if checked is None:
                continue
            formula, expected = checked
            check_code(formula, values, expected)
            check_indices(derivative, values, expected, counts)
            layout = typeset_whole(formula.body)
            assert notation(layout)
            assert latex(layout)
            assert mathml(layout)

    part = 0
    while len(texts) < EXAMPLES and part < 4 * EXAMPLES // PART + 4:
        run = settings(
            max_examples=PART,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )(given(expressions())(check))
        seed(f"{SEED} {part}")(run)()
        part += 1

    assert len(texts) >= EXAMPLES
    assert counts["derivatives"] >= EXAMPLES
    assert counts["discarded"] <= counts["derivatives"] / 10
    assert counts["singular"] <= counts["derivatives"] / 100
    assert not counts["unstable"]
    assert counts["sizes unknown to the reader"] <= counts["derivatives"] / 100
    assert counts["without index notation"] <= counts["derivatives"] / 5
