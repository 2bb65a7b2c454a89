"""A graph or a formula in all the ways it is shown."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.calculus.graph import Node
from service.rendering.formula import name_of
from service.rendering.latex import latex
from service.rendering.layout import SUM, Layout, Row, Symbol, operator
from service.rendering.mathml import mathml
from service.rendering.notation import notation
from service.rendering.settling import settled_formula
from service.rendering.typesetting import typeset, typeset_whole
from service.rendering.writer import Written, written_formula


@dataclass(frozen=True, slots=True)
class Formulas:
    """One formula as the language's text, in a line of notation, as LaTeX and as MathML."""

    text: str
    notation: str
    latex: str
    mathml: str


def formulas(
    node: Node, taken: Iterable[str] = (), *, is_row: bool = False, is_settled: bool = False
) -> Formulas:
    """A graph in every form; a vector as a row where `is_row`.

    Read again, a long formula is the same only where `is_settled`, which takes longer.

    Raises:
        OverLimitError: the formula is too long.
    """
    write = settled_formula if is_settled else written_formula
    return shown(write(node, taken), is_row=is_row)


def shown(written: Written, *, is_row: bool = False) -> Formulas:
    """A formula in every form, its named parts behind it."""
    layout = typeset_whole(written.body, is_row=is_row)
    if written.definitions:
        layout = _with_definitions(layout, written)
    return Formulas(written.text, notation(layout), latex(layout), mathml(layout))


def _with_definitions(layout: Layout, written: Written) -> Layout:
    parts: list[Layout] = [layout]
    for name, formula in written.definitions:
        parts.append(operator(",") if len(parts) > 1 else Symbol(", where ", "words"))
        symbol = typeset(name_of(name, formula.ndim))
        parts.append(Row((symbol, operator("="), typeset(formula)), SUM))
    return Row(tuple(parts), SUM)
