"""From formula to layout: vectors get an orientation, products lose their signs.

Orientation exists only here. A vector is a column, or a row where `is_row`: the derivative of
a scalar, and what stands left in a product.
"""

from collections.abc import Callable, Sequence

from service.rendering.formula import COMPARISONS, Formula
from service.rendering.layout import (
    INVERSE,
    ONE_VECTOR,
    PIECE,
    PRODUCT,
    SUM,
    Cases,
    Fence,
    Fraction,
    Layout,
    Root,
    Row,
    Script,
    Symbol,
    Table,
    applied,
    fenced,
    number,
    operator,
    row,
    transpose_of,
)
from service.rendering.symbols import (
    begins_with_digit,
    constant_layout,
    einsum_layout,
    function_layout,
    indexed_layout,
    name_layout,
    named_layout,
    number_layout,
    size_layout,
    tight,
)

_RELATIONS = {
    "greater": ">",
    "greater_equal": "≥",
    "less": "<",
    "less_equal": "≤",
    "equal": "=",
    "not_equal": "≠",
}
_OPPOSITE = {
    "greater": "less_equal",
    "greater_equal": "less",
    "less": "greater_equal",
    "less_equal": "greater",
    "equal": "not_equal",
    "not_equal": "equal",
}


def typeset(formula: Formula, *, is_row: bool = False) -> Layout:
    """The layout of a formula; a vector as a row where `is_row`."""
    if formula.ndim == 1 and is_row:
        return _row_of(formula)
    if formula.op in _SETTERS:
        return _SETTERS[formula.op](formula)
    if formula.op in COMPARISONS:
        return Fence("[", _relation(formula, formula.op), "]")
    return function_layout(formula, [typeset(a) for a in formula.args])


def typeset_whole(formula: Formula, *, is_row: bool = False) -> Layout:
    """The same for a whole result: one masked product is shown by its cases."""
    factors = _factors(formula)
    negative = [f for f in factors if f.op == "negate"]
    plain = [f.args[0] if f.op == "negate" else f for f in factors]
    masks = [f for f in plain if f.op in COMPARISONS and not f.ndim]
    if len(masks) != 1 or formula.op == "divide":
        return typeset(formula, is_row=is_row)
    (mask,) = masks
    rest = [f for f in plain if f is not mask]
    value = _product(rest, is_row=is_row) if rest else number("1")
    if len(negative) % 2:
        value = Row((operator("−"), value), SUM)
    zero = Symbol("0", "vector" if formula.ndim == 1 else "number")
    nothing: Layout = transpose_of(zero) if is_row and formula.ndim == 1 else zero
    return Cases(
        ((nothing, _relation(mask, _OPPOSITE[mask.op])), (value, _relation(mask, mask.op)))
    )


def _row_of(formula: Formula) -> Layout:
    """A vector as a row."""
    if formula.op == "negate":
        return Row((operator("−"), fenced(typeset(formula.args[0], is_row=True), PRODUCT)), SUM)
    if formula.op in ("multiply", "divide"):
        scalars = [f for f in _factors(formula) if not f.ndim]
        if scalars:
            return _product(_factors(formula), is_row=True)
    if formula.op == "divide" and not formula.args[1].ndim:
        top = typeset(formula.args[0], is_row=True)
        return Fraction(top, typeset(formula.args[1]))
    if formula.op == "matmul":
        return _chain(formula) if formula.args[0].ndim == 1 else _turned_chain(formula)
    if formula.op == "stack":
        return Table((tuple(typeset(a) for a in formula.args),))
    return transpose_of(typeset(formula))


def _relation(formula: Formula, op: str) -> Layout:
    left, right = (typeset(a) for a in formula.args)
    return Row((left, operator(_RELATIONS[op]), right), SUM)


def _negated(formula: Formula) -> Layout:
    return Row((operator("−"), fenced(typeset(formula.args[0]), PRODUCT)), SUM)


def _sum(formula: Formula) -> Layout:
    parts: list[Layout] = []
    while formula.op in ("add", "subtract"):
        left, right = formula.args
        level = PRODUCT if formula.op == "subtract" else SUM
        sign = "−" if formula.op == "subtract" else "+"
        term = _broadcast(right, formula.ndim)
        if isinstance(term, Row) and term.level == SUM and term.parts[0] == operator("−"):
            term = Fence("(", term, ")")
        parts[:0] = [operator(sign), fenced(term, level)]
        if left.ndim < formula.ndim and left.op in ("add", "subtract"):
            parts.insert(0, _broadcast(left, formula.ndim))
            break
        if left.op not in ("add", "subtract"):
            parts.insert(0, _broadcast(left, formula.ndim))
        formula = left
    return Row(tuple(parts), SUM)


def _broadcast(formula: Formula, ndim: int) -> Layout:
    """A term of a sum; beside a matrix a vector stands in each row, a scalar everywhere."""
    if not formula.ndim and ndim == 2 and formula.op != "number":
        ones = Row((ONE_VECTOR, transpose_of(ONE_VECTOR)), PRODUCT)
        return Row((fenced(typeset(formula), PRODUCT), ones), PRODUCT)
    if formula.ndim == 1 and ndim == 2:
        return Row((ONE_VECTOR, typeset(formula, is_row=True)), PRODUCT)
    return typeset(formula)


def _factors(formula: Formula) -> list[Formula]:
    """The factors of a product; what it is divided by stays with what stands above it."""
    if formula.op == "multiply":
        return _factors(formula.args[0]) + _factors(formula.args[1])
    return [formula]


def _multiplied(formula: Formula) -> Layout:
    return _product(_factors(formula), is_row=False)


def _product(factors: Sequence[Formula], *, is_row: bool) -> Layout:
    """Scalars side by side, then vectors or matrices joined by ⊙."""
    negative = [f for f in factors if f.op == "negate"]
    factors = [f.args[0] if f.op == "negate" else f for f in factors]
    scalars = [f for f in factors if not f.ndim]
    tensors = [f for f in factors if f.ndim]
    parts: list[Layout] = []
    for s in scalars:
        shown = fenced(typeset(s), PRODUCT)
        is_dot = s.op == "matmul" and any(f.op != "number" for f in factors if f is not s)
        if s.text != "1":
            parts.append(Fence("(", shown, ")") if is_dot else shown)
    if len(tensors) == 1:
        parts.append(fenced(typeset(tensors[0], is_row=is_row), PRODUCT))
    elif tensors:
        joined = _entrywise(tensors, is_row=is_row)
        parts.append(tight(joined) if parts else joined)
    spaced: list[Layout] = []
    for part in parts:
        if spaced and begins_with_digit(part):
            spaced.append(operator("·"))
        spaced.append(part)
    product = row(spaced, PRODUCT)
    if len(negative) % 2:
        return Row((operator("−"), product), SUM)
    return product


def _entrywise(tensors: Sequence[Formula], *, is_row: bool) -> Layout:
    ndim = max(t.ndim for t in tensors)
    if ndim == 2 and any(t.ndim == 1 for t in tensors):
        weights = [t for t in tensors if t.ndim == 1]
        rest = [t for t in tensors if t.ndim == 2]
        weight = typeset(weights[0]) if len(weights) == 1 else _entrywise(weights, is_row=False)
        parts = [typeset(rest[0]) if len(rest) == 1 else _entrywise(rest, is_row=False)]
        parts.append(applied(Symbol("diag", "function"), weight))
        return Row(tuple(tight(p) for p in parts), PRODUCT)
    parts = []
    for t in tensors:
        if parts:
            parts.append(operator("⊙"))
        parts.append(fenced(typeset(t), PIECE if t.op in ("multiply", "divide") else PRODUCT))
    joined = Row(tuple(parts), PRODUCT)
    return transpose_of(joined) if is_row and ndim == 1 else joined


def _divided(formula: Formula) -> Layout:
    top, bottom = formula.args
    if top.op == "negate":
        quotient = _quotient(top.args[0], bottom)
        return Row((operator("−"), quotient), SUM)
    return _quotient(top, bottom)


def _quotient(top: Formula, bottom: Formula) -> Layout:
    if not bottom.ndim:
        return Fraction(typeset(top), typeset(bottom))
    parts = (fenced(typeset(top), PIECE), operator("⊘"), fenced(typeset(bottom), PIECE))
    return Row(parts, PRODUCT)


def _power(formula: Formula) -> Layout:
    base, exponent = formula.args
    inner = fenced(typeset(base), PIECE)
    if isinstance(inner, Script) and inner.above is not None:
        inner = Fence("(", inner, ")")
    if isinstance(inner, Script):
        return Script(inner.base, typeset(exponent), inner.below)
    return Script(inner, typeset(exponent))


def _chain(formula: Formula) -> Layout:
    """A product of matrices and vectors, each turned as its place asks."""
    factors = _chained(formula)
    if len(factors) == 2 and factors[0].ndim == factors[1].ndim == 1:
        parts = [fenced(typeset(f), PRODUCT) for f in factors]
        return Row((tight(parts[0]), operator("·"), tight(parts[1])), PRODUCT)
    last = len(factors) - 1
    parts = [
        tight(typeset(f, is_row=f.ndim == 1 and place < last))
        for place, f in enumerate(factors)
    ]
    return Row(tuple(parts), PRODUCT)


def _chained(formula: Formula) -> list[Formula]:
    if formula.op != "matmul":
        return [formula]
    left, right = formula.args
    ends_in_vector = left.op == "matmul" and left.args[1].ndim == 1
    return [left, right] if ends_in_vector else [*_chained(left), right]


def _matmul(formula: Formula) -> Layout:
    left, right = formula.args
    if left.ndim == 1 and right.ndim == 2:
        return _turned_chain(formula)
    return _chain(formula)


def _turned_chain(formula: Formula) -> Layout:
    """vᵀA as the column Aᵀv, and Av as the row vᵀAᵀ."""
    factors = _chained(formula)[::-1]
    last = len(factors) - 1
    parts = [
        _turned(f) if f.ndim == 2 else typeset(f, is_row=place < last)
        for place, f in enumerate(factors)
    ]
    return Row(tuple(tight(p) for p in parts), PRODUCT)


def _turned(formula: Formula) -> Layout:
    """The transpose of a matrix."""
    return typeset(formula) if formula.is_symmetric else transpose_of(typeset(formula))


def _transposed(formula: Formula) -> Layout:
    return transpose_of(typeset(formula.args[0]))


def _stacked(formula: Formula) -> Layout:
    if formula.ndim == 1:
        return Table(tuple((typeset(a),) for a in formula.args))
    rows = []
    for part in formula.args:
        if part.op == "stack" and part.ndim == 1:
            rows.append(tuple(typeset(a) for a in part.args))
        else:
            rows.append((typeset(part, is_row=True),))
    return Table(tuple(rows))


def _outer(formula: Formula) -> Layout:
    left, right = formula.args
    parts = [tight(typeset(left)), tight(typeset(right, is_row=True))]
    return Row(tuple(parts), PRODUCT)


def _where(formula: Formula) -> Layout:
    condition, yes, no = formula.args
    if condition.op in COMPARISONS:
        shown = _relation(condition, condition.op)
    else:
        shown = Row((typeset(condition), operator("≠"), number("0")), SUM)
    return Cases(((typeset(yes), shown), (typeset(no), Symbol("otherwise", "words"))))


def _sum_function(formula: Formula) -> Layout:
    options = dict(formula.options)
    (argument,) = formula.args
    inside = typeset(argument)
    if argument.ndim == 2 and options.get("axis") == "1":
        return Row((tight(inside), ONE_VECTOR), PRODUCT)
    if argument.ndim == 2 and options.get("axis") == "0":
        return Row((transpose_of(fenced(inside, PRODUCT)), ONE_VECTOR), PRODUCT)
    return named_layout(formula, "sum", [inside])


def _inverse(formula: Formula) -> Layout:
    base = fenced(typeset(formula.args[0]), PIECE)
    if isinstance(base, Script):
        base = Fence("(", base, ")")
    return Script(base, INVERSE)


_SETTERS: dict[str, Callable[[Formula], Layout]] = {
    "name": name_layout,
    "number": number_layout,
    "size": lambda formula: size_layout(formula.text),
    "negate": _negated,
    "add": _sum,
    "subtract": _sum,
    "multiply": _multiplied,
    "divide": _divided,
    "power": _power,
    "matmul": _matmul,
    "transpose": _transposed,
    "stack": _stacked,
    "index": lambda formula: indexed_layout(formula, typeset(formula.args[0])),
    "outer": _outer,
    "einsum": lambda formula: einsum_layout(formula, [typeset(a) for a in formula.args]),
    "where": _where,
    "sum": _sum_function,
    "mean": lambda formula: named_layout(formula, "mean", [typeset(formula.args[0])]),
    "eye": constant_layout,
    "ones": constant_layout,
    "zeros": constant_layout,
    "inv": _inverse,
    "sqrt": lambda formula: Root(typeset(formula.args[0])),
}
