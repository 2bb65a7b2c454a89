"""Documents as bytes and back, and bytes that are none of ours; errors as they are kept."""

import json
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import DivergedError, Fault, GradserveError, ValidationError
from service.jobs.packing import pack, unpack
from service.jobs.stored_errors import restored_error, stored_error

DOCUMENT = {
    "kind": "train",
    "layers": [{"weights": np.arange(6.0).reshape(2, 3)}, {"bias": np.array(1.5)}],
    "a/b~c": {"$tensor": "/x", "": np.array([255, 0], np.uint8)},
    "none": None,
    "text": "ä\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
}


def same(left, right):
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(v, right[k]) for k, v in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def test_a_document_comes_back_as_it_was():
    found = unpack(pack(DOCUMENT))

    assert same(DOCUMENT, found)
    assert found["layers"][1]["bias"].shape == ()


def test_the_same_document_makes_the_same_bytes():
    assert pack(DOCUMENT) == pack(unpack(pack(DOCUMENT)))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_no_json(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack({"loss": number})


@given(st.integers(0, 10**6), st.integers(0, 255))
@settings(max_examples=300)
def test_a_changed_byte_is_refused_or_read(place, byte):
    data = bytearray(pack({"x": np.ones(3), "y": [None, 2]}))
    data[place % len(data)] = byte

    with suppress(ValidationError):
        unpack(bytes(data))


def _packed(header, numbers=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found 0 bytes, which end before the header does"),
        (struct.pack("<Q", 2**60) + b"{}", "end before the header does"),
        (_packed([]), "no object under the key 'gradserve'"),
        (_packed({"__metadata__": {"gradserve": "[" * 10**5}}), "not JSON"),
        (_packed({"__metadata__": {"gradserve": "{}"}}, b"x"), "no safetensors"),
        (
            _packed(
                {
                    "__metadata__": {"gradserve": "{}"},
                    "/a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},
                },
                bytes(8),
            ),
            "an array without a place: '/a'",
        ),
        (
            _packed(
                {
                    "__metadata__": {"gradserve": '{"a": 1}'},
                    "/a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},
                },
                bytes(8),
            ),
            "an array where something else is: '/a'",
        ),
        (
            _packed(
                {
                    "__metadata__": {"gradserve": '{"a": null}'},
                    "/a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                },
                bytes(8),
            ),
            "an array of float32, expected float64",
        ),
    ],
)
def test_bytes_that_are_none_of_ours_are_refused(data, message):
    with pytest.raises(ValidationError, match=message):
        unpack(data)


def test_an_error_comes_back_with_its_class_and_its_figures():
    faults = (Fault("found x", "/a", 1, 2, "a hint"), Fault("found y"))
    error = DivergedError("found x", faults=faults)
    error.details = {"epoch": 3, "loss": float("inf")}

    kept = json.loads(json.dumps(stored_error(error), allow_nan=False))
    found = restored_error(kept)

    assert type(found) is DivergedError
    assert found.faults == faults
    assert found.message == "found x"
    assert found.details == {"epoch": 3, "loss": None}


def test_an_error_of_a_code_that_is_gone_is_an_internal_one():
    found = restored_error({"code": "of_old", "message": "m", "faults": [], "details": {}})

    assert isinstance(found, GradserveError)
    assert (found.code, found.message) == ("internal", "m")
