"""The product of entries and its derivatives of every order, right at zeros."""

from functools import cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from service.calculus.rules.records import Array, ReductionFunction


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


@cache
def product_derivative(order: int) -> ReductionFunction:
    """The derivative of the product of some order; of order 0 the product itself."""

    def forward(x: Array, axes: tuple[int, ...]) -> Array:
        moved = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim))
        kept, reduced = moved.shape[: x.ndim - len(axes)], moved.shape[x.ndim - len(axes) :]
        found = products_of_others(moved.reshape(*kept, prod(reduced)), order)
        return found.reshape(kept + reduced * order)

    return ReductionFunction(
        name=f"product_derivative_{order}" if order else "prod",
        forward=forward,
        derivative=lambda: product_derivative(order + 1),
        copies=order,
        scratch=8.0 if order else 4.0,
    )


PROD = product_derivative(0)
