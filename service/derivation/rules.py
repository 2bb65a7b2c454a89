"""The rule of each operation, by the paper's name where it has one, and its source.

Parr & Howard, The Matrix Calculus You Need For Deep Learning (2018), is cited by its sections.
A function's record says its own rule and source; here are those of the operators.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from service.calculus.graph import Node, Variable
from service.calculus.rules.sources import (
    CONSTANT,
    COOKBOOK,
    DLMF,
    LAUE,
    PAPER,
    POWER,
    RUDIN,
)
from service.calculus.rules.table import FUNCTIONS
from service.calculus.terms import number_of
from service.rendering.formula import COMPARISONS

SINGLE = "single-variable chain rule"
TOTAL = "single-variable total-derivative chain rule"
VECTOR = "vector chain rule"
DIAGONAL = "element-wise diagonal condition"
EXPANSION = "scalar expansion"
_INSIDE = "move derivative inside the sum"
_BINARY = "element-wise binary operator rule"
_FACTOR = "multiplication by constant rule"


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule that gives a local derivative, what licenses it, and where it is from."""

    name: str
    conditions: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Applied:
    """An operation of a step: on which operands, and which of them vary with the variable."""

    name: str
    operands: tuple[Node, ...]
    varies: tuple[bool, ...]
    is_entrywise: bool

    @property
    def varying(self) -> list[Node]:
        """The operands that vary."""
        return [o for o, varies in zip(self.operands, self.varies, strict=True) if varies]


_OPERATORS: dict[str, tuple[str, str]] = {
    "add": ("sum rule", f"{PAPER}, 2"),
    "subtract": ("difference rule", f"{PAPER}, 2"),
    "negate": (_FACTOR, f"{PAPER}, 2"),
    "matmul": ("matrix product rule", f"{COOKBOOK}, (37)"),
    "index": ("selection rule", LAUE),
    "stack": ("Jacobian as stacked gradients", f"{PAPER}, 3"),
    **dict.fromkeys(COMPARISONS, (CONSTANT, f"{PAPER}, 2, piece by piece")),
}
_REDUCTIONS = ("sum", "mean")


def rule_of(parts: Sequence[Applied], result: Node, chain: tuple[str, ...]) -> Rule:
    """The rule of an operation, the first of the parts that are told as one step."""
    part = parts[0]
    own, source = _own_rule(part)
    if len(parts) > 1:
        return _joined_rule(parts, chain)
    if part.name in _REDUCTIONS and part.operands[0].ndim:
        return Rule(own, (*chain, _INSIDE), source)
    if not part.is_entrywise or not result.ndim:
        return Rule(own, chain, source)
    is_diagonal = any(o.shape == result.shape for o in part.varying)
    conditions = (*chain, DIAGONAL) if is_diagonal else chain
    operands = [o for o in part.operands if number_of(o) is None]
    if not all(o.ndim for o in operands):
        return Rule(EXPANSION, (*conditions, own), f"{PAPER}, 4.3")
    is_arithmetic = part.name in ("add", "subtract", "multiply", "divide")
    if is_arithmetic and len(set(operands)) == 2:
        return Rule(_BINARY, (*conditions, own), f"{PAPER}, 4.2")
    return Rule(own, conditions, source)


def _joined_rule(parts: Sequence[Applied], chain: tuple[str, ...]) -> Rule:
    """A loss, where powers are added up; else a power of an affine map, or such a map."""
    rules = [_own_rule(p) for p in parts]
    names = tuple(dict.fromkeys(name for name, _ in rules))
    if not any(p.name == "power" for p in parts):
        return Rule("affine map", (*chain, *names), f"{PAPER}, 5")
    if parts[0].name in _REDUCTIONS:
        return Rule("loss", (*chain, *names), f"{PAPER}, 6")
    own, source = rules[0]
    return Rule(own, (*chain, *(n for n in names if n != own)), source)


def whole_rule(node: Node, by: Variable) -> Rule:
    """The rule of an expression none of whose operations is told."""
    if by.name not in node.variables:
        return Rule(CONSTANT, (), f"{PAPER}, 2")
    if node is by:
        return Rule("identity rule", (), f"{PAPER}, 4.1")
    return Rule(VECTOR, (), f"{PAPER}, 4.5.3")


def _own_rule(part: Applied) -> tuple[str, str]:
    """The rule of an operation by itself, and its source."""
    if part.name == "multiply":
        return _rule_of_product(part)
    if part.name == "divide":
        if part.varies[1]:
            return "quotient rule", f"{RUDIN}, theorem 5.3"
        return _FACTOR, f"{PAPER}, 2"
    if part.name == "power" and part.varies[1]:
        own = "power and exponential rule" if part.varies[0] else "exponential rule"
        return own, f"{DLMF}, 4.7"
    if part.name in _OPERATORS:
        return _OPERATORS[part.name]
    function = FUNCTIONS[part.name]
    return function.rule or f"derivative of {part.name}", function.source


def _rule_of_product(part: Applied) -> tuple[str, str]:
    """Of a factor by itself that of its square, of two that vary the product's."""
    if len(part.varying) == 1:
        return _FACTOR, f"{PAPER}, 2"
    own = POWER if len(set(part.operands)) == 1 else "product rule"
    return own, f"{PAPER}, 2"


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
