"""JSON tables: three forms of the same numbers; what is wrong is told with row and column."""

import io
import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from service.errors import BadDatasetError
from service.training.reading import json_table
from service.training.reading.tables import read_table

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TABLES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=20), elements=FINITE)
FORMS = {
    "columns": lambda v, n: dict(zip(n, v.T.tolist(), strict=True)),
    "objects": lambda v, n: [dict(zip(n, row, strict=True)) for row in v.tolist()],
    "rows": lambda v, n: {"columns": list(n), "rows": v.tolist()},
    "rows first": lambda v, n: {"rows": v.tolist(), "columns": list(n)},
}


@settings(max_examples=25, deadline=None)
@given(TABLES, st.sampled_from(sorted(FORMS)), st.sampled_from([None, 1]), st.booleans())
def test_every_form_round_trips(values, form, indent, is_ascii):
    names = [f"ä{place}" for place in range(values.shape[1])]
    text = json.dumps(FORMS[form](values, names), indent=indent, ensure_ascii=is_ascii)

    found = read_table(io.BytesIO(text.encode()))

    assert found.values.tobytes() == values.tobytes()
    assert found.names == tuple(names)


def test_keys_may_come_in_any_order_and_columns_may_be_called_columns_and_rows():
    objects = read_table(io.BytesIO(b'[{"a": 1, "b": 2}, {"b": 4, "a": 3}]'))
    named = read_table(io.BytesIO(b'{"columns": [1], "rows": [2]}'))

    assert objects.values.tolist() == [[1, 2], [3, 4]]
    assert (named.names, named.values.tolist()) == (("columns", "rows"), [[1, 2]])


WRONG = {
    '{"a":[1,NaN]}': "row 2, column 'a', line 1: found 'NaN', expected a finite number",
    '{"a":[1,-Infinity]}': "row 2, column 'a', line 1: found '-Infinity', expected a finite",
    '{"a":[1,\n1e999]}': "row 2, column 'a': found '1e999', which is beyond the range",
    '{"a":["1"]}': "row 1, column 'a', line 1: found '\"1\"', expected a number",
    '{"a":[01]}': "row 1, column 'a', line 1: found '01', expected a number",
    '{"a":[1,]}': "row 2, column 'a', line 1: found ']', expected a number",
    '{"a":[[1]]}': "row 1, column 'a', line 1: found '[1', expected a number",
    '{"a":1}': "column 'a', line 1: found '1', expected an array of numbers",
    '{"a":[1],"a":[2]}': "found the key 'a' twice, expected each key once",
    '{"a":[1,2],"b":[1]}': "column 'b' (2 of 2): found 1 number, but column 'a' has 2",
    '{"a":[]}': "found no row of data, expected at least one",
    '{"a":[1': "line 1, byte 8: found the end, expected ',' or ']'",
    '{"a":[1]} x': "line 1, byte 11: found 'x', expected nothing after the value",
    '{"\\ud800":[1]}': "column 1 of 1: found U+D800 in the name, expected text",
    '{"":[1]}': "column 1 of 1: found an empty name",
    '{"a\xff":[1]}': "expected a string of JSON in UTF-8",
    "{}": "found no column, expected at least one",
    "[]": "found an empty array, expected at least one row",
    " ": "found an empty file, expected JSON",
    "1": "found '1', expected an object of columns, or an array of objects",
    "[[1]]": "row 1, line 1: found '[1', expected an object of a number for each column",
    '[{"a":1},{"b":1}]': "row 2: found the column 'b', which row 1 does not have",
    '[{"a":1,"b":2},{"a":1}]': "row 2: found no column 'b', expected the same in each row",
    '[{"a":1},{"a":1,"a":2}]': "row 2: found the key 'a' twice",
    '[{"a":null}]': "row 1, column 'a', line 1: found 'null', expected a number",
    '[{"a":true}]': "row 1, column 'a', line 1: found 'true', expected a number",
    '{"columns":["a"],"rows":[[1],[1,2]]}': "row 2: found 2 numbers, expected 1",
    '{"rows":[[],[1]],"columns":["a"]}': "row 2: found 1 number, expected 0",
    '{"columns":["a","b"],"rows":[[1,2],[1,"x"]]}': "row 2, column 'b' (2 of 2), line 1",
    '{"columns":["a","b"],"rows":[[1]]}': "row 1: found 1 number, expected 2",
    '{"columns":["a"]}': 'expected {"columns": ["a", …], "rows": [[1, …], …]}',
    '{"columns":["a"],"rows":[[1]],"b":[1]}': "and 'b', expected",
}


@pytest.mark.parametrize("text", WRONG, ids=WRONG)
def test_what_is_no_table_is_told_with_its_place(text):
    with pytest.raises(BadDatasetError, match=re.escape(WRONG[text])):
        read_table(io.BytesIO(text.encode("latin-1")), "json")


def test_a_large_file_is_refused_with_a_hint(monkeypatch):
    monkeypatch.setattr(json_table, "MAX_JSON_BYTES", 20)

    with pytest.raises(BadDatasetError, match="more than 20 bytes of JSON") as raised:
        read_table(io.BytesIO(b'{"a": [1, 2, 3, 4, 5, 6]}'))

    assert raised.value.faults[0].hint == "CSV or Parquet suits larger tables"


def test_deep_nesting_and_a_lone_bracket_end_at_once():
    for text in (b"[" * 10**6, b'{"a":' * 10**6, b"{", b'[{"a'):
        with pytest.raises(BadDatasetError, match="expected"):
            read_table(io.BytesIO(text), "json")
