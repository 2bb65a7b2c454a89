"""The functions of the language with steps and bounds, one record each."""

from collections.abc import Callable

from service.calculus.applications import apply_elementwise
from service.calculus.graph import ONE, Node
from service.calculus.rules.choices import HEAVISIDE, MAXIMUM, MINIMUM
from service.calculus.rules.elementwise import CEIL, FLOOR, ROUND, difference
from service.calculus.rules.entry_functions import choice_kinks
from service.calculus.rules.operators import elementwise, of_one, of_two
from service.calculus.rules.records import ElementwiseFunction, Function, Kink, operands
from service.calculus.rules.sources import CONSTANT, PAPER, PIECEWISE_MAX
from service.calculus.terms import add, filled, number

_HALF = ONE / 2


def _jumps_at_integers(rule: str) -> Callable[[Node], tuple[Kink, ...]]:
    def kinks(x: Node) -> tuple[Kink, ...]:
        gap = difference(x, apply_elementwise(FLOOR, x))
        return (Kink(rule, gap, 0.0, None),)

    return kinks


def _round_kinks(x: Node) -> tuple[Kink, ...]:
    floor = apply_elementwise(FLOOR, x)
    terms = [(ONE, x), (-ONE, floor), (-_HALF, filled(ONE, x.shape))]
    return (Kink("round", add(terms, x.shape), 0.0, None),)


def _clip(x: Node, low: Node, high: Node) -> Node:
    raised = elementwise("compare", MAXIMUM, x, low)
    return elementwise("compare", MINIMUM, raised, high)


def _clip_kinks(x: Node, low: Node, high: Node) -> tuple[Kink, ...]:
    raised = elementwise("compare", MAXIMUM, x, low)
    kinks = choice_kinks("clip")
    return (*kinks(x, low), *kinks(raised, high))


def _hardtanh(x: Node) -> Node:
    return _clip(x, number(-ONE), number(ONE))


def _hardtanh_kinks(x: Node) -> tuple[Kink, ...]:
    kinks = choice_kinks("hardtanh")
    return (*kinks(x, number(-ONE)), *kinks(x, number(ONE)))


def _stepwise(
    function: ElementwiseFunction,
    kinks: Callable[[Node], tuple[Kink, ...]],
    summary: str,
    latex: str,
    note: str,
) -> Function:
    return Function(
        name=function.name,
        parameters=operands("x"),
        build=of_one(function),
        kinks=kinks,
        rule=CONSTANT,
        source=f"{PAPER}, 2, piece by piece",
        is_entrywise=True,
        summary=summary,
        latex=latex,
        note=note,
    )


PIECEWISE_FUNCTIONS = (
    _stepwise(
        FLOOR,
        _jumps_at_integers("floor"),
        "The largest integer that is not above x, entry by entry; the derivative is 0.",
        r"\lfloor {x} \rfloor",
        "the derivative at the jumps, the integers, is given as 0",
    ),
    _stepwise(
        CEIL,
        _jumps_at_integers("ceil"),
        "The smallest integer that is not below x, entry by entry; the derivative is 0.",
        r"\lceil {x} \rceil",
        "the derivative at the jumps, the integers, is given as 0",
    ),
    _stepwise(
        ROUND,
        _round_kinks,
        "The nearest integer, halves to the even one, entry by entry; the derivative is 0.",
        r"\operatorname{{round}}({x})",
        "the derivative at the jumps, the halves, is given as 0",
    ),
    Function(
        name="heaviside",
        rule=CONSTANT,
        source=f"{PAPER}, 2, piece by piece",
        parameters=operands("x", "h0"),
        build=of_two("compare", HEAVISIDE),
        kinks=lambda x, _: (Kink("heaviside", x, 0.0, None),),
        is_entrywise=True,
        summary="0 where x < 0, h0 where x = 0, 1 where x > 0; the derivative by x is 0.",
        latex=r"H({x})",
        note="the derivative at the jump, x = 0, is given as 0; by h0 it is 1 there",
    ),
    Function(
        name="clip",
        rule=PIECEWISE_MAX,
        source=f"{PAPER}, 5",
        definition=lambda _: "minimum(maximum(x, low), high)",
        parameters=operands("x", "low", "high"),
        build=_clip,
        kinks=_clip_kinks,
        is_entrywise=True,
        summary="minimum(maximum(x, low), high), entry by entry.",
        latex=r"\min(\max({x}, {low}), {high})",
        note="at a bound x gets 0 beside a literal, and half beside another operand",
    ),
    Function(
        name="hardtanh",
        rule=PIECEWISE_MAX,
        source=f"{PAPER}, 5",
        definition=lambda _: "minimum(maximum(x, -1), 1)",
        parameters=operands("x"),
        build=_hardtanh,
        kinks=_hardtanh_kinks,
        is_entrywise=True,
        summary="x clipped to [-1, 1], entry by entry.",
        latex=r"\min(\max({x}, -1), 1)",
        note="the derivative at -1 and 1 is 0",
    ),
)
