"""A curve drawn with characters: braille dots, or stars where the terminal has no braille."""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from service.training.updates import Array

WIDTH, HEIGHT = 60, 12
_COLUMNS, _ROWS = 2, 4
_BRAILLE = 0x2800
# The bits of the dots of a character, by row and column: ISO/IEC 10646, 2800 to 28FF.
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_DECADES = 2


def drawn(values: Sequence[float], *, title: str, axis: str, is_plain: bool = False) -> str:
    """The values from left to right, about 60 × 12 characters, with labels of both axes.

    The scale is logarithmic where the values span more than two decades. Fewer than two values
    are no curve: then the text is empty.
    """
    known = [value for value in values if isfinite(value)]
    if len(known) < 2:
        return ""
    is_log = min(known) > 0 and max(known) / min(known) > 10**_DECADES
    heights = np.log10(known) if is_log else np.array(known)
    low, high = float(heights.min()), float(heights.max())
    cells = _cells(_pixels(heights, low, high))
    labels = [f"{10**h if is_log else h:.3g}" for h in (high, (high + low) / 2, low)]
    margin = max(map(len, labels))
    at = dict(zip((0, HEIGHT // 2, HEIGHT - 1), labels, strict=True))
    lines = [f"{title}, log scale" if is_log else title]
    for number, row in enumerate(cells):
        text = "".join(_character(cell, is_plain=is_plain) for cell in row)
        side = ("|" if is_plain else "┤") if number in at else ("|" if is_plain else "│")
        lines.append(f"{at.get(number, ''):>{margin}} {side}{text}".rstrip())
    lines.append(" " * (margin + 1) + ("+" + "-" * WIDTH if is_plain else "└" + "─" * WIDTH))
    last = str(len(values))
    first = f"{axis} 1"
    lines.append(" " * (margin + 2) + first + last.rjust(WIDTH - len(first)))
    return "\n".join(lines)


def _character(dots: int, *, is_plain: bool) -> str:
    if not dots:
        return " "
    return "*" if is_plain else chr(_BRAILLE + dots)


def _pixels(heights: Array, low: float, high: float) -> list[int]:
    """The row of the dots, from the top, for each column of dots."""
    count = WIDTH * _COLUMNS
    places = np.linspace(0, len(heights) - 1, count)
    at = np.interp(places, np.arange(len(heights)), heights)
    most = HEIGHT * _ROWS - 1
    share = (at - low) / (high - low) if high > low else np.full(count, 0.5)
    return [int(row) for row in np.rint((1 - share) * most)]


def _cells(pixels: list[int]) -> list[list[int]]:
    cells = [[0] * WIDTH for _ in range(HEIGHT)]
    before = pixels[0]
    for column, row in enumerate(pixels):
        # A steep part is drawn as a line, rather than as dots far from each other.
        start, stop = (before + 1, row) if before < row else (row, before - (before > row))
        for dot in range(min(start, row), max(stop, row) + 1):
            cells[dot // _ROWS][column // _COLUMNS] |= _BITS[dot % _ROWS][column % _COLUMNS]
        before = row
    return cells
