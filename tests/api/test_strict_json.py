"""Strict JSON against a plain reading of the standard."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.strict_json import parse_json
from service.errors import DuplicateKeyError, MalformedJsonError, OverLimitError
from service.settings import Limits

LIMITS = Limits(max_json_strings=1000, max_json_arrays=200_000)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", "the body is empty"),
        (b" \n\t ", "the body is empty"),
        (b"\xef\xbb\xbf{}", r"offset 0: found a UTF-8 byte order mark \(BOM\)"),
        (b'{"a":"\xff"}', "offset 6: found the byte 0xff, expected UTF-8"),
        ('{"a":1}'.encode("utf-16"), "offset 0: found the byte 0xff, expected UTF-8"),
        (b'{"a":NaN}', "offset 5, line 1, column 6: found NaN, but NaN is not JSON"),
        (b'{"a":-Infinity}', "found Infinity, but Infinity is not JSON"),
        (b'{"a":+1}', "offset 5, line 1, column 6"),
        (b'{"a":1e400}', "offset 5, line 1, column 6: number is infinity"),
        (b'{"a":' + b"1" * 5000 + b"}", "number is infinity"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":1}{}', "offset 7, line 1, column 8: unexpected content after document"),
        (b'{"a":1}\n{"b":2}', "line 2, column 1"),
        (b'{"a":1,}', "trailing comma"),
        (b'{"a":01}', "leading zero"),
        (b"[" * 100_000, "depth limit"),
        (b'{"a":1/*c*/}', "offset 6"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(raw, text):
    with pytest.raises(MalformedJsonError, match=text):
        parse_json(raw, LIMITS)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (
            b'{"a":1,"a":1}',
            r"offset 7, line 1, column 8: found the key 'a' for the second time",
        ),
        (b'{"x":1, "\\u0078":2}', "offset 8, .* found the key 'x'"),
        (b'{"a":\n{"b":1,"c":{},\n"b":2}}', r"line 3, column 1: found the key 'b'"),
        (b'[1,{"k":[{"a":1,"a":{}}]}]', "found the key 'a'"),
        ('{"α":1,"α":2}'.encode(), "offset 7, .* found the key 'α'"),
        (b'{"a":1,"a":"\\u003a"}', "found the key 'a'"),
        (b'{"a:b":1,"a:b":":"}', "found the key 'a:b'"),
        (b'{"":1,"":2}', "found the key ''"),
        (b'{"\\"}":1,"\\"}":2}', "found the key"),
    ],
)
def test_a_key_that_is_named_twice_is_refused_with_its_place(raw, text):
    with pytest.raises(DuplicateKeyError, match=text):
        parse_json(raw, LIMITS)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":{"a":1},"b":{"a":2}}',
        '{"a:":":", "b":"x[:, 1]", "c":["::", {"d":":"}]}',
        '{"a":"\\u003a", "b":"\\u003A:"}',
        '[{"a":1},{"a":1}]',
        '{"a":"{\\"a\\":1,\\"a\\":2}"}',
        "[]",
        '"a:b"',
        '{"x":[[1,2],[3,4]],"y":-0.0,"z":12345678901234567}',
    ],
)
def test_keys_that_only_look_alike_are_accepted(text):
    assert parse_json(text.encode(), LIMITS) == json.loads(text)


texts = st.text(st.sampled_from('ab:{}"\\'), max_size=3)


def objects_of(parts):
    return st.lists(st.tuples(texts, parts), max_size=3).map(
        lambda pairs: "{" + ",".join(f"{json.dumps(k)}:{v}" for k, v in pairs) + "}"
    )


documents = st.recursive(
    st.one_of(texts.map(json.dumps), st.sampled_from(["1", '"\\u003a"', '"\\u0061"'])),
    lambda parts: st.one_of(
        objects_of(parts), st.lists(parts, max_size=3).map(lambda p: "[" + ",".join(p) + "]")
    ),
    max_leaves=12,
)


@given(documents)
def test_a_document_is_refused_exactly_if_an_object_repeats_a_key(document):
    repeated = []

    def members(pairs):
        repeated.append(len(dict(pairs)) < len(pairs))
        return dict(pairs)

    expected = json.loads(document, object_pairs_hook=members)

    if any(repeated):
        with pytest.raises(DuplicateKeyError, match="for the second time"):
            parse_json(document.encode(), LIMITS)
    else:
        assert parse_json(document.encode(), LIMITS) == expected


def test_more_strings_and_objects_than_the_limit_are_refused_before_parsing():
    raw = b'["' + b'","' * 1000 + b'"'

    with pytest.raises(OverLimitError, match=r"1001 strings and objects, but .* is 1000"):
        parse_json(raw, LIMITS)


def test_more_arrays_than_the_limit_are_refused_before_parsing():
    raw = b"[" * 200_001

    with pytest.raises(OverLimitError, match=r"200001 arrays, but .* is 200000"):
        parse_json(raw, LIMITS)
