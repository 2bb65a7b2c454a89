"""Names, numbers, constants and functions as layouts."""

from collections.abc import Sequence

from service.calculus.rules.table import FUNCTIONS
from service.rendering.formula import Formula
from service.rendering.layout import (
    ONE_VECTOR,
    PIECE,
    PRODUCT,
    SUM,
    Fence,
    Kind,
    Layout,
    Row,
    Script,
    Symbol,
    applied,
    fenced,
    number,
    operator,
    row,
    transpose_of,
)
from service.rendering.templates import laid_out

_BY_NAME_OF_VECTORS = frozenset({"max", "min", "prod", "logsumexp"})


def name_layout(formula: Formula) -> Layout:
    """A variable in the letters of its kind."""
    kinds: tuple[Kind, ...] = ("scalar", "vector", "matrix")
    return Symbol(formula.text, kinds[min(formula.ndim, 2)])


def number_layout(formula: Formula) -> Layout:
    """A number; one with an exponent as a product with a power of ten."""
    mantissa, _, exponent = formula.text.partition("e")
    if not exponent:
        return number(formula.text)
    sign = [operator("−")] if exponent.startswith("-") else []
    power = row([*sign, number(exponent.lstrip("+-0"))], PIECE)
    return Row((number(mantissa), operator("·"), Script(number("10"), power)), PRODUCT)


def size_layout(text: str) -> Layout:
    """A size such as `n` or `2 * n + 1`."""
    parts: list[Layout] = []
    for token in text.replace(" * ", " ").split():
        if token in "+-":
            parts.append(operator("−" if token == "-" else token))
        else:
            parts.append(number(token) if token[0].isdigit() else Symbol(token, "scalar"))
    return row(parts, SUM)


def letters_layout(letters: Sequence[str]) -> Layout:
    """Indices side by side."""
    return row([Symbol(x, "scalar") for x in letters], PIECE)


def constant_layout(formula: Formula) -> Layout:
    """I, 0 and 1, bold where they are vectors."""
    if formula.op == "eye":
        return Symbol("I", "matrix")
    sign = "1" if formula.op == "ones" else "0"
    if formula.ndim == 1:
        return Symbol(sign, "vector")
    if formula.op == "ones" and formula.ndim == 2:
        return Row((ONE_VECTOR, transpose_of(ONE_VECTOR)), PRODUCT)
    return Symbol(sign, "number")


def function_layout(formula: Formula, arguments: Sequence[Layout]) -> Layout:
    """A function as its record writes it, or by name where an axis is to be told."""
    if formula.op not in FUNCTIONS or "axis" in dict(formula.options):
        return named_layout(formula, formula.op, arguments)
    record = FUNCTIONS[formula.op]
    operands = [p.name for p in record.parameters if p.kind in ("operand", "operands")]
    numbers = [p.name for p in record.parameters if p.kind in ("integer", "number")]
    given = list(arguments)
    holes: dict[str, Layout] = {}
    if len(given) > len(operands):
        holes[numbers[0]] = given.pop(0)
    holes |= dict(zip(operands, given, strict=False))
    holes |= {p.name: number(str(p.default)) for p in record.parameters if p.name not in holes}
    holes |= {n: size_layout(v) for n, v in formula.options}
    if formula.ndim > 0 and formula.op in _BY_NAME_OF_VECTORS:
        return named_layout(formula, formula.op, arguments)
    return laid_out(formula.op, holes)


def named_layout(formula: Formula, name: str, arguments: Sequence[Layout]) -> Layout:
    """A function by its name, its options below it."""
    word: Layout = Symbol(name, "function")
    axis = dict(formula.options).get("axis")
    if axis is not None:
        word = Script(word, None, Symbol(f"axis {axis}", "words"))
    parts: list[Layout] = []
    for argument in arguments:
        if parts:
            parts.append(operator(","))
        parts.append(argument)
    return applied(word, row(parts, SUM))


def einsum_layout(formula: Formula, arguments: Sequence[Layout]) -> Layout:
    """A product of two matrices as ⊗ where it is one, else index by index."""
    subscripts = dict(formula.options)["subscripts"]
    if subscripts in ("ik,jl->ijkl", "ik,lj->ijkl"):
        left, right = arguments
        if subscripts == "ik,lj->ijkl":
            right = transpose_of(right)
        return Row((fenced(left, PIECE), operator("⊗"), fenced(right, PIECE)), PRODUCT)
    inputs, _, output = subscripts.partition("->")
    parts: list[Layout] = []
    summed = sorted({x for x in inputs if x.isalpha()} - set(output))
    if summed:
        parts.append(Script(operator("∑"), None, letters_layout(summed)))
    for letters, argument, shown in zip(
        inputs.split(","), formula.args, arguments, strict=True
    ):
        if argument.op == "ones":
            continue
        base = fenced(shown, PIECE)
        if argument.op == "eye":
            base = Symbol("δ", "scalar")
        if isinstance(base, Script):
            base = Fence("(", base, ")")
        parts.append(Script(base, None, letters_layout(letters)))
    return row(parts, PRODUCT)


def indexed_layout(formula: Formula, target: Layout) -> Layout:
    """The entries of a target that an index picks; a new axis as a row of ones."""
    items = dict(formula.options)["index"]
    base = fenced(target, PIECE)
    if items == ":, None":
        return Row((base, transpose_of(ONE_VECTOR)), PRODUCT)
    if isinstance(base, Script):
        base = Fence("(", base, ")")
    return Script(
        base, None, Symbol(items.replace(" ", ""), "number" if items.isdecimal() else "words")
    )


def begins_with_digit(layout: Layout) -> bool:
    """Whether a number stands first, as the 1 of an indicator does."""
    if isinstance(layout, Row):
        return begins_with_digit(layout.parts[0])
    if isinstance(layout, Script):
        return begins_with_digit(layout.base)
    if isinstance(layout, Fence):
        return layout.left == "["
    return isinstance(layout, Symbol) and layout.kind == "number"


def tight(layout: Layout) -> Layout:
    """A factor of a product of matrices: what holds a sign of multiplication is fenced."""
    if isinstance(layout, Row) and {operator("⊙"), operator("⊘")} & {*layout.parts}:
        return Fence("(", layout, ")")
    return fenced(layout, PRODUCT)
