"""The product of entries and its derivatives of every order, right at zeros."""

from functools import cache
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import NDArray

from service.calculus.applications import apply_elementwise, apply_reduction
from service.calculus.dimensions import Shape
from service.calculus.graph import ONE, Factor, Node
from service.calculus.normal_form import contract
from service.calculus.rules.choices import GREATER, WHERE
from service.calculus.rules.records import Array, ReductionFunction
from service.calculus.selections import delta
from service.calculus.terms import ZERO, add, filled


def _product(x: Array) -> Array:
    return np.asarray(np.prod(x, axis=-1))


def _products_of_other_entries(x: Array) -> Array:
    ones = np.ones_like(x[..., :1])
    before = np.concatenate((ones, np.cumprod(x[..., :-1], axis=-1)), axis=-1)
    after = np.concatenate((ones, np.cumprod(x[..., :0:-1], axis=-1)), axis=-1)
    return np.asarray(before * after[..., ::-1])


def _scaled_product(x: Array) -> Array:
    """Πx where partial products would leave the range of the numbers."""
    mantissas, exponents = _scaled_running_products(x)
    return np.asarray(np.ldexp(mantissas[..., -1], exponents[..., -1]), dtype=x.dtype)


def _scaled_products_of_other_entries(x: Array) -> Array:
    before, before_exponents = _scaled_running_products(x[..., :-1])
    after, after_exponents = _scaled_running_products(x[..., :0:-1])
    ones, zeros = np.ones_like(x[..., :1]), np.zeros_like(x[..., :1], dtype=np.int64)
    before, after = (np.concatenate((ones, part), axis=-1) for part in (before, after))
    exponents = np.concatenate((zeros, before_exponents), axis=-1)
    exponents += np.concatenate((zeros, after_exponents), axis=-1)[..., ::-1]
    return np.asarray(np.ldexp(before * after[..., ::-1], exponents), dtype=x.dtype)


def _scaled_running_products(x: Array) -> tuple[Array, NDArray[np.int64]]:
    """x_0 · … · x_k for each k as mantissa and exponent of 2, by doubled steps."""
    mantissas, powers = np.frexp(x)
    exponents = powers.astype(np.int64)
    step = 1
    while step < x.shape[-1]:
        mantissas[..., step:] = mantissas[..., step:] * mantissas[..., :-step]
        exponents[..., step:] = exponents[..., step:] + exponents[..., :-step]
        mantissas, powers = np.frexp(mantissas)
        exponents += powers
        step *= 2
    return mantissas, exponents


def products_of_others(x: Array, order: int) -> Array:
    """∂ᵒ Πx / ∂x_i ∂x_j … along the last axis, which stands there `order` times.

    Π_{k≠i} x_k for order 1, by prefix × suffix: right also at zeros, as Πx / x_i is not. For
    more: that of x with 1 in place of x_i, and 0 where two of i, j … are one.
    """
    if order < 2:
        plain = _product(x) if order == 0 else _products_of_other_entries(x)
        smallest = np.finfo(plain.dtype).tiny
        has_left_range = (np.abs(plain) < smallest) | ~np.isfinite(plain)
        if not np.any(has_left_range):
            return plain
        scaled = _scaled_product(x) if order == 0 else _scaled_products_of_other_entries(x)
        return np.where(has_left_range, scaled, plain)
    is_own = np.eye(x.shape[-1], dtype=bool)
    lower = products_of_others(np.where(is_own, 1.0, x[..., None, :]), order - 1)
    for axis in range(order - 1):
        shape = [1] * (order - 1)
        shape[axis] = len(is_own)
        lower = np.where(is_own.reshape(len(is_own), *shape), 0.0, lower)
    return lower


def _plain(x: Node, axes: tuple[int, ...], order: int) -> Node:
    """The product with 1 in place of the entries of each copy; 0 where two copies are one."""
    kept = [k for k in range(x.ndim) if k not in axes]
    count = len(axes)
    shape = (*(x.shape[k] for k in kept), *(tuple(x.shape[k] for k in axes) * (order + 1)))
    first = len(kept)
    copies = [
        tuple(range(first + k * count, first + (k + 1) * count)) for k in range(order + 1)
    ]

    def same(left: tuple[int, ...], right: tuple[int, ...], full: Shape) -> Node:
        pairs = zip(left, right, axes, strict=True)
        deltas = [Factor(delta(x.shape[axis]), (a, b)) for a, b, axis in pairs]
        return contract(deltas, range(len(full)), dict(enumerate(full)))

    own = add([(ONE, same(copy, copies[-1], shape)) for copy in copies[:-1]], shape)
    spread = contract(
        [Factor(x, _places(x.ndim, kept, axes, copies[-1]))],
        range(len(shape)),
        dict(enumerate(shape)),
    )
    others = apply_elementwise(WHERE, _is_positive(own), filled(ONE, shape), spread)
    product = apply_reduction(PROD, others, copies[-1])
    if order < 2:
        return product
    short = product.shape
    twice = [(ONE, same(a, b, short)) for a, b in combinations(copies[:-1], 2)]
    is_twice = _is_positive(add(twice, short))
    return apply_elementwise(WHERE, is_twice, filled(ZERO, short), product)


def _is_positive(node: Node) -> Node:
    return apply_elementwise(GREATER, node, filled(ZERO, node.shape))


def _places(
    ndim: int, kept: list[int], axes: tuple[int, ...], copy: tuple[int, ...]
) -> tuple[int, ...]:
    """The letter of each axis: kept ones in front, the reduced ones in their last copy."""
    letters = dict(zip(kept, range(len(kept)), strict=True))
    letters |= dict(zip(axes, copy, strict=True))
    return tuple(letters[axis] for axis in range(ndim))


@cache
def product_derivative(order: int) -> ReductionFunction:
    """The derivative of the product of some order; of order 0 the product itself."""

    def forward(x: Array, axes: tuple[int, ...]) -> Array:
        moved = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim))
        kept, reduced = moved.shape[: x.ndim - len(axes)], moved.shape[x.ndim - len(axes) :]
        found = products_of_others(moved.reshape(*kept, prod(reduced)), order)
        return found.reshape(kept + reduced * order)

    def plain(x: Node, axes: tuple[int, ...]) -> Node:
        return _plain(x, axes, order)

    return ReductionFunction(
        plain=plain if order else None,
        name=f"product_derivative_{order}" if order else "prod",
        forward=forward,
        derivative=lambda: product_derivative(order + 1),
        copies=order,
        scratch=8.0 if order else 4.0,
    )


PROD = product_derivative(0)
