"""Layouts as presentation MathML, for a page with a font for mathematics."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from service.rendering.layout import (
    Cases,
    Fence,
    Fraction,
    Layout,
    Root,
    Row,
    Script,
    Symbol,
    Table,
    name_and_number,
)

_NAMESPACE = "http://www.w3.org/1998/Math/MathML"
_APPLIED = "<mo>&#x2061;</mo>"
_THIN = '<mspace width="0.167em"/>'
_TIMES = "<mo>&#x2062;</mo>"


def mathml(layout: Layout) -> str:
    """A layout as one block of MathML."""
    return f'<math xmlns="{_NAMESPACE}" display="block">{_element(layout)}</math>'


def _element(layout: Layout) -> str:
    match layout:
        case Symbol(text, kind):
            return _symbol(text, kind)
        case Row(parts):
            return f"<mrow>{_row(parts)}</mrow>"
        case Script(base, above, below):
            return _script(base, above, below)
        case Fraction(top, bottom):
            return f"<mfrac>{_element(top)}{_element(bottom)}</mfrac>"
        case Root(body, degree):
            return _root(body, degree)
        case Fence(left, body, right):
            indicator = "<mn>1</mn>" if left == "[" else ""
            return f"<mrow>{indicator}{_bracketed(left, _element(body), right)}</mrow>"
        case Cases(rows):
            opening = '<mo stretchy="true" fence="true" form="prefix">{</mo>'
            return f"<mrow>{opening}{_table(rows, columnalign='left left')}</mrow>"
        case Table(rows):
            return f"<mrow>{_bracketed('[', _table(rows), ']')}</mrow>"


def _table(rows: Sequence[Sequence[Layout]], **attributes: str) -> str:
    lines = ("".join(f"<mtd>{_element(cell)}</mtd>" for cell in cells) for cells in rows)
    inside = "".join(f"<mtr>{line}</mtr>" for line in lines)
    told = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<mtable{told}>{inside}</mtable>"


def _root(body: Layout, degree: str) -> str:
    inside = _element(body)
    return f"<mroot>{inside}<mn>{degree}</mn></mroot>" if degree else f"<msqrt>{inside}</msqrt>"


def _bracketed(left: str, inside: str, right: str) -> str:
    tight = 'stretchy="true" fence="true" lspace="0" rspace="0"'
    opening = f'<mo {tight} form="prefix">{left}</mo>'
    closing = f'<mo {tight} form="postfix">{right}</mo>'
    return opening + inside + closing


def _script(base: Layout, above: Layout | None, below: Layout | None) -> str:
    inside = _element(base)
    is_sum = isinstance(base, Symbol) and base.text in ("∑", "∏")
    if below is None:
        assert above is not None
        return f"<msup>{inside}{_element(above)}</msup>"
    if above is None:
        tag = "munder" if is_sum else "msub"
        return f"<{tag}>{inside}{_element(below)}</{tag}>"
    return f"<msubsup>{inside}{_element(below)}{_element(above)}</msubsup>"


def _row(parts: tuple[Layout, ...]) -> str:
    written = ""
    previous: Layout | None = None
    for part in parts:
        if previous is not None and not _is_sign(previous) and not _is_sign(part):
            is_word = _begins_with_name(part) and not _is_function(previous)
            written += _APPLIED if _is_function(previous) else _TIMES
            written += _THIN if is_word else ""
        written += _element(part)
        previous = part
    return written


def _is_sign(layout: Layout) -> bool:
    if isinstance(layout, Script):
        return isinstance(layout.base, Symbol) and layout.base.text in ("∑", "∏")
    return isinstance(layout, Symbol) and layout.kind == "operator"


def _begins_with_name(layout: Layout) -> bool:
    return (
        _begins_with_name(layout.parts[0]) if isinstance(layout, Row) else _is_function(layout)
    )


def _is_function(layout: Layout) -> bool:
    if isinstance(layout, Script):
        return _is_function(layout.base)
    return isinstance(layout, Symbol) and layout.kind == "function"


def _symbol(text: str, kind: str) -> str:
    written = escape(text)
    if kind == "operator":
        return f"<mo>{written}</mo>"
    if kind == "sign":
        return f'<mi mathvariant="normal">{written}</mi>'
    if kind == "number":
        return f"<mn>{written}</mn>"
    if kind == "words":
        return f"<mtext>{written}</mtext>"
    if kind == "function":
        return f'<mi mathvariant="normal">{written}</mi>'
    return _identifier(text, kind)


def _identifier(text: str, kind: str) -> str:
    """A name, its number below it; a vector in bold letters, which browsers do not make."""
    letters, number = name_and_number(text)
    if number:
        return f"<msub>{_identifier(letters, kind)}<mn>{number}</mn></msub>"
    if kind == "vector":
        text = "".join(map(_bold, text))
    tag = "mn" if text in _BOLD_DIGITS else "mi"
    return f"<{tag}>{escape(text)}</{tag}>"


def _bold(letter: str) -> str:
    for first, last, bold in _BOLD:
        if first <= letter <= last:
            return chr(bold + ord(letter) - ord(first))
    return letter


# First and last letter of an alphabet, and the code point of its first bold letter.
_BOLD = (
    ("A", "Z", 0x1D400),
    ("a", "z", 0x1D41A),
    ("Α", "Ω", 0x1D6A8),
    ("α", "ω", 0x1D6C2),
    ("0", "9", 0x1D7CE),
)
_BOLD_DIGITS = frozenset(chr(0x1D7CE + k) for k in range(10))
