"""Parquet that would need much more memory or disk than it has bytes is refused before."""

import io
from contextlib import suppress

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from service.errors import BadDatasetError
from service.training.reading import parquet, parquet_pages
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


def test_pages_of_many_columns_are_added_up(monkeypatch):
    monkeypatch.setattr(parquet_pages, "MAX_PAGES_BYTES", 50_000)
    table = pyarrow.table({f"c{k}": np.arange(1000.0) for k in range(10)})

    with pytest.raises(BadDatasetError, match=r"row group 1: found pages of 8\d,\d+ bytes"):
        read_table(io.BytesIO(parquet_of(table, use_dictionary=False)))


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
