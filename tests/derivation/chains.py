"""The chain of a derivation multiplied out, from the text of its local derivatives."""

import numpy as np

from service.computation.analysis import AnalysisRequest
from service.computation.compute import Computer
from service.derivation.derive import DeriveRequest, derived
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.settings import Limits
from tests.limits import UNHURRIED

LONG = Limits(max_expression_characters=10**6, max_expression_nodes=10**5)
COMPUTER = Computer(UNHURRIED)


def derivation_of(expression, values, wrt, **fields):
    """The derivative by one variable, with its steps and their numbers."""
    asked = AnalysisRequest(
        expression=expression, shapes={n: v.shape for n, v in values.items()}
    )
    request = DeriveRequest(analysis=asked, wrt=[wrt], steps=True, values=values, **fields)
    return derived(request, UNHURRIED).derivatives[wrt]


def evaluated(text, values):
    """A text of the language in numbers."""
    declared = Declarations({n: v.shape for n, v in values.items()})
    node = elaborate(text, parse(text, LONG), declared, LONG).node
    return np.asarray(execute(compile_plan([node]), values)[0])


def locals_of(steps, values):
    """The numbers of every local derivative, from its text: by step and operand."""
    known = dict(values)
    found = {}
    for step in steps:
        known[step.symbol] = evaluated(step.definition.text, known)
        for partial in step.partials:
            found[step.symbol, partial.by] = evaluated(partial.formulas.text, known)
    return found


def product_of(steps, local, values, wrt):
    """The chain product: ∂last/∂variable."""
    shape = values[wrt].shape
    derivatives = {wrt: np.eye(int(np.prod(shape))).reshape(shape * 2)}
    for step in steps:
        terms = [
            np.tensordot(local[step.symbol, p.by], before, axes=before.ndim - len(shape))
            for p in step.partials
            for before in [derivatives[p.by]]
        ]
        if terms:
            derivatives[step.symbol] = sum(terms)
        else:  # it does not depend on the variable, as x / x does not
            own = evaluated(step.definition.text, values)
            derivatives[step.symbol] = np.zeros(own.shape + shape)
    return derivatives[steps[-1].symbol]
