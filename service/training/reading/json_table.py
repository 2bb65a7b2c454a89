"""JSON: columns by name, rows as objects, or names and rows; strict, small, read as it lies.

{"a": [1, 2], "b": [3, 4]}, [{"a": 1, "b": 3}, {"a": 2, "b": 4}] and
{"columns": ["a", "b"], "rows": [[1, 3], [2, 4]]} are the same table. Numbers go to arrays of
float64 while the text is read, so that memory stays within a small multiple of its length.
"""

import json
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import numpy as np

from service.errors import BadDatasetError
from service.language.places import shown
from service.training.data import MAX_COLUMNS, Array, check_names, column_place, row_blocks
from service.training.reading.streams import RowStream, read_up_to

MAX_JSON_BYTES = 16 * 2**20
_SMALLER = "CSV or Parquet suits larger tables"
_SPACE = re.compile(rb"[ \t\n\r]*+")
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\.)*+"')
_NUMBER = re.compile(rb"-?+(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?+[0-9]++)?+(?![\w.+-])")
_WORD = re.compile(rb"[^\s,\]}]{1,40}")
_NOT_FINITE = re.compile(rb"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
Where = Callable[[], str]


def read_json(stream: BinaryIO) -> RowStream:
    """A table in one of three forms; an object's keys may come in any order.

    Raises:
        BadDatasetError: it is not such JSON, a key comes twice, a cell is no finite number, a
            row or a column has more or fewer of them, or the file is over 16 MiB.
    """
    raw = read_up_to(stream, MAX_JSON_BYTES + 1)
    if len(raw) > MAX_JSON_BYTES:
        raise BadDatasetError(
            f"found more than {MAX_JSON_BYTES:,} bytes of JSON, expected less",
            hint=_SMALLER,
        )
    text = _Text(raw)
    if text.next_is(b"["):
        names, values = _rows_of_objects(text)
    elif text.next_is(b"{"):
        names, values = _object(text)
    else:
        raise text.unexpected("an object of columns, or an array of objects")
    text.end()
    return RowStream(names, ("float64",) * len(names), row_blocks(values))


def _rows_of_objects(text: "_Text") -> tuple[tuple[str, ...], Array]:
    names: dict[str, int] = {}
    numbers = array("d")
    row, name = 0, ""

    def place() -> str:
        return f"row {row}, column {shown(name)}"

    for _ in text.items(b"[", b"]"):
        row += 1
        if not text.next_is(b"{"):
            raise text.unexpected("an object of a number for each column", f"row {row}")
        found: dict[str, float] = {}
        for name in text.keys(f"row {row}"):
            if row == 1:
                names[name] = len(names)
                _check_count(len(names), "row 1")
            elif name not in names:
                raise BadDatasetError(
                    f"row {row}: found the column {shown(name)}, which row 1 does not have, "
                    "expected the same in each row"
                )
            found[name] = text.number(place)
        if len(found) != len(names):
            missing = next(name for name in names if name not in found)
            raise BadDatasetError(
                f"row {row}: found no column {shown(missing)}, expected the same in each row"
            )
        numbers.extend([found[name] for name in names])
    if not row:
        raise BadDatasetError("found an empty array, expected at least one row")
    check_names(tuple(names))
    return tuple(names), _table(numbers, len(names))


def _object(text: "_Text") -> tuple[tuple[str, ...], Array]:
    columns: dict[str, array[float]] = {}
    names: tuple[str, ...] | None = None
    rows: tuple[array[float], int] | None = None
    for name in text.keys(""):
        _check_count(len(columns) + 1, "")
        start = text.start_of_array()
        if name == "columns" and start == b'"':
            names = _names(text)
        elif name == "rows" and start in (b"[", b"{"):
            rows = _rows(text, names)
        elif start is None:
            raise text.unexpected("an array of numbers", f"column {shown(name)}")
        else:
            columns[name] = _column(text, name)
    if names is None and rows is None:
        return _side_by_side(columns)
    if names is None or rows is None or columns:
        others = ", ".join(shown(name) for name in columns) or "one of them alone"
        raise BadDatasetError(
            f'found "columns" with names or "rows" with rows, and {others}, '
            'expected {"columns": ["a", …], "rows": [[1, …], …]}'
        )
    check_names(names)
    numbers, width = rows
    if width and width != len(names):
        raise BadDatasetError(f"row 1: found {_count(width)}, expected {len(names)}")
    return names, _table(numbers, len(names))


def _names(text: "_Text") -> tuple[str, ...]:
    found = []
    for _ in text.items(b"[", b"]"):
        found.append(text.string("a name of a column", "columns"))
        _check_count(len(found), "columns")
    return tuple(found)


def _rows(text: "_Text", names: Sequence[str] | None) -> tuple["array[float]", int]:
    """The numbers of arrays of the same length, and that length."""
    numbers = array("d")
    row, width = 0, None if names is None else len(names)

    def place() -> str:
        column = len(numbers) - before
        known = names is not None and column < len(names)
        told = column_place(names, column) if known and names else f"column {column + 1}"
        return f"row {row}, {told}"

    for _ in text.items(b"[", b"]"):
        row += 1
        if not text.next_is(b"["):
            raise text.unexpected("an array of numbers", f"row {row}")
        before = len(numbers)
        for _ in text.items(b"[", b"]"):
            numbers.append(text.number(place))
            _check_count(len(numbers) - before, f"row {row}")
        count = len(numbers) - before
        width = count if width is None else width
        if count != width:
            raise BadDatasetError(f"row {row}: found {_count(count)}, expected {width}")
    return numbers, width or 0


def _column(text: "_Text", name: str) -> "array[float]":
    numbers = array("d")
    for _ in text.items(b"[", b"]"):
        numbers.append(text.number(lambda: f"row {len(numbers) + 1}, column {shown(name)}"))
    return numbers


def _side_by_side(columns: dict[str, "array[float]"]) -> tuple[tuple[str, ...], Array]:
    names = tuple(columns)
    check_names(names)
    rows = len(columns[names[0]])
    for place, column in enumerate(columns.values()):
        if len(column) != rows:
            raise BadDatasetError(
                f"{column_place(names, place)}: found {_count(len(column))}, but column "
                f"{shown(names[0])} has {rows}, expected the same"
            )
    values = np.empty((rows, len(names)))
    for place, column in enumerate(columns.values()):
        values[:, place] = column
    return names, values


def _table(numbers: "array[float]", width: int) -> Array:
    return (
        np.frombuffer(numbers, np.float64).reshape(-1, width)
        if numbers
        else np.empty((0, width))
    )


def _check_count(columns: int, where: str) -> None:
    if columns > MAX_COLUMNS:
        place = f"{where}: " if where else ""
        raise BadDatasetError(
            f"{place}found over {MAX_COLUMNS} columns, expected at most {MAX_COLUMNS}"
        )


def _count(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"


class _Text:
    """JSON that is read from left to right; what is not as expected is told with its place."""

    def __init__(self, raw: bytes) -> None:
        if raw.startswith(b"\xef\xbb\xbf"):
            raise BadDatasetError("found a byte order mark, expected JSON without one")
        self._raw = raw
        self._place = 0
        self._skip()
        if self._place == len(raw):
            raise BadDatasetError("found an empty file, expected JSON")

    def _skip(self) -> None:
        found = _SPACE.match(self._raw, self._place)
        self._place = found.end() if found else self._place

    def next_is(self, character: bytes) -> bool:
        """Whether this comes next; it stays where it is."""
        return self._raw.startswith(character, self._place)

    def start_of_array(self) -> bytes | None:
        """What an array that comes next starts with; None if no array comes next."""
        if not self.next_is(b"["):
            return None
        found = _SPACE.match(self._raw, self._place + 1)
        after = found.end() if found else self._place + 1
        return self._raw[after : after + 1]

    def take(self, character: bytes, expected: str) -> None:
        """Read this character and the space after it."""
        if not self.next_is(character):
            raise self.unexpected(expected)
        self._place += 1
        self._skip()

    def items(self, opening: bytes, closing: bytes) -> Iterator[None]:
        """Stand at each item between the brackets, which the caller reads."""
        self.take(opening, repr(opening.decode()))
        if self.next_is(closing):
            self.take(closing, "")
            return
        while True:
            yield
            if self.next_is(closing):
                self.take(closing, "")
                return
            self.take(b",", f"',' or {closing.decode()!r}")

    def keys(self, where: str) -> Iterator[str]:
        """The keys of an object, each once; the caller reads the value of each."""
        seen: set[str] = set()
        for _ in self.items(b"{", b"}"):
            name = self.string("a key", where)
            if name in seen:
                raise BadDatasetError(
                    f"{f'{where}: ' if where else ''}found the key {shown(name)} twice, "
                    "expected each key once"
                )
            seen.add(name)
            self.take(b":", "':'")
            yield name

    def string(self, expected: str, where: str) -> str:
        """The text of a string."""
        found = _STRING.match(self._raw, self._place)
        if not found:
            raise self.unexpected(expected, where)
        try:
            text = json.loads(found[0])
        except ValueError as error:
            raise self.unexpected("a string of JSON in UTF-8", where) from error
        self._place = found.end()
        self._skip()
        return str(text)

    def number(self, where: Where) -> float:
        """A finite number."""
        found = _NUMBER.match(self._raw, self._place)
        if not found:
            is_close = _NOT_FINITE.match(self._raw, self._place)
            raise self.unexpected("a finite number" if is_close else "a number", where())
        number = float(found[0])
        if number - number != 0:
            clipped = shown(found[0][:40].decode())
            raise BadDatasetError(
                f"{where()}: found {clipped}, which is beyond the range of float64, "
                "expected a finite number"
            )
        self._place = found.end()
        self._skip()
        return number

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self._place < len(self._raw):
            raise self.unexpected("nothing after the value")

    def unexpected(self, expected: str, where: str = "") -> BadDatasetError:
        """What is found here, and what was expected."""
        before = self._raw[: self._place]
        line = before.count(b"\n") + 1
        column = self._place - before.rfind(b"\n")
        place = f"{where}, line {line}" if where else f"line {line}, byte {column}"
        rest = self._raw[self._place : self._place + 40]
        word = _WORD.match(rest)
        found = (word[0] if word else rest[:1]).decode(errors="replace")
        told = shown(found) if found else "the end"
        return BadDatasetError(f"{place}: found {told}, expected {expected}")
