"""Reading tables: every format round trips; what is wrong is told with its row and column."""

import io
import re

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from service.errors import BadDatasetError, OverLimitError
from service.training.reading.tables import read_table

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TABLES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=30), elements=FINITE)


def read(data, format=None, **options):
    return read_table(
        io.BytesIO(data if isinstance(data, bytes) else data.encode()), format, **options
    )


def fails(data, text, format=None):
    with pytest.raises(BadDatasetError, match=re.escape(text)) as raised:
        read(data, format)
    return raised.value


def csv_of(values, names, *, end="\n", quote=""):
    header = ",".join(f"{quote}{name}{quote}" for name in names)
    rows = (",".join(f"{quote}{float(v)!r}{quote}" for v in row) for row in values)
    return end.join([header, *rows]) + end


def parquet_of(table, **options):
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file, **options)
    return file.getvalue()


def names_of(count):
    return [f"c{place}" for place in range(count)]


@settings(max_examples=40, deadline=None)
@given(TABLES, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", '"']), st.booleans())
def test_csv_round_trips(values, end, quote, has_end):
    text = csv_of(values, names_of(values.shape[1]), end=end, quote=quote)
    found = read(text if has_end else text.removesuffix(end))

    assert found.values.tobytes() == values.tobytes()
    assert found.names == tuple(names_of(values.shape[1]))
    assert [c.minimum for c in found.columns] == values.min(axis=0).tolist()
    assert [c.maximum for c in found.columns] == values.max(axis=0).tolist()


@settings(max_examples=40, deadline=None)
@given(TABLES, st.sampled_from(["C", "F"]))
def test_npy_round_trips(values, order):
    file = io.BytesIO()
    np.save(file, np.asarray(values, order=order))

    assert read(file.getvalue()).values.tobytes() == values.tobytes()


@settings(max_examples=40, deadline=None)
@given(TABLES)
def test_parquet_round_trips(values):
    names = names_of(values.shape[1])
    table = pyarrow.table({name: values[:, place] for place, name in enumerate(names)})
    found = read(parquet_of(table, row_group_size=7))

    assert found.values.tobytes() == values.tobytes()
    assert found.names == tuple(names)


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "<i4", ">i8", "<u8", "<f2", "<f4", ">f8"])
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_npy_of_any_number_is_read(dtype, shape):
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    file = io.BytesIO()
    np.save(file, values)
    found = read(file.getvalue())

    assert (found.values == values.astype(float).reshape(len(values), -1)).all()
    assert found.columns[0].dtype == values.dtype.newbyteorder("=").name


def test_a_structured_npy_names_its_columns():
    values = np.array([(1, 2.5), (3, 4.5)], dtype=[("θ₁", "<i2"), ("b", ">f4")])
    file = io.BytesIO()
    with pytest.warns(UserWarning, match=r"format 3\.0"):
        np.save(file, values)
    found = read(file.getvalue())

    assert found.names == ("θ₁", "b")
    assert [column.dtype for column in found.columns] == ["int16", "float32"]
    assert found.values.tolist() == [[1, 2.5], [3, 4.5]]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_has_its_arrays_side_by_side(save, rng, tmp_path):
    big = np.asfortranarray(rng.random((70_000, 3)))
    pair = np.zeros(70_000, dtype=[("u", "f4"), ("v", "i8")])
    pair["v"] = np.arange(70_000)
    file = io.BytesIO()
    save(file, X=big, y=np.arange(70_000), p=pair)
    found = read(file.getvalue(), into=tmp_path / "values.npy")

    assert found.names == ("X[0]", "X[1]", "X[2]", "y", "p[u]", "p[v]")
    assert (found.values[:, :3] == big).all()
    assert (found.values[:, 3] == np.arange(70_000)).all()
    assert (found.values[:, 5] == np.arange(70_000)).all()


def test_parquet_of_any_number_is_read(tmp_path):
    table = pyarrow.table(
        {
            "b": pyarrow.array([True, False]),
            "i": pyarrow.array([1, -2], pyarrow.int8()),
            "f": pyarrow.array([0.5, 2], pyarrow.float32()),
            "h": pyarrow.array(np.array([0.5, 2], np.float16)),
        }
    )
    path = tmp_path / "t.parquet"
    path.write_bytes(parquet_of(table))
    found = read_table(path)

    assert found.values.tolist() == [[1, 1, 0.5, 0.5], [0, -2, 2, 2]]
    assert [column.dtype for column in found.columns] == ["bool", "int8", "float32", "float16"]


@pytest.mark.parametrize("has_file", [True, False])
def test_csv_streams_block_by_block(has_file, rng, tmp_path):
    values = rng.random((60_000, 5))

    class Dribbling(io.RawIOBase):
        """A stream that cannot seek and hands out odd pieces."""

        def __init__(self, data):
            self._file = io.BytesIO(data)

        def readable(self):
            return True

        def read(self, count=-1):
            return self._file.read(min(count, 77_777))

    into = tmp_path / "values.npy" if has_file else None
    stream = Dribbling(csv_of(values, "abcde").encode())
    found = read_table(stream, "csv", into=into)

    assert (found.values == values).all()
    assert isinstance(found.values, np.memmap) == has_file
    assert found.values.flags.c_contiguous


def test_a_first_line_of_numbers_is_data():
    found = read("1,2\n3,4\n")

    assert found.names == ("c0", "c1")
    assert found.values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffa,b\n1,2\n3,4",
        "a,b\r\n1,2\r\n3,4\r\n\r\n\n",
        ' a , "b" \n1,2\n3,4'.replace(' "b" ', '"b"'),
        'a,b\n"1","2"\n 3 ,\t4\n',
        "a,b\n+1,2.\n3e0,.4E+1\n",
        'a,b\n"1",2\n3,"+4"\n',
    ],
)
def test_csv_is_written_in_many_ways(text):
    found = read(text)

    assert found.names == ("a", "b")
    assert found.values.tolist() == [[1, 2], [3, 4]]


def test_names_may_hold_commas_and_quotes():
    assert read('"a, b","say ""c"""\n1,2\n').names == ("a, b", 'say "c"')


def test_csv_of_thousands_of_columns_is_read(rng):
    values = rng.random((20, 10_000))

    assert (read(csv_of(values, names_of(10_000))).values == values).all()


BAD_CSV = {
    "": "found an empty file",
    "\ufeff": "found an empty file",
    "\n1,2\n": "line 1: found an empty line, expected names of columns",
    "a,b\n": "found no row of data, expected at least one",
    "a,b\n\n\n": "found no row of data",
    "a,b\n1,2\n1,x\n": "row 2 (line 3), column 'b' (2 of 2): found 'x', expected a number",
    "1,2\n1,x\n": "row 2 (line 2), column 'c1' (2 of 2): found 'x', expected a number",
    "a,b\n1,\n": "row 1 (line 2), column 'b' (2 of 2): found an empty cell, expected a number",
    'a,b\n"",1\n': "row 1 (line 2), column 'a' (1 of 2): found an empty cell",
    "a,b\n1,NaN\n": "column 'b' (2 of 2): found 'NaN', expected a finite number",
    "a,b\n-inf,2\n": "found '-inf', expected a finite number",
    "a,b\n1e999,2\n": "found '1e999', which is beyond the range of float64",
    "a,b\n0x10,2\n": "found '0x10', expected a number",
    "a,b\n1_0,2\n": "found '1_0', expected a number",
    "a,b\n١,2\n": "expected a number",
    "a,b\n1 0,2\n": "found '1 0', expected a number",
    "a,b\n1,2,3\n": "row 1 (line 2): found 3 cells, expected 2",
    "a,b\n1,2\n3\n4,5,6\n": "row 2 (line 3): found 1 cell, expected 2",
    "a,b\n1,2\n\n3,4\n": "row 2 (line 3): found an empty line, expected 2 cells",
    "a\n1\n\n3\n": "row 2 (line 3): found an empty line, expected 1 cell",
    "a,a\n1,2\n": "line 1: column 2 of 2: found the name 'a', which column 1 has already",
    "a,\n1,2\n": "line 1: column 2 of 2: found an empty name",
    "a;b\n1;2\n": "line 1: found one column whose name contains ';', expected commas",
    "a\tb\n1\t2\n": "line 1: found one column whose name contains a tab, expected commas",
    "a;b\n1,5;2\n": "expected commas between the columns",
    'a,"b\n1,2\n': "line 1: found a quote that is not closed",
    'a,b\n1,"2\n3,4\n': "row 1 (line 2): found a quote that is not closed",
    'a,b\n1,"2"5\n': "row 1 (line 2): found text after a closing quote",
    'a,b\n1,"2,3"\n': "row 1 (line 2), column 'b' (2 of 2): found '2,3', expected a number",
    'a,b,c\n1,"2,3"\n': "row 1 (line 2): found 2 cells, expected 3",
    "a,b\n1,2\x00\n": r"row 1 (line 2), column 'b' (2 of 2): found '2\x00', expected a number",
    "a,b\r1,2\r": "line 1: found a carriage return inside the line",
    "a,b\n1,2\r3,4\n": "row 1 (line 2): found 3 cells, expected 2",
    "a\n1\r2\n": "row 1 (line 2): found a carriage return inside the line",
    "a,b\n1,\x1f2\n": "expected a number",
    b"a,b\n1,\xff\n": "row 1 (line 2): found byte 0xff at byte 3 of the line, expected UTF-8",
    b"a,\xe9\n1,2\n": "line 1: found byte 0xe9 at byte 3 of the line, expected UTF-8",
    "a,b\n1,2\n".encode("utf-16"): "line 1: found UTF-16, expected UTF-8",
    "x" * 201 + "\n1\n": "found a name of 201 characters, expected at most 200",
    b"a" * (5 * 2**20): "found more than 4,194,304 bytes without a line end",
    b"," * 100_000 + b"\n": "line 1: found 100001 cells, expected at most 16384 columns",
    "\n".join(
        [",".join(names_of(20_000))] * 2
    ): "line 1: found 20000 columns, expected at most",
    b"a,b\n1,2\n" + b"," * 3_000_000: "row 2 (line 3): found 3000001 cells, expected 2",
    b'a,b\n1,"' + b'",' * 1_000_000: "row 1 (line 2): found 1000002 cells, expected 2",
    b"\x1f\x8b\x08\x00": "found gzip, expected CSV, NPY, NPZ, Parquet or JSON",
}


@pytest.mark.parametrize("data", BAD_CSV, ids=lambda data: repr(data[:24]))
def test_csv_that_is_no_table_is_refused(data):
    fails(data, BAD_CSV[data])


def test_every_bad_row_is_listed_up_to_twenty():
    rows = "".join(f"{place},x\n" for place in range(30))
    error = fails("a,b\n" + rows, "row 1 (line 2)")

    assert len(error.faults) == 20
    assert error.faults[19].message.startswith("row 20 (line 21), column 'b'")


def test_rows_are_counted_across_blocks(rng):
    text = csv_of(rng.random((150_000, 2)), "ab").splitlines()
    text[130_000] = "1,oops"

    fails("\n".join(text), "row 130000 (line 130001), column 'b' (2 of 2): found 'oops'")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='0123456789.eE+-, \t"\r\nxnaif\x00é', max_size=60))
def test_both_ways_of_parsing_agree(text):
    """A cell is what Python's float says, or an error: Arrow is never more lenient."""
    try:
        found = read("1,1\n" + text + "\n", "csv")
    except BadDatasetError:
        return
    lines = text.rstrip("\r\n").split("\n") if text.strip("\r\n") else []

    expected = [[float(cell.strip('"\r')) for cell in line.split(",")] for line in lines]
    assert found.values[1:].tolist() == expected


def npy_of(header, data=b"", version=1):
    text = header.encode("latin-1") + b"\n"
    width = 2 if version == 1 else 4
    return (
        b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(width, "little") + text + data
    )


def header(descr="'<f8'", shape="(2, 2)", order="False"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"


BAD_NPY = {
    npy_of(header(shape="(10**9, 2)"), bytes(32)): "found a header that cannot be read",
    npy_of(header(shape="(1000000000, 1000)"), bytes(32)): "found 32 bytes of numbers, "
    "expected 8,000,000,000,000 for shape (1000000000, 1000) of float64",
    npy_of(header(), bytes(40)): "found 40 bytes of numbers, expected 32",
    npy_of(header(shape="(-2, -2)"), bytes(32)): "found the shape (-2, -2), expected sizes",
    npy_of(header(shape="(True, 4)"), bytes(32)): "found the shape (True, 4), expected sizes",
    npy_of(header(shape="(0, 2)")): "found the shape (0, 2), expected at least one number",
    npy_of(header(shape="()"), bytes(8)): "found the shape (), expected (rows, columns)",
    npy_of(header(shape="(1, 2, 2)"), bytes(32)): "expected (rows, columns) or (rows,)",
    npy_of(
        header(shape="(1, 40000)"), bytes(320_000)
    ): "found 40000 columns, 320,000 bytes a row",
    npy_of(
        header("'|O'"), b"\x80\x04."
    ): "found pickled objects, expected float, integer or bool",
    npy_of(header("'<c16'"), bytes(64)): "found dtype complex128, expected float",
    npy_of(header("'<U4'"), bytes(64)): "found dtype <U4, expected float",
    npy_of(header("'<f16'"), bytes(64)): "expected float, integer or bool of at most 64 bits",
    npy_of(
        header("[('a', '<f8'), ('b', '|O')]", "(2,)"), bytes(32)
    ): "field 'b': found pickled",
    npy_of(header("[('a', '<f8', (2,))]", "(2,)"), bytes(32)): "field 'a': found dtype",
    npy_of("{'descr': __import__('os')}"): "found a header that cannot be read",
    npy_of("(" * 9000): "found a header that cannot be read",
    npy_of("-" * 9000 + "1"): "found a header that cannot be read",
    npy_of("[]"): "found a header that cannot be read",
    b"\x93NUMPY\x02\x00\xff\xff\xff\xff": "found a header of 4,294,967,295 bytes",
    b"\x93NUMPY\x01\x00\xff\x00{": "found the end inside the header",
    b"\x93NUMPY\x09\x00": "found NPY version 9, expected 1, 2 or 3",
    b"\x93NUMPY": "expected the NPY header",
    npy_of(header(), np.array([1, 2, np.nan, 4]).tobytes()): "row 2, column 'c0' (1 of 2): "
    "found nan, expected a finite number",
}


@pytest.mark.parametrize("data", BAD_NPY, ids=lambda data: repr(data[10:60]))
def test_npy_that_is_no_table_is_refused(data):
    fails(data, BAD_NPY[data])


def test_a_pickle_is_never_loaded():
    file = io.BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)

    fails(file.getvalue(), "found pickled objects")
    fails(b"\x80\x04\x95\x00", "found a pickle, expected CSV, NPY, NPZ, Parquet or JSON")


def test_an_integer_beyond_its_field_is_no_crash():
    fails(npy_of(header("'<f8'", f"({'9' * 4000},)")), "found")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["npy", "npz", "parquet", "csv"]), st.data())
def test_a_damaged_file_is_read_or_refused(format, data):
    values = np.arange(12.0).reshape(4, 3)
    file = io.BytesIO()
    if format == "parquet":
        file.write(parquet_of(pyarrow.table({name: [1.5, 2.5] for name in "ab"})))
    elif format == "csv":
        file.write(csv_of(values, "abc", quote='"').encode())
    else:
        (np.save if format == "npy" else np.savez_compressed)(file, values)
    damaged = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    try:
        found = read(bytes(damaged[: cut or None]), format)
    except BadDatasetError:
        return

    assert np.isfinite(found.values).all()


def test_values_over_the_limit_are_refused_and_leave_no_file(tmp_path):
    path = tmp_path / "values.npy"

    with pytest.raises(OverLimitError, match="found over 2 rows of 2 columns, whose values"):
        read("a,b\n1,2\n3,4\n5,6\n", into=path, max_bytes=32)
    assert not path.exists()
