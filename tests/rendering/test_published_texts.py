"""Published derivatives: exact text and LaTeX, of the same value and no longer than printed.

What stands as `reference` in a table's row is typed from its source; the text may have no more
nodes. `index_notation` is for derivatives of three axes and more.
"""

import re

import numpy as np
import pytest

from service.calculus.dimensions import parsed_size
from service.language.parser import parse
from service.language.syntax import parts_of
from service.rendering.index_notation import index_notation
from tests.calculus.nodes import numbers_of
from tests.reference.test_published import TABLES, assert_nine_digits
from tests.rendering.deriving import LIMITS, derived, formulas_of, node_of, shapes_of
from tests.rendering.indices import BY_INDICES
from tests.rendering.published_texts import PUBLISHED_TEXTS


def row_of(table, name):
    (row,) = [row for row in TABLES[table] if row.id == name]
    return row


def symbolic_shapes(row):
    return {
        name: tuple(int(a) if a.isdecimal() else parsed_size(a) for a in axes)
        for name, (axes, _) in row.variables.items()
    }


def count(text):
    """The nodes of a text's syntax tree."""
    pending, total = [parse(text, LIMITS)], 0
    while pending:
        total += 1
        pending += parts_of(pending.pop())
    return total


def with_sizes(text, sizes, values):
    """The text with numbers in place of sizes that are names."""
    named = "|".join(n for n in sizes if n not in values)
    return re.sub(rf"\b({named})\b", lambda m: str(sizes[m[0]]), text)


@pytest.mark.parametrize(
    ("table", "name", "text", "latex"),
    PUBLISHED_TEXTS,
    ids=[f"{t}-{n}" for t, n, *_ in PUBLISHED_TEXTS],
)
def test_a_published_derivative_is_written_as_it_is_to_be(table, name, text, latex, rng):
    row = row_of(table, name)

    found = formulas_of(row.expression, row.by, symbolic_shapes(row))

    assert found.text == text
    assert found.latex == latex
    assert count(text) <= count(row.reference)
    sizes = row.sizes[0]
    values = row.values(sizes, rng)
    node = node_of(
        with_sizes(text, sizes, values), {n: v.shape for n, v in values.items()}
    ).node
    own = {n: v for n, v in values.items() if n in node.variables}
    assert_nine_digits(np.asarray(numbers_of(node, **own)), row.expected(values, sizes))


@pytest.mark.parametrize(
    ("text", "wrt", "shapes", "expected"), BY_INDICES, ids=[r[0] for r in BY_INDICES]
)
def test_a_derivative_that_is_no_matrix_is_written_index_by_index(text, wrt, shapes, expected):
    node, _ = derived(text, wrt, shapes_of(shapes))

    assert index_notation(node, shapes_of(shapes)) == expected
