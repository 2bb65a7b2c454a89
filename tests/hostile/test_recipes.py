"""The recipes of bad_inputs.json make what its meta says."""

import gzip
import json

import pytest

from tests.hostile.cases import BATTERY
from tests.hostile.recipes import RECIPES, RawNumber, expand, json_bytes, request_bytes


@pytest.mark.parametrize(
    ("recipe", "made"),
    [
        ({"$repeat": ["ab", 3]}, "ababab"),
        ({"$concat": ["x", {"$repeat": ["**x", 2]}]}, "x**x**x"),
        ({"$concat": ["x", {"$b64": "/w=="}]}, b"x\xff"),
        ({"$join": [" + ", "%c%d", 3]}, "a0 + b1 + c2"),
        ({"$list": [0.5, 3]}, [0.5, 0.5, 0.5]),
        ({"$nest": [3, 1]}, [[[1]]]),
        ({"$objn": ["k%d", 2]}, {"k0": 1, "k1": 1}),
        ({"$key": [{"$repeat": ["x", 3]}, 2]}, {"xxx": 2}),
        ({"$b64": "77u/e30="}, b"\xef\xbb\xbf{}"),
        ({"$encode": ["utf-16-le", "{}"]}, b"{\0}\0"),
        ({"$square": ["x", 2]}, "((x)*(x))*((x)*(x))"),
        ({"a": [{"$repeat": ["x", 2]}], "b": 1}, {"a": ["xx"], "b": 1}),
    ],
    ids=str,
)
def test_a_recipe_makes_its_value(recipe, made):
    assert expand(recipe) == made


def test_every_recipe_of_the_meta_is_known():
    assert BATTERY["meta"]["recipes"].keys() == RECIPES.keys()


def test_a_raw_number_keeps_all_its_digits():
    expanded = expand({"x": {"$rawnum": ["1", 5000]}, "y": {"$rawnum": ["2", 3]}})

    assert isinstance(expanded["x"][0], RawNumber)
    assert json_bytes(expanded) == b'{"x": [' + b"1" * 5000 + b'], "y": [222]}'


def test_squaring_stops_in_time():
    assert 10_000_000 < len(expand({"$square": ["x", 30]})) < 40_000_000


def test_gzip_unpacks_to_its_text():
    assert gzip.decompress(expand({"$gzip": "{}"})) == b"{}"


def test_zipped_zeros_are_as_many_as_asked():
    packed = expand({"$gzipzeros": 5_000_001})

    assert len(packed) < 50_000
    assert gzip.decompress(packed) == bytes(5_000_001)


def test_a_body_over_the_limit_is_a_request_but_for_its_size():
    limit = BATTERY["meta"]["limits_assumed"]["body_bytes"]

    body = expand({"$limit_plus": 1})

    assert len(body) == limit + 1
    assert json.loads(body)["expression"] == "x"


def test_a_request_has_its_headers_and_length():
    request = {
        "method": "POST",
        "path": {"$concat": ["/v1/", "jacobian"]},
        "headers": {"content-type": "application/json"},
        "json": {"expression": {"$repeat": ["x", 2]}},
    }

    assert request_bytes(request, "here:1") == (
        b"POST /v1/jacobian HTTP/1.1\r\nhost: here:1\r\ncontent-type: application/json\r\n"
        b'content-length: 20\r\nconnection: close\r\n\r\n{"expression": "xx"}'
    )
