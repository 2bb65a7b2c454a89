"""What belongs to other languages (characters, operators, words), and what to write instead."""

import unicodedata

from service.errors import ExpressionError, ExpressionSyntaxError, UnknownNameError
from service.language.characters import character_name, code_point, letter_like
from service.language.lexemes import LONGEST_NAME, Lexeme
from service.language.places import shown

MODULES = frozenset(
    {"np", "numpy", "math", "cmath", "torch", "jnp", "jax", "tf", "tensorflow", "scipy", "sp"}
)
STRING_PREFIXES = frozenset({"f", "r", "b", "u", "fr", "rf", "br", "rb"})

WORDS = {
    **dict.fromkeys(("if", "else", "elif"), "write where(condition, value, otherwise)"),
    **dict.fromkeys(("for", "while"), "write sum, prod, @ or einsum in place of a loop"),
    **dict.fromkeys(("lambda", "def", "yield", "return"), "write the formula alone"),
    "and": "multiply the comparisons: (x > 0) * (x < 1)",
    "or": "write maximum(x < 0, x > 1)",
    "not": "write 1 - (x > 0), or turn the comparison round",
    "is": "write '=='",
    **dict.fromkeys(
        ("import", "from", "class", "with", "try", "raise", "assert", "del", "global", "in")
    ),
    **dict.fromkeys(("async", "await", "pass", "break", "continue", "print", "exec")),
}

_OPERATORS = {
    "//": "write floor(x / y)",
    "%": "write x - y * floor(x / y)",
    **dict.fromkeys(("&", "&&"), "multiply the comparisons: (x > 0) * (x < 1)"),
    **dict.fromkeys(("|", "||"), "write maximum(x < 0, x > 1)"),
    "~": "write 1 - (x > 0), or turn the comparison round",
    "!": "'not equal' is '!='; the factorial of n is exp(lgamma(n + 1))",
    "===": "write '=='",
    "=>": "write '>='",
    "=<": "write '<='",
    "<>": "write '!='",
    "...": "write ':' for each axis",
    ":=": "write u = w * x; sum(u)",
    **dict.fromkeys(("+=", "-=", "*=", "/=", "@=", "%=", "^=", "**="), "write v = u + x; v"),
    **dict.fromkeys(("{", "}"), "there are no dict or set literals; group with ( and )"),
    "#": "there are no comments",
    "?": "write where(condition, value, otherwise)",
    "$": "write the formula without $",
}
_SYMBOLS = {
    "\u00d7": "write '*', or '@' for the matrix product",
    "\u00f7": "write '/'",
    **dict.fromkeys("\u22c5\u2219\u2022\u0387", "write '@' or dot(x, y)"),
    **dict.fromkeys("\u2218\u2299\u2217", "write '*'"),
    **dict.fromkeys("\u2010\u2011\u2013\u2014", "write '-'"),
    **dict.fromkeys("\u2018\u2019\u2032", "the transpose of A is A' or A.T"),
    **dict.fromkeys("\u201c\u201d", "write a string in straight quotes"),
    "\u22a4": "the transpose of A is A.T",
    "\u221a": "write sqrt(x)",
    "\u2211": "write sum(x)",
    "\u220f": "write prod(x)",
    "\u2016": "write norm2(x)",
}


def foreign(text: str, lexeme: Lexeme) -> ExpressionError:
    """The error for a word or character that no expression has."""
    word = lexeme.text
    if lexeme.type == "LONG_NAME":
        return ExpressionSyntaxError(
            f"a name has {len(word)} characters; the limit is {LONGEST_NAME}",
            start=lexeme.start,
            end=lexeme.end,
        )
    if not word.isascii():
        return _foreign_letter(lexeme) or _foreign_character(lexeme)
    if word in ("'", '"'):
        hint = "the transpose of A is written A' without a space" if word == "'" else None
        return _error(lexeme, f"unclosed quote {word}; expected another after the string", hint)
    if word == "\\":
        continues = text[lexeme.end :].lstrip(" \t\r").startswith("\n")
        construct = "line continuation" if continues else "backslash"
        hint = "write the formula in ( ) to break its lines" if continues else None
        return _error(lexeme, f"unexpected {construct} '\\'", hint)
    if not word.isprintable():
        name = character_name(word)
        return _error(lexeme, f"unexpected character {code_point(word)} ({name})")
    hint = _OPERATORS.get(word)
    return _error(lexeme, f"{word!r} is not part of the language", hint)


def _foreign_letter(lexeme: Lexeme) -> UnknownNameError | None:
    letter = letter_like(lexeme.text)
    if letter is None:
        return None
    found = f"{code_point(lexeme.text)} {character_name(lexeme.text)}"
    message = f"unknown letter {found}, which looks like {letter}"
    hint = f"write {letter!r}"
    return UnknownNameError(message, start=lexeme.start, end=lexeme.end, hint=hint)


def _foreign_character(lexeme: Lexeme) -> ExpressionSyntaxError:
    character = lexeme.text
    message = f"unexpected character {code_point(character)} ({character_name(character)})"
    category = unicodedata.category(character)
    plain = unicodedata.normalize("NFKC", character)
    hint = _SYMBOLS.get(character)
    if category == "Nd":
        message += "; numbers have ASCII digits only"
        hint = f"write {unicodedata.digit(character)}"
    elif category == "No" and plain.isdecimal():
        hint = f"a power is written x**{plain}"
    elif category.startswith("L"):
        message += "; names have the letters a to z, A to Z and Greek ones"
    elif category == "Zs":
        hint = "write an ordinary space"
    elif hint is None and len(plain) == 1 and plain.isascii():
        hint = f"write {shown(plain)}"
    return _error(lexeme, message, hint)


def _error(lexeme: Lexeme, message: str, hint: str | None = None) -> ExpressionSyntaxError:
    return ExpressionSyntaxError(message, start=lexeme.start, end=lexeme.end, hint=hint)
