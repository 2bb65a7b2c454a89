"""The operators of the language by their tree names: the graph each builds, and its kinks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.calculus.applications import apply_elementwise
from service.calculus.graph import ONE, Node
from service.calculus.rules.choices import EQUAL, GREATER, GREATER_EQUAL, NOT_EQUAL
from service.calculus.rules.elementwise import difference
from service.calculus.rules.operators import (
    added_entries,
    common_shape,
    divided,
    expanded,
    matrix_product,
    multiplied_entries,
    power_kinks,
    raised_to,
    transposed_matrix,
)
from service.calculus.rules.records import ElementwiseFunction, Kink
from service.calculus.terms import number_of, scaled

# An entry of the result comes from the operands' entries at its place, is one of theirs that
# stands elsewhere, or comes from many.
Entries = Literal["aligned", "moved", "mixed"]


@dataclass(frozen=True, slots=True)
class Operator:
    """What an operator builds from its operands, whose `names` are for its errors."""

    build: Callable[..., Node]
    kinks: Callable[..., tuple[Kink, ...]] = lambda *_: ()
    entries: Entries = "aligned"


def _subtracted(left: Node, right: Node, *, names: Sequence[str]) -> Node:
    return added_entries(left, right, -1, names=names)


def _negated(operand: Node, *, names: Sequence[str]) -> Node:  # one signature
    return scaled(operand, -ONE)


def _transposed(operand: Node, *, names: Sequence[str]) -> Node:  # one signature
    return transposed_matrix(operand)


def _comparison(function: ElementwiseFunction, *, is_reversed: bool = False) -> Operator:
    def build(left: Node, right: Node, *, names: Sequence[str]) -> Node:
        shape = common_shape("compare", left, right, names=names)
        pair = (expanded(left, shape), expanded(right, shape))
        return apply_elementwise(function, *(pair[::-1] if is_reversed else pair))

    def kinks(left: Node, right: Node) -> tuple[Kink, ...]:
        shape = common_shape("compare", left, right)
        gap = difference(expanded(left, shape), expanded(right, shape))
        if number_of(gap) is not None:
            return ()
        return (Kink("comparison", gap, 0.0, None),)

    return Operator(build, kinks)


OPERATORS: Mapping[str, Operator] = {
    "add": Operator(added_entries),
    "subtract": Operator(_subtracted),
    "multiply": Operator(multiplied_entries),
    "divide": Operator(divided),
    "power": Operator(raised_to, power_kinks),
    "negate": Operator(_negated),
    "matmul": Operator(matrix_product, entries="mixed"),
    "transpose": Operator(_transposed, entries="moved"),
    "greater": _comparison(GREATER),
    "greater_equal": _comparison(GREATER_EQUAL),
    "less": _comparison(GREATER, is_reversed=True),
    "less_equal": _comparison(GREATER_EQUAL, is_reversed=True),
    "equal": _comparison(EQUAL),
    "not_equal": _comparison(NOT_EQUAL),
}
