"""The formula of a function as its record says it in LaTeX, with layouts in its holes."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from service.calculus.rules.table import FUNCTIONS
from service.rendering.layout import (
    PIECE,
    PRODUCT,
    SUM,
    Cases,
    Fence,
    Fraction,
    Layout,
    Root,
    Row,
    Script,
    Symbol,
    fenced,
    number,
    operator,
)

_TOKEN = re.compile(r"\\\\|\\[a-zA-Z]+|[0-9.]+|[\ue000-\uf8ff]|\S")
_HOLE = 0xE000
_WORDS = "ln log exp sin cos tan sinh cosh tanh arcsin arccos arctan max min det tr"
_FUNCTIONS = frozenset(_WORDS.split())
SIGNS = {
    "sigma": "σ",
    "psi": "ψ",
    "Gamma": "Γ",
    "Phi": "Φ",
    "rho": "ρ",
    "sum": "∑",
    "prod": "∏",
    "cdot": "·",
    "otimes": "⊗",
    "times": "×",
    "infty": "∞",
}
_FENCES = {
    "(": (")", "("),
    "\\lVert": ("\\rVert", "‖"),
    "\\lvert": ("\\rvert", "|"),
    "\\lfloor": ("\\rfloor", "⌊"),
    "\\lceil": ("\\rceil", "⌈"),
}
_CLOSING = {"(": ")", "‖": "‖", "|": "|", "⌊": "⌋", "⌈": "⌉"}


def laid_out(function: str, holes: Mapping[str, Layout]) -> Layout:
    """The formula of a function of the language with these operands and options in it."""
    template = FUNCTIONS[function].latex
    names = [p.name for p in FUNCTIONS[function].parameters]
    marks = {name: chr(_HOLE + k) for k, name in enumerate(names)}
    text = template.format_map(marks)
    return _Reader(_tokens(text), [holes.get(n, number("")) for n in names]).everything()


@cache
def _tokens(text: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(text))


class _Reader:
    """Reads the tokens of a template, with the layouts for its holes."""

    def __init__(self, tokens: Sequence[str], holes: Sequence[Layout]) -> None:
        self._tokens = tokens
        self._holes = holes
        self._place = 0

    def everything(self) -> Layout:
        """The whole template."""
        return self._until(())

    def _next(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1]

    def _peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _until(self, ends: Sequence[str]) -> Layout:
        parts: list[Layout] = []
        is_alone = True
        has_sum = False
        while self._peek() and self._peek() not in ends:
            token = self._next()
            if token in ("^", "_"):
                parts[-1] = self._script(parts[-1], token)
                continue
            has_sum |= token in "+-" and bool(parts)
            parts.append(self._part(token))
            is_alone = len(parts) == 1
        if self._peek():
            self._next()
        if is_alone and parts:
            return parts[0]
        if len(parts) == 2 and isinstance(parts[1], Fence) and _is_name(parts[0]):
            return Row(tuple(parts), PIECE)
        if operator(",") not in parts:
            parts = [p if _is_bare(p) else fenced(p, PIECE) for p in parts]
        return Row(tuple(parts), SUM if has_sum else PRODUCT)

    def _group(self) -> Layout:
        token = self._next()
        return self._until(("}",)) if token == "{" else self._part(token)

    def _script(self, base: Layout, sign: str) -> Layout:
        script = self._group()
        base = fenced(base, PIECE)
        if sign == "_":
            return Script(base, None, script)
        if isinstance(base, Script) and base.above is None:
            return Script(base.base, script, base.below)
        if isinstance(base, Script):
            base = Fence("(", base, ")")
        return Script(base, script)

    def _part(self, token: str) -> Layout:
        if "\ue000" <= token <= "\uf8ff":
            return self._holes[ord(token) - _HOLE]
        if token in _FENCES:
            closing, sign = _FENCES[token]
            return Fence(sign, self._until((closing,)), _CLOSING[sign])
        if token == "{":
            return self._until(("}",))
        if token.startswith("\\"):
            return self._command(token[1:])
        if token[0].isdigit():
            return number(token)
        if token.isalpha():
            return Symbol(token, "scalar")
        return operator("−" if token == "-" else token)

    def _command(self, name: str) -> Layout:
        if name == "frac":
            return Fraction(self._group(), self._group())
        if name == "sqrt":
            degree = ""
            if self._peek() == "[":
                self._next()
                degree = self._next()
                self._next()
            return Root(self._group(), degree)
        if name in ("operatorname", "text"):
            return Symbol(self._word(), "function" if name == "operatorname" else "words")
        if name == "begin":
            return self._cases()
        if name == "textstyle":
            return self._part(self._next())
        if name in _FUNCTIONS:
            return Symbol(name, "function")
        sign = SIGNS[name]
        return Symbol(sign, "scalar" if sign.isalpha() else "operator")

    def _word(self) -> str:
        letters = []
        self._next()
        while (token := self._next()) != "}":
            letters.append(token)
        return "".join(letters)

    def _cases(self) -> Layout:
        self._word()
        value = self._until(("&",))
        condition = self._until(("\\\\",))
        other = self._until(("&",))
        otherwise = self._until(("\\end",))
        self._word()
        return Cases(((value, condition), (other, otherwise)))


def _is_name(layout: Layout) -> bool:
    """Whether a layout is the name of a function."""
    base = layout.base if isinstance(layout, Script) else layout
    return isinstance(base, Symbol) and base.kind in ("scalar", "function")


def _is_bare(layout: Layout) -> bool:
    """Whether a part of a template stands in it without parentheses."""
    return layout.level >= PRODUCT
