"""Datasets as they are told: values of JSON, and the headers of their files."""

import re
from urllib.parse import quote

from service.api.times import time_text
from service.api.wire import Json
from service.jobs.datasets import StoredDataset
from service.training.reading.tables import FORMATS

PATH = "/v1/datasets"
_LONGEST_FILE_NAME = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_UNSAFE_ANYWHERE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u2028-\u202e\u2066-\u2069]+')


def dataset_document(record: StoredDataset) -> Json:
    """A `Dataset`."""
    place = f"{PATH}/{record.id}"
    return {
        "id": record.id,
        "name": record.name,
        "format": record.format,
        "rows": record.rows,
        "columns": [
            {
                "name": column.name,
                "dtype": column.dtype,
                "minimum": column.minimum,
                "maximum": column.maximum,
            }
            for column in record.columns
        ],
        "bytes": record.bytes,
        "sha256": record.sha256,
        "created_at": time_text(record.created_at),
        "links": {"self": place, "content": f"{place}/content"},
    }


def content_headers(record: StoredDataset) -> dict[str, str]:
    """The headers of its file: length, type, tag, a name to save it as."""
    ending = f".{record.format}"
    name = (record.name or record.id).removesuffix(ending)
    plain = _UNSAFE.sub("_", name).strip("._")[:_LONGEST_FILE_NAME] or record.id
    full = _UNSAFE_ANYWHERE.sub("_", name).strip(". ")[:_LONGEST_FILE_NAME] or plain
    encoded = quote(full + ending, safe="", errors="replace")
    return {
        "Content-Length": str(record.bytes),
        "Content-Type": FORMATS[record.format].media_type,
        "Content-Disposition": f'attachment; filename="{plain}{ending}"; '
        f"filename*=UTF-8''{encoded}",
        "ETag": f'"{record.sha256}"',
    }
