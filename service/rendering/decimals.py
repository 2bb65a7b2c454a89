"""Numbers as decimals or as quotients, whichever is shorter to read."""

from fractions import Fraction

from service.calculus.graph import Number

_MOST_DECIMALS = 4  # of a number that is never a quotient
_LARGEST_IN_QUOTIENT = 10**9


def is_decimal(value: Number) -> bool:
    """Whether a number is a short decimal, or one that is shorter than its quotient."""
    if not isinstance(value, Fraction) or (value * 10**_MOST_DECIMALS).denominator == 1:
        return True
    if max(abs(value.numerator), value.denominator) > _LARGEST_IN_QUOTIENT:
        return True
    text = _exact_decimal(value)
    return text is not None and len(text) < len(f"{value.numerator} / {value.denominator}")


def _exact_decimal(value: Fraction) -> str | None:
    """A fraction as a decimal that the language reads as the same number; None if none does."""
    if value.denominator == 1:
        return str(value.numerator)
    text = repr(float(value))
    return text if Fraction(text) == value else None


def decimal(value: Number) -> str:
    """A number as a decimal, exact where it has one."""
    text = _exact_decimal(value) if isinstance(value, Fraction) else None
    return repr(float(value)) if text is None else text
