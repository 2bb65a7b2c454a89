"""Formulas: trees of the language's operations with the number of axes of every part.

Each is written as text when it is made, so that formulas can be put in order by what they say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from service.calculus.dimensions import Dimension, NamedSize
from service.calculus.graph import Number
from service.language.tree_parts import ATOM, BINARY, NEGATION, POSTFIX, SYMBOLS
from service.rendering.decimals import decimal, is_decimal

# Products that a reader would not group from the left, as the language does.
_MIXED = ({"matmul", "multiply"}, {"matmul", "divide"})
# Each comparison, and the one that says the same with its sides exchanged.
MIRRORED = {
    "greater": "less",
    "greater_equal": "less_equal",
    "less": "greater",
    "less_equal": "greater_equal",
    "equal": "equal",
    "not_equal": "not_equal",
}
COMPARISONS = tuple(MIRRORED)


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """One operation on formulas.

    `op` is `number`, `name`, `size`, an operator of the language, or a function. `ndim` is the
    number of axes of the value, `level` how tightly the operation binds, `degree` how many
    variables the largest of its terms multiplies. `options` are the text of what stands beside
    the operands: an axis, the subscripts of einsum, the items of an index. `is_symmetric`: a
    matrix that is its own transpose.
    """

    op: str
    args: tuple["Formula", ...]
    ndim: int
    text: str
    level: int
    degree: int
    count: int
    options: tuple[tuple[str, str], ...] = ()
    value: Number | None = None
    is_symmetric: bool = False

    def within(self, level: int) -> str:
        """The text, in parentheses if it binds less tightly than `level`."""
        return f"({self.text})" if self.level < level else self.text


def _made(
    op: str,
    args: Sequence[Formula],
    ndim: int,
    text: str,
    level: int,
    degree: int,
    options: tuple[tuple[str, str], ...] = (),
) -> Formula:
    count = 1 + sum(a.count for a in args)
    return Formula(op, tuple(args), ndim, text, level, degree, count, options)


def name_of(name: str, ndim: int) -> Formula:
    """A variable, or a part that has a name of its own."""
    return _made("name", (), ndim, name, ATOM, 1)


def number_of(value: Number) -> Formula:
    """A number: whole, a short decimal, or a quotient."""
    if value < 0:
        return negated(number_of(-value))
    if isinstance(value, Fraction) and not is_decimal(value):
        return divided(number_of(Fraction(value.numerator)), number_of_whole(value.denominator))
    text = decimal(value)
    return Formula("number", (), 0, text, ATOM, 0, 1, value=value)


def number_of_whole(value: int) -> Formula:
    """A whole number."""
    return number_of(Fraction(value))


def size_of(size: Dimension) -> Formula:
    """A size as a scalar: a number, a name, or a sum of them."""
    if not isinstance(size, NamedSize):
        return number_of_whole(size)
    text = size_text(size)
    level = ATOM if text.isalnum() else BINARY["add"][0]
    return _made("size", (), 0, text, level, 0)


def size_text(size: Dimension) -> str:
    """A size as an argument: `n + 1`."""
    if not isinstance(size, NamedSize):
        return str(size)
    text = str(size).replace("*", " * ")
    return text[0] + text[1:].replace("+", " + ").replace("-", " - ")


def negated(formula: Formula) -> Formula:
    """−formula."""
    if formula.op == "negate":
        return formula.args[0]
    text = f"-{formula.within(NEGATION)}"
    return _made("negate", (formula,), formula.ndim, text, NEGATION, formula.degree)


def operation(op: str, left: Formula, right: Formula, ndim: int | None = None) -> Formula:
    """A binary operator; `ndim` where it is not the larger of the operands'."""
    own, left_level, right_level = BINARY[op]
    if {op, left.op} in _MIXED:
        left_level = right_level
    text = left.within(left_level) + SYMBOLS[op] + right.within(right_level)
    if op in ("add", "subtract"):
        degree = max(left.degree, right.degree)
    elif op in COMPARISONS:
        degree = 1
    elif op == "power":
        degree = left.degree * _count(right)
    else:
        degree = left.degree + (0 if op == "divide" else right.degree)
    if ndim is None:
        ndim = max(left.ndim, right.ndim)
    return _made(op, (left, right), ndim, text, own, degree)


def comparison(op: str, left: Formula, right: Formula) -> Formula:
    """left op right; a difference beside 0 by its two sides, a number on the right."""
    if (
        right.text == "0"
        and left.op == "subtract"
        and left.args[0].op not in ("add", "subtract")
    ):
        left, right = left.args
    if left.op == "number" and right.op != "number":
        return operation(MIRRORED[op], right, left)
    return operation(op, left, right)


def _count(exponent: Formula) -> int:
    """The exponent, where it is a whole number from 1 on; else 1."""
    value = exponent.value
    if isinstance(value, Fraction) and value.denominator == 1 and value.numerator > 0:
        return value.numerator
    return 1


def divided(left: Formula, right: Formula) -> Formula:
    """left / right, entry by entry."""
    return operation("divide", left, right)


def multiplied(factors: Sequence[Formula]) -> Formula:
    """The entry-by-entry product of the factors, in their order."""
    product = factors[0]
    for factor in factors[1:]:
        product = operation("multiply", product, factor)
    return product


def raised(base: Formula, exponent: Number) -> Formula:
    """base ** exponent; a root where the exponent is one half."""
    if exponent == 1:
        return base
    if exponent == Fraction(1, 2):
        return call("sqrt", (base,), base.ndim)
    return operation("power", base, number_of(exponent), base.ndim)


def call(
    function: str,
    args: Sequence[Formula],
    ndim: int,
    options: Sequence[tuple[str, str]] = (),
    degree: int | None = None,
) -> Formula:
    """A function of its operands; options are written behind them by name."""
    inside = [a.text for a in args] + [f"{n}={value}" for n, value in options]
    text = f"{function}({', '.join(inside)})"
    degree = (1 if args else 0) if degree is None else degree
    return _made(function, args, ndim, text, ATOM, degree, tuple(options))


def einsum(subscripts: str, args: Sequence[Formula], ndim: int) -> Formula:
    """Any contraction by its subscripts."""
    inside = ", ".join(a.text for a in args)
    text = f'einsum("{subscripts}", {inside})'
    degree = sum(a.degree for a in args)
    return _made("einsum", args, ndim, text, ATOM, degree, (("subscripts", subscripts),))


def filled(function: str, shape: Sequence[Dimension]) -> Formula:
    """`zeros` or `ones` of a shape."""
    sizes = [size_text(size) for size in shape]
    text = sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})"
    options = (("shape", text),)
    return _made(function, (), len(shape), f"{function}({text})", ATOM, 0, options)


def eye(size: Dimension) -> Formula:
    """The identity matrix of a size."""
    text = size_text(size)
    return _made("eye", (), 2, f"eye({text})", ATOM, 0, (("n", text),))


def onehot(size: Dimension, position: Dimension) -> Formula:
    """The vector that is 1 at a position."""
    options = (("n", size_text(size)), ("k", size_text(position)))
    text = f"onehot({options[0][1]}, {options[1][1]})"
    return _made("onehot", (), 1, text, ATOM, 0, options)


def stacked(parts: Sequence[Formula], ndim: int) -> Formula:
    """Parts along a new first axis."""
    text = f"[{', '.join(p.text for p in parts)}]"
    return _made("stack", parts, ndim, text, ATOM, max(p.degree for p in parts))


def indexed(target: Formula, items: Sequence[str], ndim: int) -> Formula:
    """The entries of a formula that the items pick."""
    text = f"{target.within(POSTFIX)}[{', '.join(items)}]"
    return _made(
        "index", (target,), ndim, text, POSTFIX, target.degree, (("index", ", ".join(items)),)
    )


def matrix_product(left: Formula, right: Formula) -> Formula:
    """left @ right, without parentheses around the right side where they change nothing."""
    if right.op == "matmul" and right.args[0].ndim == 2:
        return matrix_product(matrix_product(left, right.args[0]), right.args[1])
    power = _power_of_matrix(left, right)
    if power is not None:
        return power
    return operation("matmul", left, right, left.ndim + right.ndim - 2)


def _power_of_matrix(left: Formula, right: Formula) -> Formula | None:
    """… @ X @ X @ X as … @ matrix_power(X, 3), between matrices."""
    if left.ndim < 2 or right.ndim < 2:
        return None
    before, last = left.args if left.op == "matmul" else (None, left)
    if last.op == "matrix_power" and last.args[0].text == right.text:
        exponent = 1 + int(dict(last.options)["k"])
        base = last.args[0]
    elif (
        last.text == right.text
        and before is not None
        and (before if before.op != "matmul" else before.args[1]).text == right.text
    ):
        exponent, base = 3, right
        before = before.args[0] if before.op == "matmul" else None
    else:
        return None
    power = matrix_power(base, exponent)
    return power if before is None else operation("matmul", before, power)


def matrix_power(base: Formula, exponent: int) -> Formula:
    """base @ base @ …, `exponent` times."""
    text = f"matrix_power({base.text}, {exponent})"
    degree = base.degree * exponent
    return _made("matrix_power", (base,), 2, text, ATOM, degree, (("k", str(exponent)),))


def outer(left: Formula, right: Formula) -> Formula:
    """The outer product of two vectors."""
    return call("outer", (left, right), 2, degree=left.degree + right.degree)


def diagonal(vector: Formula) -> Formula:
    """A vector on the diagonal of a matrix, or the diagonal of a matrix."""
    return call("diag", (vector,), 3 - vector.ndim, degree=vector.degree)


def transposed(formula: Formula) -> Formula:
    """The transpose of a matrix, written with the fewest signs of transposition.

    A scalar or a vector is one that stands for a matrix, constant along the axes it lacks.
    """
    if formula.ndim == 1:
        return indexed(formula, (":", "None"), 2)
    if not formula.ndim or formula.is_symmetric or formula.op in ("eye", "diag"):
        return formula
    if formula.op in _TURNED:
        turned = _TURNED[formula.op](formula)
        if turned is not None:
            return turned
    return plainly_transposed(formula)


def _turned_index(formula: Formula) -> Formula | None:
    """A vector as columns turned into rows, and rows of the identity for columns."""
    items = dict(formula.options)["index"].split(", ")
    if items == [":", "None"]:
        return formula.args[0]
    if formula.args[0].op == "eye" and items[0] == ":":
        return indexed(formula.args[0], items[1:], 2)
    return None


def _turned_product(formula: Formula) -> Formula | None:
    left, right = formula.args
    turned = matrix_product(transposed(right), transposed(left))
    return turned if _transposes(turned) <= _transposes(formula) else None


def _turned_sum(formula: Formula) -> Formula | None:
    left, right = (transposed(a) for a in formula.args)
    turned = operation(formula.op, left, right)
    return turned if _transposes(turned) <= _transposes(formula) else None


_TURNED: dict[str, Callable[[Formula], Formula | None]] = {
    "transpose": lambda formula: formula.args[0],
    "index": _turned_index,
    "outer": lambda formula: outer(formula.args[1], formula.args[0]),
    "negate": lambda formula: negated(transposed(formula.args[0])),
    "matmul": _turned_product,
    "add": _turned_sum,
    "subtract": _turned_sum,
}


def _transposes(formula: Formula) -> int:
    """How many factors and terms of a formula are transposed."""
    if formula.op in ("matmul", "add", "subtract", "negate"):
        return sum(_transposes(a) for a in formula.args)
    return formula.op == "transpose"


def plainly_transposed(formula: Formula) -> Formula:
    """The transpose as it is written, whatever stands inside."""
    text = f"{formula.within(POSTFIX)}.T"
    ndim = formula.ndim
    return _made("transpose", (formula,), ndim, text, POSTFIX, formula.degree)
