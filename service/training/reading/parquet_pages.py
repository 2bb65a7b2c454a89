"""The pages of a Parquet file, whose sizes are looked at before Arrow makes room for them.

A page's header (Apache Parquet, parquet.thrift, PageHeader; Thrift's compact protocol) says how
large it is decompressed, and a small file can say, and hold, gigabytes of zeros.
"""

from typing import Any, BinaryIO

from service.errors import BadDatasetError

MAX_PAGE_BYTES = 64 * 2**20
_FOOTER_BYTES = 64 * 2**20
_HEADER_BYTES = 64 * 2**10
_USUAL_HEADER_BYTES = 512
_HINT = "write smaller pages: pyarrow's data_page_size"
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY = 0, 1, 2, 3, 7, 8
_INTEGERS = (4, 5, 6)
_STRUCT = 12
_DEEPEST = 8


def check_footer(stream: BinaryIO, length: int) -> None:
    """Refuse a footer that Arrow would need much memory for; the stream is at its start.

    Raises:
        BadDatasetError: it is larger than 64 MiB.
    """
    if length < 8:
        return
    stream.seek(length - 8)
    size, magic = int.from_bytes(stream.read(4), "little"), stream.read(4)
    stream.seek(0)
    if magic == b"PAR1" and size > _FOOTER_BYTES:
        raise BadDatasetError(
            f"found a footer of {size:,} bytes, expected at most {_FOOTER_BYTES:,}"
        )


def sizes_of_pages(stream: BinaryIO, metadata: Any) -> list[list[int]]:  # noqa: ANN401
    """By row group and column: bytes of the largest page and the dictionary, decompressed.

    `metadata` is Arrow's FileMetaData.

    Raises:
        BadDatasetError: a page is too large.
    """
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    return [
        [_largest(stream, group.column(place)) for place in range(group.num_columns)]
        for group in groups
    ]


def _largest(stream: BinaryIO, column: Any) -> int:  # noqa: ANN401  # ColumnChunkMetaData
    """Bytes of the largest page of each kind, decompressed, added up."""
    starts = (column.dictionary_page_offset, column.data_page_offset)
    place = min((start for start in starts if start is not None and start > 0), default=0)
    end = place + column.total_compressed_size
    largest: dict[int, int] = {}
    while place < end:
        length, kind, size, stored = _page(stream, place)
        if size > MAX_PAGE_BYTES:
            raise BadDatasetError(
                f"column {str(column.path_in_schema)[:80]!r}: found a page of {size:,} bytes, "
                f"expected at most {MAX_PAGE_BYTES:,}",
                hint=_HINT,
            )
        largest[kind] = max(largest.get(kind, 0), size)
        place += length + stored
    return sum(largest.values())


def _page(stream: BinaryIO, place: int) -> tuple[int, int, int, int]:
    """Of a page its header's length, its kind, its size decompressed and as it is stored."""
    for count in (_USUAL_HEADER_BYTES, _HEADER_BYTES):
        stream.seek(place)
        reader = _Compact(stream.read(count))
        try:
            fields = reader.integers()
            length, (kind, size, stored) = reader.place, (fields[n] for n in (1, 2, 3))
        except IndexError:
            continue
        except (KeyError, ValueError) as error:
            raise _unreadable() from error
        if min(size, stored) < 0:
            raise _unreadable()
        return length, kind, size, stored
    raise _unreadable()


def _unreadable() -> BadDatasetError:
    return BadDatasetError(
        "the Parquet file cannot be read: found no header of a page where one is expected"
    )


class _Compact:
    """Thrift's compact protocol, as far as a page's header needs it.

    IndexError: there are too few bytes; ValueError: it is none.
    """

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.place = 0

    def integers(self) -> dict[int, int]:
        """The integers among the fields of the struct that comes next, by number."""
        found: dict[int, int] = {}
        number = 0
        while (head := self._byte()) & 15 != _STOP:
            number = number + (head >> 4) if head >> 4 else self._signed()
            if head & 15 in _INTEGERS:
                found[number] = self._signed()
            else:
                self._skip(head & 15, 1)
        return found

    def _byte(self) -> int:
        value = self._raw[self.place]
        self.place += 1
        return value

    def _unsigned(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise ValueError

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _skip(self, kind: int, depth: int) -> None:
        if depth > _DEEPEST:
            raise ValueError
        if kind in (_TRUE, _FALSE):
            return
        if kind == _BYTE:
            self._forward(1)
        elif kind in _INTEGERS:
            self._unsigned()
        elif kind == _DOUBLE:
            self._forward(8)
        elif kind == _BINARY:
            self._forward(self._unsigned())
        elif kind == _STRUCT:
            while (head := self._byte()) & 15 != _STOP:
                if not head >> 4:
                    self._signed()
                self._skip(head & 15, depth + 1)
        else:  # lists, sets and maps, of which such a header has none
            raise ValueError

    def _forward(self, count: int) -> None:
        self.place += count
        if self.place > len(self._raw):
            raise IndexError
