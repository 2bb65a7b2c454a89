"""Mathematics as it stands on the page: a tree that LaTeX, MathML and notation are made from.

`level` says how tightly a layout binds: a sum, a product, or something that is one piece.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

SUM, PRODUCT, PIECE = 1, 2, 3

Kind = Literal["scalar", "vector", "matrix", "number", "operator", "function", "words", "sign"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """One sign or word; `kind` decides the letters it is set in."""

    text: str
    kind: Kind
    level: int = PIECE


@dataclass(frozen=True, slots=True)
class Row:
    """Parts side by side."""

    parts: tuple["Layout", ...]
    level: int


@dataclass(frozen=True, slots=True)
class Script:
    """A base with something above and below its right side."""

    base: "Layout"
    above: "Layout | None" = None
    below: "Layout | None" = None
    level: int = PIECE


@dataclass(frozen=True, slots=True)
class Fraction:
    """One layout over another."""

    top: "Layout"
    bottom: "Layout"
    level: int = PRODUCT


@dataclass(frozen=True, slots=True)
class Root:
    """A root; `degree` is empty for the square root."""

    body: "Layout"
    degree: str = ""
    level: int = PIECE


@dataclass(frozen=True, slots=True)
class Fence:
    """A layout between two signs that grow with it."""

    left: str
    body: "Layout"
    right: str
    level: int = PIECE


@dataclass(frozen=True, slots=True)
class Cases:
    """Values with the conditions under which each holds, the last one otherwise."""

    rows: tuple[tuple["Layout", "Layout"], ...]
    level: int = SUM


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells in brackets."""

    rows: tuple[tuple["Layout", ...], ...]
    level: int = PIECE


Layout = Symbol | Row | Script | Fraction | Root | Fence | Cases | Table


def operator(text: str) -> Symbol:
    """A sign between two operands, or before one."""
    return Symbol(text, "operator")


def number(text: str) -> Symbol:
    """A number; its sign is an operator of its own."""
    return Symbol(text, "number")


def row(parts: Sequence[Layout], level: int) -> Layout:
    """Parts side by side; one alone is itself."""
    return parts[0] if len(parts) == 1 else Row(tuple(parts), level)


def fenced(layout: Layout, level: int) -> Layout:
    """The layout in parentheses if it binds less tightly than `level`."""
    return Fence("(", layout, ")") if layout.level < level else layout


def applied(function: Layout, argument: Layout) -> Layout:
    """A function of an argument, which stands in parentheses."""
    return Row((function, Fence("(", argument, ")")), PIECE)


def transpose_of(layout: Layout) -> Layout:
    """The layout with the sign of the transpose; of an inverse, −T."""
    if isinstance(layout, Script) and layout.above is not None and layout.below is None:
        if layout.above == TRANSPOSE:
            return layout.base
        if layout.above == INVERSE:
            return Script(layout.base, Row((operator("−"), TRANSPOSE), PIECE))
    base = fenced(layout, PIECE)
    if isinstance(base, Script):
        base = Fence("(", base, ")")
    return Script(base, TRANSPOSE)


def name_and_number(text: str) -> tuple[str, str]:
    """A name without the number at its end, which is set below it, and that number or ""."""
    found = _NUMBERED.match(text)
    return (found[1], found[2]) if found else (text, "")


_NUMBERED = re.compile(r"^(.*?[^_\d])_?(\d+)$")
INVERSE = Row((operator("−"), number("1")), PIECE)
TRANSPOSE = Symbol("T", "sign")
ONE_VECTOR = Symbol("1", "vector")
