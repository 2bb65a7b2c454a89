"""The rule of each operation, by the paper's name where it has one, and its source.

Parr & Howard, The Matrix Calculus You Need For Deep Learning (2018), is cited by its sections.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.calculus.graph import Node
from service.calculus.rules.table import FUNCTIONS
from service.calculus.terms import number_of
from service.rendering.formula import COMPARISONS

_PAPER = "Parr & Howard"
_COOKBOOK = "Petersen & Pedersen, The Matrix Cookbook (2012)"
_MAGNUS = "Magnus & Neudecker, Matrix Differential Calculus (2019)"
SINGLE = "single-variable chain rule"
TOTAL = "single-variable total-derivative chain rule"
VECTOR = "vector chain rule"
DIAGONAL = "element-wise diagonal condition"
EXPANSION = "scalar expansion"
_INSIDE = "move derivative inside the sum"
_BINARY = "element-wise binary operator rule"


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule that gives a local derivative, what licenses it, and where it is from."""

    name: str
    conditions: tuple[str, ...]
    source: str


# What the paper does not cover, by operation: the rule and where it is stated.
_BEYOND = {
    "matmul": ("matrix product rule", f"{_MAGNUS}, 9.6"),
    "transpose": ("transpose rule", f"{_COOKBOOK}, (35)"),
    "trace": ("trace rule", f"{_COOKBOOK}, (36)"),
    "inv": ("inverse rule", f"{_COOKBOOK}, (40)"),
    "solve": ("inverse rule", f"{_COOKBOOK}, (40)"),
    "matrix_power": ("matrix power rule", f"{_COOKBOOK}, (90)"),
    "det": ("determinant rule", f"{_COOKBOOK}, (46)"),
    "logdet": ("log-determinant rule", f"{_COOKBOOK}, (57)"),
    "cofactor": ("cofactor rule", f"{_COOKBOOK}, (46), differentiated"),
    "kron": ("Kronecker product rule", f"{_MAGNUS}, 3.12"),
    "outer": ("outer product rule", f"{_COOKBOOK}, (37)"),
    "dot": ("matrix product rule", f"{_MAGNUS}, 9.6"),
    "einsum": ("contraction rule", "Laue et al., NeurIPS 2018, 4"),
    "diag": ("diagonal rule", "Laue et al., NeurIPS 2018, 4"),
    "index": ("selection rule", "Laue et al., NeurIPS 2018, 4"),
    "cross": ("cross product rule", "Laue et al., NeurIPS 2018, 4"),
    "softmax": ("softmax rule", "Goodfellow et al., Deep Learning (2016), 6.2.2.3"),
    "log_softmax": ("log-softmax rule", "Goodfellow et al., Deep Learning (2016), 6.2.2.3"),
    "logsumexp": ("log-sum-exp rule", "Boyd & Vandenberghe, Convex Optimization (2004), 3.1.5"),
    "norm2": ("Euclidean norm rule", f"{_COOKBOOK}, (129)"),
    "norm1": ("absolute value rule", "Boyd & Vandenberghe, Convex Optimization (2004), 6.1"),
    "normalize": ("Euclidean norm rule", f"{_COOKBOOK}, (130)"),
    "where": ("piecewise rule", "branch by branch"),
}
_CONSTANT = (*COMPARISONS, "floor", "ceil", "round", "sign", "heaviside")
_HANDBOOK = "Abramowitz & Stegun, Handbook of Mathematical Functions (1964), 3 to 7"
_YEAR = re.compile(r"\((19|20)\d\d\)")
_ARITHMETIC = {"add": "sum rule", "subtract": "difference rule", "negate": "sum rule"}


def rule_of(
    names: Sequence[str],
    operands: Sequence[Node],
    dependent: Sequence[Node],
    result: Node,
    chain: tuple[str, ...],
) -> Rule:
    """The rule of an operation on operands, some of which depend on the variable.

    `names` are those of the operation and of what is joined in it, which make a map together.
    """
    name = names[0]
    if len(names) > 1:
        joined = tuple(dict.fromkeys(_own_rule(n, operands, dependent)[0] for n in names))
        if name in ("sum", "mean", "power"):
            return Rule("loss", (*chain, *joined), f"{_PAPER}, 6")
        return Rule("affine map", (*chain, *joined), f"{_PAPER}, 5")
    is_entrywise = any(o.ndim == result.ndim and o.ndim for o in dependent)
    if name == "stack":
        return Rule("Jacobian as stacked gradients", chain, f"{_PAPER}, 3")
    if name in ("sum", "mean") and dependent[0].ndim:
        return Rule("vector sum reduction", (*chain, _INSIDE), f"{_PAPER}, 4.4")
    if name == "index" or (name in _BEYOND and name != "where"):
        rule, source = _BEYOND[name]
        return Rule(rule, chain, source)
    own, source = _own_rule(name, operands, dependent)
    if not result.ndim:
        return Rule(own, chain, source)
    conditions = (DIAGONAL,) if is_entrywise else ()
    is_expanded = any(not o.ndim for o in operands if number_of(o) is None)
    if is_expanded:
        return Rule(EXPANSION, (*chain, *conditions, own), f"{_PAPER}, 4.3")
    is_binary = len(operands) == 2 and all(number_of(o) is None for o in operands)
    if is_binary and name in (*_ARITHMETIC, "multiply", "divide"):
        return Rule(_BINARY, (*chain, *conditions, own), f"{_PAPER}, 4.2")
    return Rule(own, (*chain, *conditions), source)


def _own_rule(
    name: str, operands: Sequence[Node], dependent: Sequence[Node]
) -> tuple[str, str]:
    """The rule of an operation entry by entry."""
    if name in ("sum", "mean"):
        return "vector sum reduction", f"{_PAPER}, 4.4"
    if name in _ARITHMETIC:
        return _ARITHMETIC[name], f"{_PAPER}, 2"
    if name == "multiply":
        if len(dependent) == 1 and len(operands) == 2:
            return "multiplication by constant rule", f"{_PAPER}, 2"
        return "product rule", f"{_PAPER}, 2"
    if name == "divide":
        is_constant = operands[1] not in dependent
        own = "multiplication by constant rule" if is_constant else "quotient rule"
        return own, f"{_PAPER}, 2" if is_constant else f"{_MAGNUS}, 5.4"
    if name in ("power", "square"):
        return "power rule", f"{_PAPER}, 2"
    if name in ("maximum", "minimum", "relu", "max", "min"):
        return "piecewise max rule", f"{_PAPER}, 5"
    if name in _BEYOND:
        return _BEYOND[name]
    if name in _CONSTANT:
        return "constant rule", f"{_PAPER}, 2, piece by piece"
    note = FUNCTIONS[name].note
    return f"derivative of {name}", note if _YEAR.search(note) else _HANDBOOK


def chain_of(
    dependent: Sequence[Node], intermediate: Sequence[Node], result: Node, by: Node
) -> tuple[str, ...]:
    """The chain rule that joins a local derivative to what comes before it."""
    if not intermediate:
        return ()
    if result.ndim or by.ndim or any(o.ndim for o in dependent):
        is_scalar_by = not by.ndim and result.ndim and all(not o.ndim for o in dependent)
        return (VECTOR, TOTAL) if is_scalar_by else (VECTOR,)
    return (TOTAL,) if len(dependent) > 1 else (SINGLE,)
