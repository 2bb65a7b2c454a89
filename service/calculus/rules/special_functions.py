"""The special functions of the language: the error function and the gamma function."""

from service.calculus.applications import apply_elementwise
from service.calculus.graph import Node
from service.calculus.rules.operators import of_one
from service.calculus.rules.records import Function, Parameter, operands
from service.calculus.rules.sources import DLMF
from service.calculus.rules.special import ERF, ERFC, LGAMMA, polygamma
from service.errors import DomainError

# Beyond it k! leaves float64's range.
_HIGHEST_ORDER = 100


def _polygamma(x: Node, order: int) -> Node:
    if not 0 <= order <= _HIGHEST_ORDER:
        raise DomainError(f"polygamma takes an order k from 0 to {_HIGHEST_ORDER}, not {order}")
    return apply_elementwise(polygamma(order), x)


SPECIAL_FUNCTIONS = (
    Function(
        name="polygamma",
        source=f"{DLMF}, 5.15",
        numpy="scipy.special.polygamma",
        parameters=(Parameter("k", "integer"), *operands("x")),
        build=_polygamma,
        is_entrywise=True,
        summary="The derivative of order k of digamma, entry by entry; x not 0, -1, -2, …",
        latex=r"\psi^{{({k})}}({x})",
        sample=(0.5, 4.0),
        note="from SciPy; Abramowitz & Stegun (1964), 6.4.1",
    ),
    Function(
        name="erf",
        source=f"{DLMF}, 7.10",
        numpy="scipy.special.erf",
        parameters=operands("x"),
        build=of_one(ERF),
        is_entrywise=True,
        summary="The error function, entry by entry.",
        latex=r"\operatorname{{erf}}({x})",
        note="from SciPy; Abramowitz & Stegun (1964), 7.1.1",
    ),
    Function(
        name="erfc",
        source=f"{DLMF}, 7.10",
        numpy="scipy.special.erfc",
        parameters=operands("x"),
        build=of_one(ERFC),
        is_entrywise=True,
        summary="1 - erf(x) to the last digits in the tail, entry by entry.",
        latex=r"\operatorname{{erfc}}({x})",
        note="from SciPy; Abramowitz & Stegun (1964), 7.1.2",
    ),
    Function(
        name="lgamma",
        source=f"{DLMF}, 5.2",
        numpy="scipy.special.gammaln",
        parameters=operands("x"),
        build=of_one(LGAMMA),
        is_entrywise=True,
        summary="log(|Γ(x)|), entry by entry; x not 0, -1, -2, …",
        latex=r"\ln \lvert\Gamma({x})\rvert",
        sample=(0.5, 4.0),
        note="from SciPy; Abramowitz & Stegun (1964), 6.1.1",
    ),
    Function(
        name="digamma",
        source=f"{DLMF}, 5.15",
        numpy="scipy.special.digamma",
        parameters=operands("x"),
        build=of_one(polygamma(0)),
        is_entrywise=True,
        summary="The derivative of log(Γ(x)), entry by entry; x not 0, -1, -2, …",
        latex=r"\psi({x})",
        sample=(0.5, 4.0),
        note="from SciPy; Abramowitz & Stegun (1964), 6.3.1",
    ),
)
