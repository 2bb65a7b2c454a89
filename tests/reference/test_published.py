"""Derivatives that books and papers print, by their equation numbers, to nine digits.

The references are NumPy expressions typed from the sources; each row is checked at sizes that
all differ and at sizes of 1.
"""

import numpy as np
import pytest

from service.calculus.differentiate import jacobian
from service.calculus.graph import variable
from service.computation.compute import Computer
from service.settings import Limits
from tests.calculus.nodes import node_of, numbers_of
from tests.numeric.dense import dense
from tests.reference import through_http
from tests.reference.published.convex import FUNCTIONS
from tests.reference.published.cookbook_determinants import DETERMINANTS
from tests.reference.published.cookbook_forms import FORMS
from tests.reference.published.cookbook_traces import TRACES
from tests.reference.published.laue import PAPERS
from tests.reference.published.learning import LEARNING
from tests.reference.published.losses import LOSSES
from tests.reference.published.magnus_neudecker import DIFFERENTIALS, HESSIANS
from tests.reference.published.named_losses import NAMED_LOSSES
from tests.reference.published.products import PRODUCTS
from tests.reference.published.sympy_errors import ERRORS
from tests.reference.published.wikipedia import IDENTITIES
from tests.reference.through_http import post

TABLES = {
    "cookbook-determinants": DETERMINANTS,
    "cookbook-forms": FORMS,
    "cookbook-traces": TRACES,
    "magnus-neudecker": DIFFERENTIALS,
    "magnus-neudecker-hessians": HESSIANS,
    "wikipedia": IDENTITIES,
    "laue": PAPERS,
    "losses": LOSSES,
    "learning": LEARNING,
    "named-losses": NAMED_LOSSES,
    "products": PRODUCTS,
    "functions": FUNCTIONS,
    "sympy": ERRORS,
}
ROWS = [
    pytest.param(row, id=f"{table}-{row.id}") for table, rows in TABLES.items() for row in rows
]
COMPUTER = Computer(Limits())


def first(row, values, representation):
    answer = COMPUTER.run("jacobian", row.expression, values, row.wrt, representation)
    return dense(answer.jacobians[row.by])


def hessian(row, values, representation):
    of, by = row.wrt
    answer = COMPUTER.run(
        "hessian", row.expression, values, list(dict.fromkeys(row.wrt)), representation
    )
    return dense(answer.hessians[of][by])


def nested(row, values):
    """The derivative of the derivative, by the calculus itself."""
    shapes = {name: value.shape for name, value in values.items()}
    node = node_of(row.expression, **shapes)
    for name in row.wrt:
        by = variable(name, shapes[name])
        node = jacobian(node, [by])[by]
    return numbers_of(node, **{n: v for n, v in values.items() if n in node.variables})


def assert_nine_digits(found, expected):
    """To 1e-9 of the largest entry, or 1e-12: an entry that is a sum may cancel."""
    assert found.shape == expected.shape
    largest = np.max(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * largest + 1e-12)


@pytest.mark.parametrize("row", ROWS)
def test_a_derivative_is_the_published_one(row, rng):
    for sizes in row.sizes:
        values = row.values(sizes, rng)
        expected = row.expected(values, sizes)

        if len(row.wrt) == 1:
            assert_nine_digits(first(row, values, "dense"), expected)
            assert_nine_digits(first(row, values, "auto"), expected)
        else:
            assert_nine_digits(nested(row, values), expected)
            if expected.ndim == sum(values[name].ndim for name in row.wrt):
                assert_nine_digits(hessian(row, values, "dense"), expected)
                assert_nine_digits(hessian(row, values, "auto"), expected)


THROUGH_HTTP = [
    ("cookbook-determinants", "inverse"),
    ("cookbook-forms", "congruence-entry"),
    ("cookbook-traces", "ratio-with-offset"),
    ("magnus-neudecker", "two-sided"),
    ("wikipedia", "chain-twice"),
    ("laue", "factorization"),
    ("losses", "softmax-regression-written"),
    ("learning", "stochastic-neighbours"),
    ("functions", "neo-hookean"),
    ("sympy", "max-of-matrix-product"),
]


@pytest.mark.parametrize(("table", "name"), THROUGH_HTTP)
def test_a_derivative_through_http_is_the_published_one(table, name, rng):
    (row,) = [row for row in TABLES[table] if row.id == name]

    for sizes in row.sizes:
        values = row.values(sizes, rng)
        answer = post(
            "/v1/jacobian",
            {
                "expression": row.expression,
                "variables": {name: value.tolist() for name, value in values.items()},
                "wrt": row.wrt,
            },
        )

        found = through_http.dense(answer["jacobians"][row.by])
        assert_nine_digits(found, row.expected(values, sizes))


def ndim(row):
    sizes = row.sizes[0]
    return row.expected(row.values(sizes, np.random.default_rng(0)), sizes).ndim


def test_the_tables_are_as_wide_as_they_are_meant_to_be():
    rows = [row for name, table in TABLES.items() if name != "sympy" for row in table]
    distinct = {(row.expression, row.shapes, row.by) for row in rows}
    by_matrix = [row for row in rows if len(row.variables[row.wrt[0]][0]) == 2]

    assert all(row.source for row in rows)
    assert len(distinct) >= 150
    assert len(by_matrix) >= 60
    assert sum(ndim(row) >= 3 for row in rows) >= 20
    assert sum(len(row.wrt) == 2 for row in rows) >= 20
