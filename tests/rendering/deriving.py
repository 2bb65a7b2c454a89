"""Derivatives of expressions with sizes that are names, and their formulas."""

from service.calculus.differentiate import gradient, jacobian
from service.calculus.dimensions import NamedSize, parsed_size
from service.calculus.graph import variable
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.rendering.render import formulas
from service.settings import Limits

LIMITS = Limits()
KINDS = {"": (), "n": ("n",), "N": ("N",), "m": ("m",)}


def shapes_of(text):
    """`X:N,n w:n b:` as shapes by name; a size is a number or a name."""
    shapes = {}
    for word in text.split():
        name, _, sizes = word.partition(":")
        shapes[name] = tuple(
            int(s) if s.isdecimal() else parsed_size(s) for s in sizes.split(",") if s
        )
    return shapes


def node_of(text, shapes):
    sizes = {
        n for s in shapes.values() for d in s if isinstance(d, NamedSize) for n, _ in d.counts
    }
    declared = Declarations(shapes, sizes, by_convention=True)
    return elaborate(text, parse(text, LIMITS), declared, LIMITS)


def derived(text, wrt, shapes, order=1):
    """The derivative's node, and whether it is the derivative of a scalar."""
    found = node_of(text, shapes)
    by = variable(wrt, found.shapes[wrt])
    node = found.node
    for _ in range(order):
        is_scalar = not node.ndim
        node = (gradient(node, [by]) if is_scalar else jacobian(node, [by]))[by]
    return node, is_scalar


def formulas_of(text, wrt, shapes, order=1):
    node, is_row = derived(text, wrt, shapes, order)
    return formulas(node, shapes, is_row=is_row)
