"""Nodes from text and numbers from nodes, for tests of the calculus."""

import numpy as np

from service.calculus.dimensions import NamedSize
from service.calculus.graph import variable
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.settings import Limits

LIMITS = Limits()


def node_of(text, **shapes):
    """The node that a text stands for, for variables of these shapes."""
    return elaborate(text, parse(text, LIMITS), Declarations(shapes), LIMITS).node


def variables(**shapes):
    return [variable(name, shape) for name, shape in shapes.items()]


def named(name, offset=0):
    """A size that is still a name."""
    return NamedSize(((name, 1),), offset)


def numbers_of(node, **values):
    """What a node is for these values of its variables."""
    arrays = {name: np.asarray(value, dtype=float) for name, value in values.items()}
    (found,) = execute(compile_plan([node]), arrays)
    return found
