"""NPZ and Parquet made to harm: what they hold is bounded before it is unpacked."""

import io
import re
import struct
import zipfile

import numpy as np
import pyarrow
import pytest

from service.errors import BadDatasetError, OverLimitError
from service.training.reading import numpy_files
from service.training.reading.streams import unnamed_file
from service.training.reading.tables import read_table
from tests.training.test_reading import npy_of, parquet_of, read


def fails(data, text):
    with pytest.raises(BadDatasetError, match=re.escape(text)):
        read(data)


def zip_of(members, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def saved(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def test_an_archive_that_inflates_too_far_is_refused():
    bomb = zip_of({"x.npy": saved(np.zeros((9_000_000, 1)))}, compression=zipfile.ZIP_DEFLATED)

    assert len(bomb) < 100_000
    fails(bomb, "that inflates to 72,000,128, expected at most 67,108,864")


def test_an_archive_that_lies_about_its_size_is_refused():
    data = bytearray(zip_of({"x.npy": saved(np.zeros((1000, 1)))}, compression=8))
    directory = data.rfind(b"PK\x01\x02")
    struct.pack_into("<L", data, directory + 24, 136)

    fails(bytes(data), "the archive cannot be read: Bad CRC-32 for file 'x.npy'")


def test_a_directory_that_fills_memory_is_refused():
    data = bytearray(zip_of({"x.npy": saved(np.zeros(3))}))
    end = data.rfind(b"PK\x05\x06")
    struct.pack_into("<L", data, end + 12, 2**31)
    fails(bytes(data), "found a directory of 2,147,483,648 bytes")

    record = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 1, 1, 2**40, 0)
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, end, 1)
    plain = zip_of({"x.npy": saved(np.zeros(3))})
    fails(
        plain[:end] + record + locator + plain[end:], "found a directory of 1,099,511,627,776"
    )


BAD = {
    "not an array": (zip_of({"a.csv": "1"}), "found 'a.csv' in the archive, expected .npy"),
    "empty": (zip_of({}), "found an empty archive"),
    "bzip2": (
        zip_of({"a.npy": saved(np.zeros(3))}, compression=zipfile.ZIP_BZIP2),
        "found compression method 12, expected stored or deflated",
    ),
    "rows differ": (
        zip_of({"X.npy": saved(np.zeros((3, 2))), "y.npy": saved(np.zeros(4))}),
        "array 'y': found 4 rows, but array 'X' has 3, expected the same",
    ),
    "pickle": (
        zip_of({"X.npy": npy_of("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}")}),
        "array 'X': found pickled objects",
    ),
    "header only": (
        zip_of({"X.npy": npy_of("{'descr': '<f8', 'fortran_order': False, 'shape': (9,)}")}),
        "array 'X': found 0 bytes of numbers, expected 72",
    ),
    "cut": (zip_of({"X.npy": saved(np.zeros(3))})[:60], "the archive cannot be read"),
    "not finite": (
        zip_of({"X.npy": saved(np.array([1, np.inf]))}),
        "row 2, column 'X' (1 of 1)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_an_archive_that_is_no_table_is_refused(name):
    fails(*BAD[name])


def test_a_wrong_checksum_is_found():
    data = bytearray(zip_of({"X.npy": saved(np.arange(500.0))}))
    data[1000] ^= 1

    fails(bytes(data), "the archive cannot be read: Bad CRC-32 for file 'X.npy'")


def table(**columns):
    return parquet_of(pyarrow.table(columns))


BAD_PARQUET = {
    "text": (table(a=[1.0], b=["x"]), "column 'b' (2 of 2): found string, expected float"),
    "nested": (table(a=[[1.0]]), "column 'a' (1 of 1): found list<element: double>"),
    "dates": (table(a=pyarrow.array([1], pyarrow.timestamp("s"))), "found timestamp"),
    "empty cell": (
        table(a=[1, 2], b=[1.5, None]),
        "row 2, column 'b' (2 of 2): found an empty",
    ),
    "not finite": (table(a=[1.0, float("nan")]), "row 2, column 'a' (1 of 1): found nan"),
    "no row": (table(a=pyarrow.array([], pyarrow.float64())), "found no row of data"),
    "no column": (table(), "found no column"),
    "cut": (table(a=[1.0])[:-20], "the Parquet file cannot be read: "),
    "short": (b"PAR1", "the Parquet file cannot be read: "),
    "twice": (
        parquet_of(pyarrow.Table.from_arrays([pyarrow.array([1.0])] * 2, ["a", "a"])),
        "column 2 of 2: found the name 'a', which column 1 has already",
    ),
}


@pytest.mark.parametrize("name", BAD_PARQUET)
def test_parquet_that_is_no_table_is_refused(name):
    fails(*BAD_PARQUET[name])


def test_rows_packed_into_nothing_are_bounded():
    packed = table(a=np.zeros(3_000_000))

    assert len(packed) < 50_000
    with pytest.raises(OverLimitError, match="found over 125,000 rows"):
        read(packed, max_bytes=10**6)


@pytest.mark.parametrize("at_once", [0, 2, 256])
def test_many_arrays_are_read_as_few(monkeypatch, at_once, rng):
    monkeypatch.setattr(numpy_files, "_MOST_INFLATED_AT_ONCE", at_once)
    parts = {
        "a": rng.random(70_000),
        "b": np.asfortranarray(rng.random((70_000, 3))),
        "c": rng.random((70_000, 2)),
    }
    file = io.BytesIO()
    np.savez_compressed(file, **parts)

    expected = np.hstack([parts["a"][:, None], parts["b"], parts["c"]])
    assert np.array_equal(read_table(file, "npz").values, expected)


def test_arrays_by_columns_are_inflated_into_one_file_of_the_folder(monkeypatch, tmp_path, rng):
    made = []

    def noted(folder):
        made.append(folder)
        return unnamed_file(folder)

    monkeypatch.setattr(numpy_files, "unnamed_file", noted)
    parts = {name: np.asfortranarray(rng.random((50_000, 3))) for name in "ab"}
    parts["c"] = rng.random((50_000, 2))
    file = io.BytesIO()
    np.savez_compressed(file, **parts)

    found = read_table(file, "npz", into=tmp_path / "values.npy")

    assert np.array_equal(found.values, np.hstack(list(parts.values())))
    assert made == [tmp_path]
    assert [path.name for path in tmp_path.iterdir()] == ["values.npy"]
