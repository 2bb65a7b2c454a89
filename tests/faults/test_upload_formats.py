"""Files of every format over HTTP: of all types of numbers, and made to harm."""

import io
import json
import pickle
import zipfile

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from service.training.reading.tables import FORMATS
from tests.faults.house import House
from tests.faults.uploads import PATH, Uploads

MOST_GROWTH = 40 * 2**20
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
TYPES = ["float16", "float32", "float64", "bool", *INTEGERS]


@pytest.fixture(scope="module")
def uploads(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("formats"))
    with Uploads(house) as found:
        yield found
    house.close()


def columns_of(kind):
    """Two columns with the extremes of the type, as far as float64 has them."""
    if kind == "bool":
        return np.array([True, False, True]), np.array([False, False, True])
    if kind.startswith("float"):
        ends = np.finfo(kind)
        return np.array([ends.min, ends.tiny, 0.1], kind), np.array([ends.max, -0.0, 3], kind)
    ends = np.iinfo(kind)
    most = min(ends.max, 2**53)
    return np.array([max(ends.min, -(2**53)), 0, 1], kind), np.array([most, 7, 5], kind)


def file_of(format, columns):
    file = io.BytesIO()
    named = dict(zip("ab", columns, strict=True))
    if format == "npy":
        np.save(file, np.column_stack(columns))
    elif format == "npz":
        np.savez(file, **named)
    elif format == "parquet":
        pyarrow.parquet.write_table(pyarrow.table(named), file)
    elif format == "json":
        numbers = {name: (column + 0).tolist() for name, column in named.items()}
        file.write(json.dumps(numbers).encode())
    else:
        rows = (f"{a!r},{b!r}\n" for a, b in zip(*(c.tolist() for c in columns), strict=True))
        file.write("".join(["a,b\n", *rows]).encode())
    return file.getvalue()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("kind", TYPES)
def test_numbers_of_every_type_come_back_as_they_were(uploads, format, kind):
    columns = columns_of(kind)
    if kind == "bool" and format in ("csv", "json"):
        columns = [column.astype(int) for column in columns]
    content = file_of(format, columns)

    response = uploads.post(content, FORMATS[format].media_type)

    assert response.status_code == 201, response.text
    found = response.json()
    if format in ("npy", "npz", "parquet"):
        assert [column["dtype"] for column in found["columns"]] == [kind, kind]
    for column, told in zip(columns, found["columns"], strict=True):
        assert (told["minimum"], told["maximum"]) == (float(column.min()), float(column.max()))
    assert uploads.client.get(found["links"]["content"]).content == content
    assert uploads.client.delete(found["links"]["self"]).status_code == 204


def npy_with(header, numbers=b""):
    raw = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(raw).to_bytes(2, "little") + raw + numbers


def objects():
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}, None]), allow_pickle=True)
    return file.getvalue()


def archive(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(f"{name}.npy", content)
    return file.getvalue()


def bomb():
    size = 100 * 10**6
    header = f"{{'descr': '|i1', 'fortran_order': False, 'shape': ({size},)}}"
    return archive(x=npy_with(header, bytes(size)))


def parquet_of_one_page():
    file = io.BytesIO()
    size = 10_000_000
    pyarrow.parquet.write_table(
        pyarrow.table({"a": np.zeros(size)}), file, compression="zstd", use_dictionary=False,
        data_page_size=2**30, write_batch_size=size, row_group_size=size,
        max_rows_per_page=size,
    )  # fmt: skip
    return file.getvalue()


HUGE = "{'descr': '<f8', 'fortran_order': %s, 'shape': (%d, 2)}"
HARMFUL = {
    "bomb": ("npz", bomb, "that inflates to 100,000,"),
    "page": ("parquet", parquet_of_one_page, "found a page of 80,000,"),
    "objects": ("npy", objects, "found pickled objects, expected float, integer or bool"),
    "objects in an archive": ("npz", lambda: archive(x=objects()), "found pickled objects"),
    "pickle": ("npy", lambda: pickle.dumps([1.0]), "expected the NPY header"),
    "huge": ("npy", lambda: npy_with(HUGE % (False, 10**12), bytes(64)),
             "found 64 bytes of numbers, expected 16,000,000,000,000"),
    "huge by columns": ("npy", lambda: npy_with(HUGE % (True, 10**12), bytes(64)),
                        "found 64 bytes of numbers"),
    "huge in an archive": ("npz", lambda: archive(x=npy_with(HUGE % (True, 10**12))),
                           "found 0 bytes of numbers"),
    "deep header": ("npy", lambda: npy_with("(" * 60_000), "a header that cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("case", HARMFUL)
def test_what_is_made_to_harm_is_refused_without_much_memory(uploads, case):
    format, make, text = HARMFUL[case]
    content = make()
    kept, before = uploads.kept(), uploads.live.reset_peak()

    response = uploads.post(content, FORMATS[format].media_type)

    assert response.status_code == 422
    assert response.json()["code"] == "bad_dataset"
    assert text in response.json()["errors"][0]["message"]
    assert uploads.live.peak_bytes() - before < MOST_GROWTH
    uploads.assert_clear(kept)
    assert uploads.client.get(PATH).json()["data"] == []
