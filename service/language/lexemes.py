"""The words of an expression, each with its kind and its place; foreign ones too."""

import re
from typing import ClassVar

LONGEST_NAME = 64

_GREEK = (
    "\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1"
    "\u03a3-\u03e1\u03f0-\u03f5\u03f7-\u03ff"
)
_LETTER = f"A-Za-z_{_GREEK}"
NAME = re.compile(rf"[{_LETTER}][{_LETTER}0-9]{{0,{LONGEST_NAME - 1}}}")

_PATTERNS = {
    "NAME": rf"[{_LETTER}][{_LETTER}0-9]*",
    "NUMBER": r"(?:[0-9]+(?:\.(?!\*(?!\*)|[/^]|T\b)[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
    "FOREIGN": r"//|&&|\|\||<<|>>|===|:=|->|=>|\.\.\.|<>|=<|\*\*=|[-+*/^%@]=",
    "POWER": r"\*\*|\.?\^",
    "COMPARISON": r"[<>=!]=|[<>≤≥≠]",
    "PRODUCT": r"\.?[*/]|[@·⊗⊘]",
    "PLUS": r"[+⊕]",
    "MINUS": r"[-−⊖]",
    "LEFT_PARENTHESIS": r"\(",
    "RIGHT_PARENTHESIS": r"\)",
    "LEFT_BRACKET": r"\[",
    "RIGHT_BRACKET": r"\]",
    "_COMMA": ",",
    "TRANSPOSE": rf"\.T(?![{_LETTER}0-9])|(?<=[{_LETTER}0-9.)\]'ᵀ])'|ᵀ",
    "COLON": ":",
    "_ASSIGN": "=",
    "_SEPARATOR": r"[;\n]",
    "STRING": r"'[^'\n]*'|\"[^\"\n]*\"",
    "ATTRIBUTE": rf"\.[ \t]*[{_LETTER}][{_LETTER}0-9]*",
    "CHARACTER": r"[^ \t\r]",
}
_KINDS = ("", *_PATTERNS)
_LEXEME = re.compile("[ \t\r]*(?:" + "|".join(f"({p})" for p in _PATTERNS.values()) + ")")
_CONSTANTS = {"True": "BOOLEAN", "False": "BOOLEAN", "None": "NONE"}
_OPENING = frozenset({"LEFT_PARENTHESIS", "LEFT_BRACKET"})
_CLOSING = frozenset({"RIGHT_PARENTHESIS", "RIGHT_BRACKET"})
_WITHOUT_NODE = (
    _OPENING
    | _CLOSING
    | {"_COMMA", "_ASSIGN", "_SEPARATOR", "FOREIGN", "ATTRIBUTE", "CHARACTER"}
) - {"LEFT_BRACKET"}


class Lexeme:
    """One word: its kind is a terminal of the grammar, or one that no rule takes."""

    __slots__ = ("end", "start", "text", "type")

    start_pos: ClassVar[None] = None
    line: ClassVar[None] = None
    column: ClassVar[None] = None
    end_line: ClassVar[None] = None
    end_column: ClassVar[None] = None
    end_pos: ClassVar[None] = None

    def __init__(self, kind: str, text: str, start: int, end: int) -> None:
        self.type = kind
        self.text = text
        self.start = start
        self.end = end


def lexemes_of(text: str) -> list[Lexeme]:
    """The words of the text in order, in linear time; whatever is foreign is one too.

    A new line counts only outside brackets, and separators neither lead, trail nor repeat.
    """
    found: list[Lexeme] = []
    depth = 0
    for match in _LEXEME.finditer(text, 0, len(text.rstrip(" \t\r\n;"))):
        group = match.lastindex or 0
        kind = _KINDS[group]
        word = match[group]
        if kind in _OPENING:
            depth += 1
        elif kind in _CLOSING:
            depth -= 1
        elif kind == "NAME":
            kind = _CONSTANTS.get(word, "NAME") if len(word) <= LONGEST_NAME else "LONG_NAME"
        elif kind == "_SEPARATOR" and (
            (depth > 0 and word == "\n") or not found or found[-1].type == "_SEPARATOR"
        ):
            continue
        found.append(Lexeme(kind, word, match.start(group), match.end()))
    return found


def makes_node(lexeme: Lexeme) -> bool:
    """Whether the word is a node of the tree; others only group, part or are foreign."""
    return lexeme.type not in _WITHOUT_NODE
