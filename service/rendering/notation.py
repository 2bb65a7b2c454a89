"""Layouts in one line of Unicode, as a person writes them: 2(Ax − y)ᵀA."""

from service.rendering.layout import (
    PIECE,
    PRODUCT,
    Cases,
    Fence,
    Fraction,
    Layout,
    Root,
    Row,
    Script,
    Symbol,
    Table,
    operator,
)

_ABOVE = dict(zip("0123456789−+()nTijkm", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺⁽⁾ⁿᵀⁱʲᵏᵐ", strict=True))
_BELOW = dict(zip("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_SPACED = frozenset("+−=⊙⊘⊗×><≥≤≠")


def notation(layout: Layout) -> str:
    """A layout as one line of text."""
    match layout:
        case Symbol(text):
            return text
        case Row(parts):
            return _row(parts)
        case Script(base, above, below):
            written = notation(base) + (_below(notation(below)) if below else "")
            return written + (_above(notation(above)) if above else "")
        case Fraction(top, bottom):
            return f"{_within(top, PRODUCT)}/{_within(bottom, PIECE)}"
        case Root(body, degree):
            sign = {"": "√", "3": "∛"}[degree]
            return sign + _within(body, PIECE)
        case Fence("[", body, _) | Fence("(", Fence("[", body, _), _):
            return f"({notation(body)})"
        case Fence(left, body, right):
            return f"{left}{notation(body)}{right}"
        case Cases(rows):
            lines = [_case(value, when) for value, when in rows]
            return "{" + "; ".join(lines) + "}"
        case Table(rows):
            lines = [", ".join(notation(cell) for cell in cells) for cells in rows]
            return f"[{'; '.join(lines)}]"


def _case(value: Layout, when: Layout) -> str:
    condition = notation(when)
    is_last = isinstance(when, Symbol)
    return f"{notation(value)} {condition if is_last else 'if ' + condition}"


def _within(layout: Layout, level: int) -> str:
    is_lower = layout.level < level or (level == PIECE and isinstance(layout, Fraction))
    return f"({notation(layout)})" if is_lower else notation(layout)


def _above(text: str) -> str:
    if all(x in _ABOVE for x in text):
        return "".join(_ABOVE[x] for x in text)
    return f"^{text}" if len(text) == 1 else f"^({text})"


def _below(text: str) -> str:
    if all(x in _BELOW for x in text):
        return "".join(_BELOW[x] for x in text)
    return f"_{text}" if len(text) == 1 else f"_{{{text}}}"


def _row(parts: tuple[Layout, ...]) -> str:
    written = ""
    previous: Layout | None = None
    for place, part in enumerate(parts):
        text = notation(part)
        if isinstance(part, Fraction) and _is_beside_a_factor(parts, place):
            text = f"({text})"
        is_operator = isinstance(part, Symbol) and part.kind == "operator"
        if is_operator and text == ",":
            written += ", "
        elif is_operator and written and text in _SPACED:
            written += f" {text} "
        elif is_operator:
            written += (" " if text in "∑∏" and written else "") + text
        else:
            written += (" " if _needs_space(previous, written, text, part) else "") + text
        previous = part
    return written


def _is_beside_a_factor(parts: tuple[Layout, ...], place: int) -> bool:
    """Whether a fraction in one line would take a part of a product before or after it."""

    def joins(part: Layout) -> bool:
        return not (isinstance(part, Symbol) and part.text in _SPACED | {","})

    is_dot = place + 1 < len(parts) and parts[place + 1] == operator("·")
    return is_dot or (place > 0 and joins(parts[place - 1]))


def _needs_space(previous: Layout | None, written: str, text: str, part: Layout) -> bool:
    """Whether two parts side by side would read as one word or one number."""
    if previous is None or not written or written[-1] in " (·":
        return False
    if isinstance(previous, Symbol) and previous.kind == "operator":
        return previous.text in "∑∏"
    if isinstance(previous, Symbol) and previous.kind == "function":
        return not text.startswith(("(", "|", "‖", "⌊"))
    if isinstance(previous, Script) and isinstance(previous.base, Symbol):
        if previous.base.kind == "function":
            return not text.startswith("(")
        if previous.base.text in "∑∏":
            return True
    if isinstance(previous, Fraction) or isinstance(part, Fraction):
        return True
    return _is_word(_edge(part, 0)) or _is_word(_edge(previous, -1))


def _edge(layout: Layout, side: int) -> Layout:
    """The sign or word that a layout begins (0) or ends (-1) with."""
    while isinstance(layout, Row):
        layout = layout.parts[side]
    return _edge(layout.base, 0) if isinstance(layout, Script) and not side else layout


def _is_word(layout: Layout) -> bool:
    """Whether a symbol has several letters, and so is one only apart from others."""
    return isinstance(layout, Symbol) and len(layout.text) > 1 and layout.text.isidentifier()
