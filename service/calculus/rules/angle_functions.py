"""The circular and hyperbolic functions of the language, one record each."""

from service.calculus.applications import apply_elementwise
from service.calculus.graph import Node
from service.calculus.rules.angles import (
    ARCCOS,
    ARCCOSH,
    ARCSIN,
    ARCSINH,
    ARCTAN,
    ARCTAN2,
    ARCTANH,
    COSH,
    HYPOT,
    SINH,
    TAN,
)
from service.calculus.rules.operators import common_shape, expanded, of_one, of_two
from service.calculus.rules.records import Function, Kink, operands
from service.calculus.rules.sources import COOKBOOK, DLMF
from service.calculus.terms import number_of


def _hypot_kinks(x: Node, y: Node) -> tuple[Kink, ...]:
    shape = common_shape("measure", x, y)
    radius = apply_elementwise(HYPOT, expanded(x, shape), expanded(y, shape))
    if number_of(radius) is not None:
        return ()
    return (Kink("hypot", radius, 0.0, (-1.0, 1.0)),)


ANGLE_FUNCTIONS = (
    Function(
        name="tan",
        source=f"{DLMF}, 4.20",
        parameters=operands("x"),
        build=of_one(TAN),
        is_entrywise=True,
        summary="The tangent of radians, entry by entry.",
        latex=r"\tan({x})",
        sample=(-1.2, 1.2),
        note="the derivative is 1 + tan(x)**2",
    ),
    Function(
        name="arcsin",
        source=f"{DLMF}, 4.24",
        parameters=operands("x"),
        build=of_one(ARCSIN),
        is_entrywise=True,
        summary="The angle in [-π/2, π/2] with this sine, entry by entry; -1 ≤ x ≤ 1.",
        latex=r"\arcsin({x})",
        sample=(-0.8, 0.8),
        aliases=("asin",),
        note="not differentiable at -1 and 1",
    ),
    Function(
        name="arccos",
        source=f"{DLMF}, 4.24",
        parameters=operands("x"),
        build=of_one(ARCCOS),
        is_entrywise=True,
        summary="The angle in [0, π] with this cosine, entry by entry; -1 ≤ x ≤ 1.",
        latex=r"\arccos({x})",
        sample=(-0.8, 0.8),
        aliases=("acos",),
        note="not differentiable at -1 and 1",
    ),
    Function(
        name="arctan",
        source=f"{DLMF}, 4.24",
        parameters=operands("x"),
        build=of_one(ARCTAN),
        is_entrywise=True,
        summary="The angle in (-π/2, π/2) with this tangent, entry by entry.",
        latex=r"\arctan({x})",
        aliases=("atan",),
    ),
    Function(
        name="arctan2",
        source=f"{DLMF}, 4.24, of the quotient",
        parameters=operands("y", "x"),
        build=of_two("take the angle of", ARCTAN2),
        is_entrywise=True,
        summary="The angle in [-π, π] of the points (x, y), in NumPy's order: y first.",
        latex=r"\operatorname{{atan2}}({y}, {x})",
        sample=(0.4, 2.5),
        aliases=("atan2",),
        note="0 at the origin, where it has no derivative; the derivative is continued across "
        "the cut y = 0 > x",
    ),
    Function(
        name="hypot",
        rule="Euclidean norm rule",
        source=f"{COOKBOOK}, (129)",
        parameters=operands("x", "y"),
        build=of_two("measure", HYPOT),
        kinks=_hypot_kinks,
        is_entrywise=True,
        summary="sqrt(x**2 + y**2) without overflow, entry by entry.",
        latex=r"\sqrt{{{x}^2 + {y}^2}}",
        sample=(0.4, 2.5),
        note="the derivative at the origin is 0, as of norm2",
    ),
    Function(
        name="sinh",
        source=f"{DLMF}, 4.34",
        parameters=operands("x"),
        build=of_one(SINH),
        is_entrywise=True,
        summary="The hyperbolic sine, entry by entry.",
        latex=r"\sinh({x})",
    ),
    Function(
        name="cosh",
        source=f"{DLMF}, 4.34",
        parameters=operands("x"),
        build=of_one(COSH),
        is_entrywise=True,
        summary="The hyperbolic cosine, entry by entry.",
        latex=r"\cosh({x})",
        note="log(cosh(z)) does not overflow",
    ),
    Function(
        name="arcsinh",
        source=f"{DLMF}, 4.38",
        parameters=operands("x"),
        build=of_one(ARCSINH),
        is_entrywise=True,
        summary="The inverse of sinh, entry by entry.",
        latex=r"\operatorname{{arsinh}}({x})",
    ),
    Function(
        name="arccosh",
        source=f"{DLMF}, 4.38",
        parameters=operands("x"),
        build=of_one(ARCCOSH),
        is_entrywise=True,
        summary="The inverse of cosh, entry by entry; x ≥ 1.",
        latex=r"\operatorname{{arcosh}}({x})",
        sample=(1.3, 4.0),
        note="not differentiable at 1",
    ),
    Function(
        name="arctanh",
        source=f"{DLMF}, 4.38",
        parameters=operands("x"),
        build=of_one(ARCTANH),
        is_entrywise=True,
        summary="The inverse of tanh, entry by entry; -1 < x < 1.",
        latex=r"\operatorname{{artanh}}({x})",
        sample=(-0.8, 0.8),
    ),
)
