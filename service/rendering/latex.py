"""Layouts as LaTeX, for a document with amsmath."""

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

_SIGNS = {
    "−": "-",
    "·": r"\cdot",
    "⊙": r"\odot",
    "⊘": r"\oslash",
    "⊗": r"\otimes",
    "×": r"\times",
    "≥": r"\ge",
    "≤": r"\le",
    "≠": r"\ne",
    "∑": r"\sum",
    "∏": r"\prod",
    "∞": r"\infty",
}
_FENCES = {
    "‖": (r"\lVert ", r" \rVert"),
    "|": (r"\lvert ", r" \rvert"),
    "⌊": (r"\lfloor ", r" \rfloor"),
    "⌈": (r"\lceil ", r" \rceil"),
}
_LETTERS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"
_LETTER_NAMES = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau
upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
_GREEK = {
    letter: f"\\{name}" for letter, name in zip(_LETTERS, _LETTER_NAMES.split(), strict=True)
}
_WORDS = "ln log exp sin cos tan sinh cosh tanh arcsin arccos arctan max min det"
_KNOWN = frozenset(_WORDS.split())
_BREAK = r" \\ "


def latex(layout: Layout) -> str:
    """A layout as LaTeX."""
    match layout:
        case Symbol(text, kind):
            return _symbol(text, kind)
        case Row(parts):
            return _row(parts)
        case Script(base, above, below):
            written = latex(base)
            written += f"_{{{latex(below)}}}" if below is not None else ""
            return written + (f"^{{{latex(above)}}}" if above is not None else "")
        case Fraction(top, bottom):
            return rf"\frac{{{latex(top)}}}{{{latex(bottom)}}}"
        case Root(body, degree):
            return rf"\sqrt{f'[{degree}]' if degree else ''}{{{latex(body)}}}"
        case Fence(left, body, right):
            return _fence(left, body, right)
        case Cases(rows):
            lines = (f"{latex(value)} & {latex(when)}" for value, when in rows)
            return rf"\begin{{cases}}{_BREAK.join(lines)}\end{{cases}}"
        case Table(rows):
            lines = (" & ".join(latex(cell) for cell in cells) for cells in rows)
            return rf"\begin{{bmatrix}}{_BREAK.join(lines)}\end{{bmatrix}}"


def _fence(left: str, body: Layout, right: str) -> str:
    inside = latex(body)
    if left in _FENCES:
        opening, closing = _FENCES[left]
        return f"{opening}{inside}{closing}"
    if left == "[":
        return f"1[{inside}]"
    if r"\frac" in inside or r"\sum" in inside or r"\begin" in inside:
        return rf"\left{left}{inside}\right{right}"
    return f"{left}{inside}{right}"


def _row(parts: tuple[Layout, ...]) -> str:
    written = ""
    for part in parts:
        text = latex(part)
        is_sign = isinstance(part, Symbol) and part.kind == "operator"
        if is_sign and text == ",":
            written += ", "
        elif text in (r"\sum", r"\prod"):
            written += f"{_gap(written, text)}{text} "
        elif is_sign and written:
            written += f" {text} "
        else:
            written += _gap(written, text) + text
    return written.strip()


def _gap(written: str, text: str) -> str:
    """A space where what follows would else be read as part of a command, or as one word."""
    if not written or written.endswith(" "):
        return ""
    is_word = written[-1].isalpha() and text[0].isalnum() and "\\" in written
    return " " if is_word or text[0] == "\\" else ""


def _symbol(text: str, kind: str) -> str:
    if kind == "operator":
        return _SIGNS.get(text, text)
    if kind == "words":
        return rf"\text{{{_escaped(text)}}}"
    if kind == "function":
        return rf"\{text}" if text in _KNOWN else rf"\operatorname{{{_escaped(text)}}}"
    if kind in ("number", "sign"):
        return text
    return _identifier(text, kind)


def _identifier(text: str, kind: str) -> str:
    letters, number = name_and_number(text)
    if number:
        return f"{_identifier(letters, kind)}_{{{number}}}"
    if text.endswith("_hat") and len(text) > len("_hat"):
        return rf"\hat{{{_identifier(text.removesuffix('_hat'), kind)}}}"
    if text in _GREEK:
        return rf"\boldsymbol{{{_GREEK[text]}}}" if kind == "vector" else _GREEK[text]
    if kind == "vector":
        return rf"\mathbf{{{_escaped(text)}}}"
    return text if len(text) == 1 else rf"\mathit{{{_escaped(text)}}}"


def _escaped(text: str) -> str:
    for letter, command in _GREEK.items():
        text = text.replace(letter, f"${command}$" if len(text) > 1 else command)
    return text.replace("_", r"\_")
