"""Tensors in requests: what is accepted, and the one place named when it is not."""

from time import perf_counter

import numpy as np
import pytest
from pydantic_core import PydanticCustomError

from service.api.schemas.tensor_input import read_tensor

MOST_TIMES = 4


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (2.5, ()),
        (3, ()),
        ([1, 2.0, -3], (3,)),
        ([[1, 2, 3], [4, 5, 6]], (2, 3)),
        ([[[[[[[[7]]]]]]]], (1,) * 8),
        ({"shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]}, (2, 3)),
        ({"shape": [], "dtype": "float64", "data": [4]}, ()),
        ({"shape": [1], "dtype": "float32", "data": [0.5]}, (1,)),
        ([5e-324, 1.7976931348623157e308, 2**64 - 1], (3,)),
    ],
)
def test_tensors_are_read_with_their_shape(value, shape):
    array = read_tensor(value, 8)

    flat = value["data"] if isinstance(value, dict) else np.ravel(np.array(value, dtype=float))
    assert array.shape == shape
    assert array.dtype == np.float64
    assert array.reshape(-1).tolist() == [float(x) for x in flat]


def test_float32_numbers_are_rounded():
    array = read_tensor({"shape": [2], "dtype": "float32", "data": [0.1, 1]}, 8)

    assert array.tolist() == [float(np.float32(0.1)), 1.0]


@pytest.mark.parametrize(
    ("value", "pointer", "text"),
    [
        (None, "", "found null, expected a number, nested arrays"),
        (True, "", "found true, expected a number"),
        ("1", "", "found a string, expected a number"),
        ([1, "2"], "/1", "found a string, expected a number"),
        ([1, True], "/1", "found true, expected a number"),
        ([1, None], "/1", "found null, expected a number"),
        ([1, [2]], "/1", "found an array, expected a number"),
        ([[1], 2], "/1", "found the number 2, expected an array of length 1"),
        ([[1, 2], [3, "x"]], "/1/1", "found a string, expected a number"),
        ([[1, 2], [3]], "/1", "found an array of length 1, expected 2"),
        ([[[1], [2]], [[3], [4, 5]]], "/1/1", "found an array of length 2, expected 1"),
        ([[[1], [2]], [[3]]], "/1", "found an array of length 1, expected 2"),
        ([], "", r"axis of size 0 in shape \(0\)"),
        ([[], []], "", r"axis of size 0 in shape \(2×0\)"),
        ([{}], "/0", "found an object, expected a number"),
        ({}, "", "found no field 'shape'"),
        ({"shape": [1]}, "", "found no field 'data'"),
        ({"valeu": 1}, "/valeu", "unknown field 'valeu', expected shape, dtype, data"),
        ({"shape": 2, "data": [1]}, "/shape", "found the number 2, expected an array"),
        ({"shape": ["n"], "data": [1]}, "/shape/0", "found a string, expected a whole number"),
        ({"shape": [True], "data": [1]}, "/shape/0", "found true, expected a whole number"),
        ({"shape": [1.0], "data": [1]}, "/shape/0", "found the number 1.0, expected a whole"),
        ({"shape": [2, -1], "data": [1]}, "/shape/1", "found the number -1, expected a whole"),
        ({"shape": [0], "data": []}, "/shape/0", "found the number 0, expected a whole number"),
        ({"shape": [3], "data": [1]}, "/data", r"found 1 numbers, expected 3 for shape \(3\)"),
        ({"shape": [], "data": [1, 2]}, "/data", r"2 numbers, expected 1 for shape \(scalar\)"),
        ({"shape": [2**40] * 2, "data": [1]}, "/data", "expected about 1.21e"),
        (
            {"shape": [2, 2**63], "data": [1]},
            "/shape/1",
            "9223372036854775808, which is too large",
        ),
        ({"shape": [2**70], "data": [1]}, "/shape/0", r"about 1.18e\+21, which is too large"),
        (
            {"shape": [10**400], "data": [1]},
            "/shape/0",
            r"about 1.00e\+400, which is too large",
        ),
        ({"shape": [1], "data": [[1]]}, "/data/0", "found an array, expected a number"),
        ({"shape": [1], "data": [None]}, "/data/0", "found null, expected a number"),
        ({"shape": [1], "data": 1}, "/data", "found the number 1, expected an array"),
        ({"shape": [1], "dtype": "int8", "data": [1]}, "/dtype", "found 'int8', expected"),
        ({"shape": [1], "dtype": 3, "data": [1]}, "/dtype", "found the number 3, expected"),
    ],
)
def test_what_is_no_tensor_is_refused_once_with_its_place(value, pointer, text):
    with pytest.raises(PydanticCustomError, match=text) as caught:
        read_tensor(value, 8)

    assert caught.value.context["pointer"] == pointer
    assert caught.value.context["code"] == "validation"


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ([[[[[[[[[1]]]]]]]]], "over_limit", "deeper than 8 levels, the limit max_dimensions"),
        ({"shape": [1] * 9, "data": [1]}, "over_limit", "found 9 axes, but .* is 8"),
        ([1.0, 10**400], "nonfinite_input", "beyond the range of float64"),
        ([1.0, float("inf")], "nonfinite_input", "the value inf at position 1"),
        (
            {"shape": [2], "dtype": "float32", "data": [1, 1e39]},
            "nonfinite_input",
            "the value inf at position 1",
        ),
    ],
)
def test_limits_and_overflow_have_codes_of_their_own(value, code, text):
    with pytest.raises(PydanticCustomError, match=text) as caught:
        read_tensor(value, 8)

    assert caught.value.context["code"] == code


@pytest.mark.parametrize("shape", [(100_000,), (1000, 100), (5000, 20), (10, 100, 100)])
def test_checking_numbers_costs_little_beside_converting_them(shape):
    value = np.random.default_rng(1).normal(size=shape).tolist()

    def fastest(call):
        seconds = []
        for _ in range(20):
            started = perf_counter()
            call()
            seconds.append(perf_counter() - started)
        return min(seconds)

    # A ratio, so that it holds on any machine: the conversion itself is the yardstick.
    assert fastest(lambda: read_tensor(value, 8)) < MOST_TIMES * fastest(
        lambda: np.array(value, dtype=np.float64)
    )
