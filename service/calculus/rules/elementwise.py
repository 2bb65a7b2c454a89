"""Element-wise functions: value, derivative in x and y = f(x), stable forms.

The derivatives are nodes, so every higher order follows from the same table.
"""

import numpy as np

from service.calculus.applications import apply_elementwise
from service.calculus.graph import ONE, Factor, Node, Number
from service.calculus.normal_form import contract
from service.calculus.rules.records import Array, ElementwiseFunction
from service.calculus.terms import ZERO, add, filled, scaled

Arguments = tuple[Node, ...]


def times(*nodes: Node, exponents: tuple[Number, ...] = (), coefficient: Number = ONE) -> Node:
    """The entry-by-entry product of nodes of one shape, each with its exponent."""
    letters = tuple(range(nodes[0].ndim))
    powers = exponents or (ONE,) * len(nodes)
    factors = [Factor(n, letters, p) for n, p in zip(nodes, powers, strict=True)]
    return contract(factors, letters, {}, coefficient)


def difference(left: Node, right: Node) -> Node:
    """left − right, of one shape."""
    return add([(ONE, left), (-ONE, right)], left.shape)


def one_minus(node: Node) -> Node:
    """1 − node."""
    return add([(ONE, filled(ONE, node.shape)), (-ONE, node)], node.shape)


def one_plus(node: Node) -> Node:
    """1 + node."""
    return add([(ONE, filled(ONE, node.shape)), (ONE, node)], node.shape)


def less_one(node: Node) -> Node:
    """node − 1."""
    return add([(ONE, node), (-ONE, filled(ONE, node.shape))], node.shape)


def zero_like(arguments: Arguments, _: Node) -> Node:
    """The derivative of a piecewise constant function."""
    return filled(ZERO, arguments[0].shape)


def sigmoid_values(x: Array) -> Array:
    """1 / (1 + exp(−x)), right to the last digits at both tails."""
    tail = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, tail) / (1.0 + tail)


def softplus_values(x: Array) -> Array:
    """log(1 + exp(x)) without overflow."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def softsign_values(x: Array) -> Array:
    """x / (1 + |x|)."""
    return np.asarray(x / (1.0 + np.abs(x)))


def log_cosh_values(x: Array) -> Array:
    """log(cosh(x)) without overflow, and to the last digits near 0."""
    size = np.abs(x)
    near = np.log1p(2.0 * np.square(np.sinh(np.minimum(size, 1.0) / 2.0)))
    far = size + np.log1p(np.exp(-2.0 * size)) - np.log(2.0)
    return np.where(size < 1.0, near, far)


def quotient_values(x: Array, y: Array) -> Array:
    """x / y, and 0 where y is 0."""
    return np.divide(x, y, out=np.zeros(np.broadcast(x, y).shape), where=np.not_equal(y, 0.0))


EXP = ElementwiseFunction(
    name="exp", forward=np.exp, partials=(lambda _, y: y,), may_overflow=True
)
SIN = ElementwiseFunction(
    name="sin", forward=np.sin, partials=(lambda x, _: apply_elementwise(COS, *x),)
)
COS: ElementwiseFunction = ElementwiseFunction(
    name="cos",
    forward=np.cos,
    partials=(lambda x, _: scaled(apply_elementwise(SIN, *x), -ONE),),
)
TANH = ElementwiseFunction(
    name="tanh",
    forward=np.tanh,
    partials=(lambda _, y: one_minus(times(y, exponents=(2 * ONE,))),),
)
SIGMOID = ElementwiseFunction(
    name="sigmoid",
    forward=sigmoid_values,
    scratch=2.25,
    partials=(lambda _, y: times(y, one_minus(y)),),
)
SOFTPLUS = ElementwiseFunction(
    name="softplus",
    forward=softplus_values,
    scratch=2.0,
    partials=(lambda x, _: apply_elementwise(SIGMOID, *x),),
)
SIGN = ElementwiseFunction(name="sign", forward=np.sign, partials=(zero_like,))
ABS = ElementwiseFunction(
    name="abs",
    forward=np.abs,
    partials=(lambda x, _: apply_elementwise(SIGN, *x),),
    is_magnitude=True,
)
EXPM1 = ElementwiseFunction(
    name="expm1",
    forward=np.expm1,
    partials=(lambda x, _: apply_elementwise(EXP, *x),),
    may_overflow=True,
)
CBRT = ElementwiseFunction(
    name="cbrt",
    forward=np.cbrt,
    partials=(lambda _, y: times(y, exponents=(-2 * ONE,), coefficient=ONE / 3),),
)
SOFTSIGN = ElementwiseFunction(
    name="softsign",
    forward=softsign_values,
    scratch=1.0,
    partials=(lambda x, _: times(one_plus(apply_elementwise(ABS, *x)), exponents=(-2 * ONE,)),),
)
LOG_COSH = ElementwiseFunction(
    name="log_cosh",
    forward=log_cosh_values,
    scratch=3.25,
    spelled=("log", "cosh"),
    partials=(lambda x, _: apply_elementwise(TANH, *x),),
)
FLOOR = ElementwiseFunction(name="floor", forward=np.floor, partials=(zero_like,))
CEIL = ElementwiseFunction(name="ceil", forward=np.ceil, partials=(zero_like,))
ROUND = ElementwiseFunction(name="round", forward=np.rint, partials=(zero_like,))


QUOTIENT = ElementwiseFunction(
    name="quotient_or_zero",
    may_overflow=True,
    forward=quotient_values,
    scratch=0.25,
    plain=lambda x, y: times(x, y, exponents=(ONE, -ONE)),
    partials=(
        lambda x, _: times(x[1], exponents=(-ONE,)),
        lambda x, y: times(y, x[1], exponents=(ONE, -ONE), coefficient=-ONE),
    ),
)
