"""Coefficients: exact fractions while they fit 64 bits, float64 beyond."""

from fractions import Fraction

import pytest

from service.calculus.numbers import (
    added,
    as_quotient,
    content_of,
    from_float,
    is_even,
    is_whole,
    multiplied,
    number_bytes,
    raised,
)

LARGE = Fraction(2**62)
THIRD = Fraction(1, 3)


def test_fractions_stay_exact():
    assert multiplied(THIRD, Fraction(3)) == 1
    assert added(THIRD, Fraction(1, 6)) == Fraction(1, 2)
    assert raised(THIRD, Fraction(-3)) == 27


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (multiplied(LARGE, LARGE), 2.0**124),
        (added(LARGE * 2, LARGE * 2), 2.0**64),
        (raised(Fraction(10), Fraction(30)), 1e30),
        (multiplied(1 / LARGE, 1 / LARGE), 2.0**-124),
    ],
)
def test_what_needs_more_than_64_bits_is_a_float(found, expected):
    assert isinstance(found, float)
    assert found == expected


def test_a_large_power_is_not_computed_exactly_first():
    assert raised(Fraction(3), Fraction(10**9)) == float("inf")
    assert raised(Fraction(1, 3), Fraction(10**9)) == 0


def test_a_whole_float_is_exact_again():
    assert isinstance(from_float(3.0), Fraction)
    assert isinstance(from_float(0.1), float)
    assert isinstance(from_float(2.0**60), float)
    assert isinstance(from_float(float("inf")), float)


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        (Fraction(0), Fraction(0), 1),
        (Fraction(0), Fraction(-1), float("inf")),
        (Fraction(4), Fraction(1, 2), 2),
        (Fraction(-2), Fraction(3), -8),
        (Fraction(1), 2.5, 1),
    ],
)
def test_powers_of_numbers_are_numpy_s(base, exponent, expected):
    assert raised(base, exponent) == expected


def test_a_root_of_a_negative_number_is_nan():
    assert str(raised(Fraction(-8), Fraction(1, 2))) == "nan"


@pytest.mark.parametrize(
    ("value", "quotient"),
    [
        (Fraction(2, 3), (2.0, 3.0)),
        (Fraction(3, 4), (0.75, 1.0)),
        (Fraction(-5), (-5.0, 1.0)),
        (0.1, (0.1, 1.0)),
        (Fraction(1, 10), (1.0, 10.0)),
    ],
)
def test_a_coefficient_is_applied_with_the_least_rounding(value, quotient):
    assert as_quotient(value) == quotient


@pytest.mark.parametrize(
    ("coefficients", "content"),
    [
        ([Fraction(4), Fraction(6)], 2),
        ([Fraction(-4), Fraction(6)], -2),
        ([Fraction(1, 2), Fraction(1, 3)], Fraction(1, 6)),
        ([0.1, -0.1], 0.1),
        ([-0.1, 0.2], -1),
        ([0.1, Fraction(2)], 1),
    ],
)
def test_the_content_of_a_sum_has_the_sign_of_its_first_term(coefficients, content):
    assert content_of(coefficients) == content


def test_even_and_whole_numbers_are_known():
    assert is_even(Fraction(-4))
    assert is_even(2.0)
    assert not is_even(Fraction(3))
    assert not is_even(Fraction(1, 2))
    assert is_whole(Fraction(7))
    assert not is_whole(0.5)


def test_equal_numbers_have_equal_bytes():
    assert number_bytes(Fraction(2, 4)) == number_bytes(Fraction(1, 2))
    assert number_bytes(0.1) != number_bytes(Fraction(1, 10))
