"""Formulas that are written the same again once they have been read.

A short one is from the start. A long one may have products over the number of factors that a
product is flattened to, and those are grouped anew when it is read.
"""

from collections.abc import Iterable

from service.calculus.dimensions import NamedSize
from service.calculus.graph import Node, Variable, topological
from service.errors import OverLimitError
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.rendering.writer import Written, written_formula
from service.settings import Limits

_ALWAYS_SETTLED = 400  # characters
_MOST_ROUNDS = 4


def settled_formula(node: Node, taken: Iterable[str] = ()) -> Written:
    """A graph as a formula of the language; `taken` are names that no part may get.

    Raises:
        OverLimitError: the formula is longer than 100,000 characters.
    """
    taken = frozenset(taken)
    formula = written_formula(node, taken)
    for _ in range(_MOST_ROUNDS):
        if len(formula.text) <= _ALWAYS_SETTLED:
            break
        read = _read(formula.text, node)
        again = None if read is None else written_formula(read, taken)
        if again is None or again.text == formula.text:
            break
        formula = again
    return formula


def _read(text: str, node: Node) -> Node | None:
    """The graph that a text with the variables of a node stands for; None for one too long."""
    shapes = {n.name: n.shape for n in topological([node]) if isinstance(n, Variable)}
    sizes = {
        name
        for shape in shapes.values()
        for size in shape
        if isinstance(size, NamedSize)
        for name, _ in size.counts
    }
    limits = Limits()
    try:
        syntax = parse(text, limits)
        return elaborate(text, syntax, Declarations(shapes, sizes), limits).node
    except OverLimitError:
        return None
