"""Files of every format with the same numbers, and records of what was kept."""

import io
import json

import numpy as np
import pyarrow
import pyarrow.parquet

from service.jobs.datasets import StoredDataset

VALUES = np.array([[1.0, -2.5], [3.25, 1e-300], [5.0, 6.0]])


def csv_file():
    return b"a,b\n" + b"".join(b"%r,%r\n" % (float(a), float(b)) for a, b in VALUES)


def npy_file(values=VALUES):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def npz_file(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **(arrays or {"a": VALUES[:, 0], "b": VALUES[:, 1]}))
    return file.getvalue()


def parquet_file(table=None, **options):
    file = io.BytesIO()
    table = table or pyarrow.table({"a": VALUES[:, 0], "b": VALUES[:, 1]})
    pyarrow.parquet.write_table(table, file, **options)
    return file.getvalue()


def json_file():
    return json.dumps({"a": VALUES[:, 0].tolist(), "b": VALUES[:, 1].tolist()}).encode()


FILES = {
    "csv": csv_file(),
    "npy": npy_file(),
    "npz": npz_file(),
    "parquet": parquet_file(),
    "json": json_file(),
}


def record_of(described, dataset_id="ds_" + "0" * 26):
    return StoredDataset(
        id=dataset_id,
        tenant="local",
        name=None,
        format=described.format,
        rows=described.rows,
        columns=described.columns,
        bytes=described.bytes,
        sha256=described.sha256,
        created_at=0.0,
    )
