"""Coefficients: exact fractions while they fit 64 bits, float64 beyond."""

from fractions import Fraction
from math import gcd, lcm

import numpy as np

from service.calculus.graph import ONE, Number

_LARGEST_BESIDE = 10**4
_LARGEST = 2**63
_MOST_EXACT_FLOAT = 2.0**53
_SMALLEST, _GREATEST, _INFINITY = 1e-250, 1e250, float("inf")


def bounded(value: Fraction) -> Number:
    """The fraction itself, or its float64 when it needs more than 64 bits."""
    if -_LARGEST <= value.numerator <= _LARGEST and value.denominator <= _LARGEST:
        return value
    return value.numerator / value.denominator


def from_float(value: float) -> Number:
    """A float64 as a coefficient: exact when it is a whole number."""
    if value.is_integer() and abs(value) <= _MOST_EXACT_FLOAT:
        return Fraction(int(value))
    return value


def multiplied(left: Number, right: Number) -> Number:
    """The product of two coefficients."""
    if left is ONE or right is ONE:
        return right if left is ONE else left
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return right if left == 1 else left if right == 1 else bounded(left * right)
    return from_float(float(left) * float(right))


def added(left: Number, right: Number) -> Number:
    """The sum of two coefficients."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return bounded(left + right)
    return from_float(float(left) + float(right))


def raised(base: Number, exponent: Number) -> Number:
    """base ** exponent in float64 where it is not exact; 0 ** -1 is inf, (-8) ** 0.5 is nan."""
    if exponent is ONE or base is ONE or exponent == 1:
        return base
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and is_whole(exponent):
        count = exponent.numerator
        bits = max(abs(base.numerator), base.denominator).bit_length() - 1
        if bits * abs(count) <= 64 and (base or count >= 0):
            return bounded(base**count)
    with np.errstate(all="ignore"):
        return from_float(float(np.power(np.float64(base), np.float64(exponent))))


def as_quotient(value: Number) -> tuple[float, float]:
    """Multiplier and divisor that apply a coefficient with the least rounding.

    The divisor is 1 unless the denominator would be rounded away: x · 2 / 3 keeps a digit that
    x · 0.666… loses.
    """
    if isinstance(value, Fraction) and value.denominator & (value.denominator - 1):
        return float(value.numerator), float(value.denominator)
    return float(value), 1.0


def keeps_range(base: Number, exponent: Number, beside: Number) -> bool:
    """Whether base ** exponent · beside stays well inside float64's range.

    A number that is 0 or not finite already has no range to keep. Two fractions of 64 bits do.
    """
    if exponent is ONE and type(base) is type(beside) is Fraction:
        return True
    own, outer = abs(float(base)), abs(float(beside))
    if not (0 < own < _INFINITY and 0 < outer < _INFINITY):
        return True
    power = abs(float(raised(base, exponent)))
    return _SMALLEST < power < _GREATEST and _SMALLEST < power * outer < _GREATEST


def magnitude(value: Number) -> Number:
    """|value|."""
    return -value if value < 0 else value


def is_whole(value: Number) -> bool:
    """Whether the number is an integer."""
    return value.denominator == 1 if isinstance(value, Fraction) else value.is_integer()


def is_even(value: Number) -> bool:
    """Whether the number is an even integer."""
    return value is not ONE and is_whole(value) and int(value) % 2 == 0


def content_of(coefficients: list[Number]) -> Number:
    """The common factor of the coefficients, with the sign of the first.

    Where it leaves whole numbers over 10,000 the coefficients have none: 0.7071 and 1 do not
    become 7071 and 10000.
    """
    first = coefficients[0]
    if all(abs(c) == abs(first) for c in coefficients) and np.isfinite(float(first)) and first:
        return first
    sign = -1 if first < 0 else 1
    fractions = [c for c in coefficients if isinstance(c, Fraction)]
    if len(fractions) == len(coefficients):
        numerator = gcd(*(c.numerator for c in fractions))
        content = bounded(Fraction(numerator, lcm(*(c.denominator for c in fractions))))
        if all(abs(c) <= _LARGEST_BESIDE * content for c in fractions):
            return sign * content
    return sign * ONE


def number_bytes(value: Number) -> bytes:
    """A coefficient's bytes for a digest."""
    if value is ONE:
        return b"1"
    return str(value).encode() if isinstance(value, Fraction) else repr(value).encode()
