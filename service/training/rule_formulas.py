"""The formulas of the training records, which are texts of the language, in every form."""

from functools import cache

from service.calculus.dimensions import NamedSize, Shape
from service.language.declarations import CONSTANTS, Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.language.syntax import Let, Name, Syntax, parts_of
from service.rendering.as_written import formula_as_written
from service.rendering.render import Formulas, shown
from service.settings import Limits

_VECTORS = frozenset({"w", "g", "v_0", "m_0", "u_0"})
_VECTOR: Shape = (NamedSize((("n", 1),)),)


@cache
def rule_formulas(text: str) -> Formulas:
    """The rule as text, notation, LaTeX and MathML; parameters and state are vectors."""
    limits = Limits()
    syntax = parse(text, limits)
    shapes: dict[str, Shape] = {
        name: _VECTOR if name in _VECTORS else () for name in _free_names(syntax)
    }
    found = elaborate(text, syntax, Declarations(shapes), limits)
    return shown(formula_as_written(found.syntax, found.nodes, limits))


def _free_names(syntax: Syntax) -> set[str]:
    """The names that the text uses and does not give a meaning itself."""
    bound: set[str] = set()
    pending = [syntax]
    if isinstance(syntax, Let):
        bound = {name.name for name, _ in syntax.bindings}
        pending = [syntax.body, *(value for _, value in syntax.bindings)]
    used = set()
    while pending:
        part = pending.pop()
        if isinstance(part, Name):
            used.add(part.name)
        pending += parts_of(part)
    return used - bound - CONSTANTS.keys()
