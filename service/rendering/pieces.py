"""The parts of a product while its letters are reduced: formulas over letters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from service.calculus.graph import ONE, Number
from service.calculus.numbers import is_whole
from service.rendering.decimals import is_decimal
from service.rendering.formula import (
    COMPARISONS,
    Formula,
    divided,
    matrix_product,
    multiplied,
    negated,
    number_of,
    number_of_whole,
    operation,
    transposed,
)


@dataclass(slots=True)
class Piece:
    """Π over / Π under, entry by entry, at these letters; none of them stands twice."""

    letters: tuple[int, ...]
    over: list[Formula]
    under: list[Formula] = field(default_factory=list)

    @property
    def formula(self) -> Formula:
        """The piece as one formula, its axes in the order of its letters."""
        return quotient(self.over, self.under)

    def turned(self, letters: tuple[int, ...]) -> Formula:
        """The formula of a matrix with its axes in this order."""
        return self.formula if letters == self.letters else transposed(self.formula)


def in_order(factors: Iterable[Formula]) -> list[Formula]:
    """Factors as a product is written: numbers, scalars, names, powers, functions."""
    return sorted(factors, key=_rank)


def _rank(formula: Formula) -> tuple[int, int, str]:
    if formula.op in ("number", "size"):
        kind = 0
    elif formula.op in ("name", "transpose", "index"):
        kind = 1
    elif formula.op == "power":
        kind = 2 if formula.args[0].op == "name" else 5
    elif formula.op in COMPARISONS:
        kind = 3
    elif formula.op in ("add", "subtract", "matmul", "negate", "multiply", "divide"):
        kind = 4
    else:
        kind = 5
    return (0 if kind == 0 else 1 + formula.ndim), kind, formula.text


def quotient(over: Sequence[Formula], under: Sequence[Formula]) -> Formula:
    """Π over / Π under in the usual order; 1 where there is nothing."""
    top = multiplied(in_order(over)) if over else number_of(ONE)
    return divided(top, multiplied(in_order(under))) if under else top


def assembled(
    coefficient: Number,
    over: Sequence[Formula],
    under: Sequence[Formula],
    sizes: Sequence[Formula],
    main: Formula | None = None,
) -> Formula:
    """coefficient / Π sizes · Π over / Π under · main.

    The number stands in front; sizes below the line stay with it, or come last beside 1.
    """
    if coefficient < 0:
        return negated_product(assembled(-coefficient, over, under, sizes, main))
    counts = in_order(sizes)
    if isinstance(coefficient, Fraction) and not is_decimal(coefficient):
        counts = [number_of_whole(coefficient.denominator), *counts]
        coefficient = Fraction(coefficient.numerator)
    has_number = coefficient != 1
    factors = in_order(over)
    if main is not None and not under:
        factors.append(main)
        main = None
    if has_number and counts and (factors or main):
        head = divided(number_of(coefficient), multiplied(counts))
        factors, counts = [head, *factors], []
    elif has_number or not (factors or main):
        factors = [number_of(coefficient), *factors]
    below = [*counts, *in_order(under)]
    if factors:
        product = multiplied(factors)
        product = divided(product, multiplied(below)) if below else product
        return product if main is None else multiplied([product, main])
    assert main is not None
    return divided(main, multiplied(below))


def negated_product(formula: Formula) -> Formula:
    """−formula, with the sign on the first factor of a product."""
    if formula.op not in ("multiply", "divide"):
        return negated(formula)
    first, second = formula.args
    negative = negated_product(first)
    if formula.op == "divide":
        return divided(negative, second)
    return multiplied([negative, second])


def sign_apart(formula: Formula) -> tuple[int, Formula]:
    """The sign that a formula begins with, and the formula without it."""
    if formula.op == "negate":
        return -1, formula.args[0]
    if formula.op in ("multiply", "divide"):
        first, second = formula.args
        sign, positive = sign_apart(first)
        if sign > 0:
            return 1, formula
        is_one = positive.op == "number" and positive.value == 1 and formula.op == "multiply"
        return -1, second if is_one else operation(formula.op, positive, second)
    return 1, formula


def weight_of(number: Number) -> int:
    """How much a number in front is to read: nothing, a whole number, a fraction."""
    return 0 if abs(number) == 1 else 1 if is_whole(number) else 2


def weight_inside(formula: Formula) -> int:
    """The numbers in front of the terms of a sum."""
    if formula.op in ("add", "subtract"):
        return sum(weight_inside(a) for a in formula.args)
    if formula.op == "divide" and formula.args[1].op == "number":
        return 2
    if formula.op in ("negate", "multiply", "divide"):
        return weight_inside(formula.args[0])
    return weight_of(formula.value) if formula.value is not None else 0


def joined(left: Piece, right: Piece, letter: int, weight: Formula | None) -> Piece:
    """Two matrices multiplied over a letter, written with the fewest transposes."""
    (row,) = (x for x in left.letters if x != letter)
    (column,) = (x for x in right.letters if x != letter)

    def product(first: Piece, a: int, second: Piece, b: int) -> Formula:
        middle = first.turned((a, letter))
        if weight is not None:
            middle = matrix_product(middle, weight)
        return matrix_product(middle, second.turned((letter, b)))

    straight = product(left, row, right, column)
    turned = product(right, column, left, row)
    is_straight = row < column
    costs = straight.text.count(".T"), turned.text.count(".T")
    if costs[0] != costs[1]:
        is_straight = costs[0] < costs[1]
    if is_straight:
        return Piece((row, column), [straight])
    return Piece((column, row), [turned])
