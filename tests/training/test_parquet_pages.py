"""Parquet that would need much more memory or disk than it has bytes is refused before."""

import io
from contextlib import suppress

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from service.errors import BadDatasetError, OverLimitError
from service.training.reading import parquet
from service.training.reading.tables import read_table


def parquet_of(table, **options):
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file, **options)
    return file.getvalue()


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd"])
@pytest.mark.parametrize("use_dictionary", [True, False])
@pytest.mark.parametrize("checksum", [True, False])
def test_every_way_of_writing_pages_is_read(
    version, compression, use_dictionary, checksum, rng
):
    values = rng.integers(0, 50, (5000, 3)).astype(float)
    table = pyarrow.table({name: values[:, k] for k, name in enumerate("abc")})
    content = parquet_of(
        table,
        data_page_version=version,
        compression=compression,
        use_dictionary=use_dictionary,
        write_page_checksum=checksum,
        data_page_size=1000,
        row_group_size=1700,
        write_page_index=checksum,
    )

    assert np.array_equal(read_table(io.BytesIO(content)).values, values)


def test_a_page_that_is_large_decompressed_is_refused():
    table = pyarrow.table({"a": np.zeros(10_000_000)})
    content = parquet_of(
        table,
        compression="zstd",
        use_dictionary=False,
        data_page_size=2**30,
        write_batch_size=10_000_000,
        row_group_size=10_000_000,
        max_rows_per_page=10_000_000,
    )

    with pytest.raises(BadDatasetError, match=r"'a': found a page of .* at most 67,108,864"):
        read_table(io.BytesIO(content))


@pytest.mark.parametrize("at_once", [1, 300_000, 2**26])
@pytest.mark.parametrize("into", [None, "values.npy"])
def test_columns_with_large_pages_are_read_in_parts(at_once, into, monkeypatch, tmp_path, rng):
    monkeypatch.setattr(parquet, "_BYTES_AT_ONCE", at_once)
    monkeypatch.setattr(parquet, "BLOCK_BYTES", 10_000)
    values = rng.normal(size=(3000, 7))
    # Names that Arrow would take for fields of one another.
    names = ["a", "a.b", "a.b.c", "b", "list.element", "0", "é"]
    table = pyarrow.table({name: values[:, k] for k, name in enumerate(names)})
    content = parquet_of(table, row_group_size=1100)

    found = read_table(io.BytesIO(content), into=into and tmp_path / into)

    assert np.array_equal(found.values, values)
    assert [column.name for column in found.columns] == names
    assert [path.name for path in tmp_path.iterdir()] == ([into] if into else [])


def test_an_empty_cell_of_a_later_part_has_its_place(monkeypatch):
    monkeypatch.setattr(parquet, "_BYTES_AT_ONCE", 1)
    table = pyarrow.table({"a": [1.0] * 9, "b": [1.0] * 7 + [None, 2.0]})

    with pytest.raises(BadDatasetError, match=r"row 8, column 'b' \(2 of 2\): found an empty"):
        read_table(io.BytesIO(parquet_of(table, row_group_size=4)))


def test_what_is_too_large_is_refused_before_it_is_read():
    content = parquet_of(pyarrow.table({"a": np.zeros(2_000_000)}))

    with pytest.raises(OverLimitError, match="found over 100 rows of 1 columns"):
        read_table(io.BytesIO(content), max_bytes=800)


def test_a_small_file_of_very_many_rows_is_refused(monkeypatch):
    monkeypatch.setattr(parquet, "_ALWAYS_INFLATED", 2**20)
    table = pyarrow.table({"a": np.zeros(2_000_000)})

    with pytest.raises(BadDatasetError, match="2,000,000 rows of 1 columns, which are 16,000"):
        read_table(io.BytesIO(parquet_of(table)))


def test_a_footer_that_says_it_is_huge_is_refused():
    content = parquet_of(pyarrow.table({"a": [1.0]}))
    lying = content[:-8] + (2**31 - 1).to_bytes(4, "little") + content[-4:]

    with pytest.raises(BadDatasetError, match="found a footer of 2,147,483,647 bytes"):
        read_table(io.BytesIO(lying))


def test_a_damaged_file_is_refused_or_read(rng):
    table = pyarrow.table({name: rng.normal(size=300) for name in "ab"})
    content = parquet_of(table, data_page_size=200)
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(4, len(content) - 8, 3):
            damaged[place] = rng.integers(256)
        with suppress(BadDatasetError):
            read_table(io.BytesIO(bytes(damaged)))
