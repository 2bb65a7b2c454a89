"""CSV: blocks of whole lines, parsed by Arrow; a block it refuses is read cell by cell."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow
import pyarrow.csv
from numpy.typing import NDArray

from service.errors import BadDatasetError, Fault
from service.language.places import shown
from service.training.data import MAX_COLUMNS, Array, check_names, column_place
from service.training.reading.streams import CHUNK_BYTES, RowStream, read_up_to

_MAX_LINE_BYTES = 4 * 2**20
_MOST_FAULTS = 20
_LONGEST_SHOWN = 40
_NUMBER = re.compile(r"[ \t]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
_NOT_FINITE = re.compile(r"[ \t]*[+-]?(?:nan|inf|infinity)[ \t]*", re.IGNORECASE)
_DELIMITERS = {";": "';'", "\t": "a tab", "|": "'|'"}
_NEWLINE, _RETURN, _QUOTE, _COMMA = b'\n\r",'


def read_csv(stream: BinaryIO) -> RowStream:
    """Lines of cells with commas between them; the first has the names.

    If all of the first line is numbers, it is data, and the names are c0, c1, …. A line ends
    with LF or CRLF, also inside quotes: no number and no name has a line end.

    Raises:
        BadDatasetError: there is no line, or the first names no columns; the blocks raise it
            at a cell that is not a finite number and a line with more or fewer cells.
    """
    lines = _blocks_of_lines(stream)
    first = next(lines, b"")
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadDatasetError("line 1: found UTF-16, expected UTF-8")
    first = first.removeprefix(b"\xef\xbb\xbf")
    if not first:
        raise BadDatasetError("found an empty file, expected a line with names of columns")
    header, _, rest = first.partition(b"\n")
    cells = [cell.strip() for cell in _header_cells(header)]
    if all(_NUMBER.fullmatch(cell) or _NOT_FINITE.fullmatch(cell) for cell in cells):
        names, line, rest = [f"c{place}" for place in range(len(cells))], 1, first
    else:
        names, line = cells, 2
    try:
        check_names(names)
    except BadDatasetError as error:
        raise BadDatasetError(f"line 1: {error.message}") from error
    blocks = _parsed(rest, lines, names, line)
    return RowStream(tuple(names), ("float64",) * len(names), blocks)


def _header_cells(header: bytes) -> list[str]:
    if header.count(b",") >= 4 * MAX_COLUMNS:
        raise BadDatasetError(
            f"line 1: found {header.count(b',') + 1} cells, "
            f"expected at most {MAX_COLUMNS} columns"
        )
    if not header.strip():
        raise BadDatasetError("line 1: found an empty line, expected names of columns")
    try:
        cells = _cells(header)
    except ValueError as error:
        raise BadDatasetError(f"line 1: {error}") from error
    if len(cells) == 1:
        for character, name in _DELIMITERS.items():
            if character in cells[0]:
                raise BadDatasetError(
                    f"line 1: found one column whose name contains {name}, "
                    "expected commas between the columns",
                    hint="separate the cells by commas, with a point in the numbers",
                )
    return cells


def _blocks_of_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Whole lines, about 1 MiB at once; only the last may lack its line end."""
    line, rest = 1, b""
    while chunk := read_up_to(stream, CHUNK_BYTES):
        end = chunk.rfind(b"\n") + 1
        if end:
            block, rest = rest + chunk[:end], chunk[end:]
            yield block
            line += block.count(b"\n")
        else:
            rest += chunk
        if len(rest) > _MAX_LINE_BYTES:
            raise BadDatasetError(
                f"line {line}: found more than {_MAX_LINE_BYTES:,} bytes without a line end, "
                "expected a shorter line"
            )
    if rest:
        yield rest


def _parsed(
    rest: bytes, blocks: Iterator[bytes], names: Sequence[str], line: int
) -> Iterator[Array]:
    """The numbers of `rest` and of the blocks after it; `line` is the number of the first."""
    row, blank = 1, 0
    block: bytes | None = rest
    while block is not None:
        body = block.rstrip(b"\r\n")
        if body:
            if blank:
                raise BadDatasetError(_empty_line(row, line - blank, len(names)))
            # Lines cut off at the end of this block are empty; a row after them makes them bad.
            body += block[len(body) : block.find(b"\n", len(body)) + 1] or b"\n"
            numbers = _fast(body, len(names))
            if numbers is None:
                numbers = _slow(body, names, row, line)
            yield numbers
            row += len(numbers)
        blank += block.count(b"\n") - body.count(b"\n") if block.endswith(b"\n") else 0
        line += block.count(b"\n")
        block = next(blocks, None)


def _empty_line(row: int, line: int, columns: int) -> str:
    return f"row {row} (line {line}): found an empty line, expected {_cell_count(columns)}"


def _cell_count(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _fast(body: bytes, columns: int) -> Array | None:
    """The numbers of a block in one pass, or None if anything in it is out of the ordinary.

    All cells are parsed as one column, in the order of the file: that is already row-major,
    and costs the same for a wide table. The separators are compared with those of a full table
    first, because that column no longer shows where the rows end.
    """
    if b'"' in body:
        if not _are_quotes_plain(np.frombuffer(body, np.uint8)):
            return None
        body = body.translate(None, b'"')
    characters = np.frombuffer(body, np.uint8)
    separators = characters[_are_separators(characters)]
    if separators.size % columns:
        return None
    table = separators.reshape(-1, columns)
    if (table[:, -1] != _NEWLINE).any() or (table[:, :-1] != _COMMA).any():
        return None
    try:
        cells = pyarrow.csv.read_csv(
            pyarrow.BufferReader(body.replace(b",", b"\n")),
            pyarrow.csv.ReadOptions(
                column_names=["cells"], use_threads=False, block_size=len(body) + 1
            ),
            pyarrow.csv.ParseOptions(
                delimiter="\x1f", quote_char=False, ignore_empty_lines=False
            ),
            pyarrow.csv.ConvertOptions(
                column_types={"cells": pyarrow.float64()}, null_values=[], check_utf8=False
            ),
        ).column(0)
    except pyarrow.ArrowException:
        return None
    if len(cells) != separators.size or cells.null_count:
        return None
    numbers: Array = cells.to_numpy().reshape(-1, columns)
    return numbers if np.isfinite(numbers).all() else None


def _are_separators(characters: NDArray[np.uint8]) -> NDArray[np.bool_]:
    are: NDArray[np.bool_] = (characters == _NEWLINE) | (characters == _COMMA)
    return are


def _are_quotes_plain(characters: NDArray[np.uint8]) -> bool:
    """Whether each pair of quotes holds one whole cell without a comma or a line end."""
    quotes = np.flatnonzero(characters == _QUOTE)
    if quotes.size % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    are_separators = _are_separators(characters)
    before = are_separators[opening - 1] | (opening == 0)
    after = are_separators[closing + 1] | (characters[closing + 1] == _RETURN)
    places = np.flatnonzero(are_separators)
    is_one_cell = np.searchsorted(places, opening) == np.searchsorted(places, closing)
    is_whole = characters[closing - 1] != _RETURN
    return bool((before & after & is_one_cell & is_whole).all())


def _slow(body: bytes, names: Sequence[str], row: int, line: int) -> Array:
    """The numbers of a block, cell by cell.

    Raises:
        BadDatasetError: a cell is not a finite number, or a line has more or fewer cells.
    """
    faults: list[Fault] = []
    rows = []
    for place, text in enumerate(body.removesuffix(b"\n").split(b"\n")):
        where = f"row {row + place} (line {line + place})"
        try:
            rows.append(_row(text, names))
        except ValueError as error:
            mark = ", " if str(error).startswith("column ") else ": "
            faults.append(Fault(f"{where}{mark}{error}"))
            if len(faults) == _MOST_FAULTS:
                break
    if faults:
        raise BadDatasetError(faults[0].message, faults=tuple(faults))
    return np.array(rows, dtype=np.float64)


def _row(text: bytes, names: Sequence[str]) -> list[float]:
    """The numbers of a line; a ValueError says what else was found."""
    if not text.strip():
        raise ValueError(f"found an empty line, expected {_cell_count(len(names))}")
    count = text.count(b",") + 1
    if b'"' in text and count <= 4 * MAX_COLUMNS:
        count = len(_cells(text))
    if count != len(names):
        raise ValueError(f"found {_cell_count(count)}, expected {len(names)}")
    numbers = []
    for place, cell in enumerate(_cells(text)):
        if not _NUMBER.fullmatch(cell):
            raise ValueError(f"{column_place(names, place)}: {_found(cell)}")
        number = float(cell)
        if number - number != 0:
            raise ValueError(
                f"{column_place(names, place)}: found {_clipped(cell)}, which is beyond "
                "the range of float64, expected a finite number"
            )
        numbers.append(number)
    return numbers


def _found(cell: str) -> str:
    if not cell.strip():
        return "found an empty cell, expected a number"
    kind = "a finite number" if _NOT_FINITE.fullmatch(cell) else "a number"
    return f"found {_clipped(cell)}, expected {kind}"


def _clipped(cell: str) -> str:
    return shown(cell if len(cell) <= _LONGEST_SHOWN else cell[:_LONGEST_SHOWN] + "…")


def _cells(line: bytes) -> list[str]:
    """The cells of a line; a ValueError says why it has none."""
    try:
        text = line.removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"found byte 0x{line[error.start]:02x} at byte {error.start + 1} of the line, "
            "expected UTF-8"
        ) from error
    if "\r" in text:
        raise ValueError(
            "found a carriage return inside the line, expected LF or CRLF line ends"
        )
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise ValueError(
                "found a quote that is not closed, expected it on the line"
            ) from error
        if "field larger" in str(error):
            raise ValueError(
                "found a cell of over 131,072 characters, expected less"
            ) from error
        raise ValueError(
            "found text after a closing quote, expected a comma or the line's end"
        ) from error
