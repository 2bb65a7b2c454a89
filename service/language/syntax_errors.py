"""Why a text is not in the language, in words: what was found, and what was expected."""

from collections.abc import Callable

from lark import Token

from service.calculus.rules.table import BY_ANY_NAME
from service.errors import ExpressionError
from service.language.foreign import MODULES, STRING_PREFIXES, WORDS, foreign
from service.language.lexemes import Lexeme
from service.language.places import shown
from service.language.spots import BOUNDARIES, CLOSING, OPENING, Spot

_BEGINS_OPERAND = frozenset({"NAME", "NUMBER", "LEFT_PARENTHESIS"})
_FOLLOWS_WORD = _BEGINS_OPERAND | {"COLON", "STRING", "BOOLEAN", "NONE"}
_EXPECTS_OPERAND = frozenset(
    {"PLUS", "MINUS", "PRODUCT", "POWER", "COMPARISON", "_ASSIGN", "COLON"}
)
_RADIX_LETTERS = {"x": "hexadecimal", "o": "octal", "b": "binary"}
_BREAK_LINES = "write the formula in ( ) to break its lines"
_PARTS = "a vector of parts is written [a, b]"
_EQUALS = "a comparison is written '=='"


def explained(text: str, lexemes: list[Lexeme], unexpected: Lexeme | Token) -> ExpressionError:
    """The error for the word that the parser could not take; `$END` stands for the end."""
    position = next((i for i, word in enumerate(lexemes) if word is unexpected), len(lexemes))
    spot = Spot(text, lexemes, position)
    for explain in _EXPLANATIONS:
        error = explain(spot)
        if error is not None:
            return error
    return _anything_else(spot)


def _prefixed_string(spot: Spot) -> ExpressionError | None:
    prefix, quote = spot.at(spot.position - 2), spot.before
    if spot.found.type == "STRING":
        prefix, quote = spot.before, spot.found
    mark = quote.text[:1]
    rest = spot.text[quote.start :].partition("\n")[0]
    is_string = mark in ("'", '"') and rest.count(mark) > 1 and prefix.end == quote.start
    if not is_string or prefix.text.lower() not in STRING_PREFIXES:
        return None
    kind = f"{prefix.text}{mark}…{mark}"
    message = f"strings such as {kind} at {prefix.start} are not part of the language"
    return spot.error(message, place=prefix)


def _foreign_word(spot: Spot) -> ExpressionError | None:
    if spot.found.type not in ("CHARACTER", "FOREIGN", "LONG_NAME"):
        return None
    return foreign(spot.text, spot.found)


def _attribute(spot: Spot) -> ExpressionError | None:
    if spot.found.type != "ATTRIBUTE":
        return None
    last = spot.position
    while spot.at(last + 1).type == "ATTRIBUTE":
        last += 1
    name = spot.at(last).text.lstrip(". \t")
    is_called = spot.at(last + 1).type == "LEFT_PARENTHESIS"
    if spot.before.text in MODULES:
        arguments = spot.quoted(last + 1, spot.closed_at(last + 1)) if is_called else ""
        is_plain = arguments != "…" and not {"'", '"'} & set(arguments)
        offer = name + (arguments if is_plain else "(…)")
        start, end = spot.before.start, spot.at(last).end - len(name)
        prefix = Lexeme("NAME", spot.text[start:end], start, end)
        return spot.error(
            f"write {offer} without the {shown(prefix.text)} prefix", offer, prefix
        )
    place = f"{spot.found.start}–{spot.found.end}"
    message = f"attribute {shown(spot.found.text)} at {place} is not part of the language"
    hint = None
    if is_called and not name.startswith("_"):
        hint = f"a function is written before its arguments, as in {name}(x)"
    return spot.error(f"{message}; only .T is", hint)


def _word_of_python(spot: Spot) -> ExpressionError | None:
    follows = spot.before.text in WORDS and spot.found.type in _FOLLOWS_WORD
    word = spot.before if follows else spot.found
    if word.type != "NAME" or word.text not in WORDS or not spot.is_after_operand:
        return None
    message = f"{word.text!r} at {word.start}–{word.end} is not part of the language"
    return spot.error(message, WORDS[word.text], word)


def _number_of_another_kind(spot: Spot) -> ExpressionError | None:
    number, rest = spot.before, spot.found
    if number.type != "NUMBER" or rest.type != "NAME" or not spot.is_joined:
        return None
    whole = Lexeme("NUMBER", number.text + rest.text, number.start, rest.end)
    radix = _RADIX_LETTERS.get(rest.text[0].lower()) if number.text == "0" else None
    if radix and len(rest.text) > 1:
        return spot.error(
            f"{radix} number {shown(whole.text)}; numbers are decimal", place=whole
        )
    if rest.text in ("j", "J"):
        hint = f"a variable {rest.text} is multiplied by {number.text}*{rest.text}"
        return spot.error(f"complex number {shown(whole.text)}; numbers are real", hint, whole)
    digits = whole.text.replace("_", "")
    if rest.text[0] == "_" and digits.isdecimal():
        message = f"number {shown(whole.text)} with '_'; its digits are not grouped"
        return spot.error(message, f"write {digits}", whole)
    return None


def _constant(spot: Spot) -> ExpressionError | None:
    if spot.found.type == "BOOLEAN":
        word = spot.found.text
        message = f"unexpected {word}; it is only an option's value, as in keepdims={word}"
        return spot.error(message, f"write {int(word == 'True')}")
    if spot.found.type == "NONE":
        hint = "leave the option out" if spot.before.type == "_ASSIGN" else None
        return spot.error("unexpected None; it is only a new axis, as in x[:, None]", hint)
    return None


def _string(spot: Spot) -> ExpressionError | None:
    string = spot.found if spot.found.type == "STRING" else spot.before
    if string.type != "STRING" or spot.found.type == "END":
        return None
    message = f"unexpected string {shown(string.text[1:-1])}; strings are not values"
    return spot.error(message, "only the subscripts of einsum are a string", string)


def _end(spot: Spot) -> ExpressionError | None:
    if spot.found.type != "END":
        return None
    if not spot.lexemes:
        return spot.error("the expression is empty; expected a value")
    if spot.opened and spot.before.type not in _EXPECTS_OPERAND:
        message = f"unclosed {spot.opener}; expected {spot.closing!r}"
        return spot.error(message, place=spot.at(spot.opened[-1]))
    hint = f"unclosed {spot.opener}" if spot.opened else None
    return spot.error(f"unexpected end of the expression; {_expected(spot)}", hint)


def _closing_bracket(spot: Spot) -> ExpressionError | None:
    found = spot.found.text
    if spot.found.type not in OPENING:
        return None
    if not spot.opened:
        return spot.error(f"unexpected {found!r}; no bracket before it is open")
    if found != spot.closing:
        return spot.error(
            f"unexpected {found!r}; expected {spot.closing!r} for the {spot.opener}"
        )
    return None


def _assignment(spot: Spot) -> ExpressionError | None:
    if spot.found.type != "_ASSIGN" or not spot.is_after_operand:
        return None
    if spot.opened:
        message = "unexpected '='; within brackets it only names an option, as in axis=0"
        return spot.error(message, _EQUALS)
    if spot.beginning({"_ASSIGN"}) > spot.beginning({"_SEPARATOR"}):
        return spot.error("unexpected second '='; a statement has one", "write v = 1; u = v")
    return spot.error("unexpected '='; it follows one name, as in u = w * x", _EQUALS)


def _comparison_chain(spot: Spot) -> ExpressionError | None:
    if spot.found.type != "COMPARISON" or not spot.is_after_operand:
        return None
    compared = BOUNDARIES | {"COMPARISON"}
    left = spot.quoted(spot.beginning(BOUNDARIES), spot.position - 1)
    right = spot.quoted(spot.beginning(compared), spot.ending(compared))
    offer = f"({left}) * ({right})"
    message = f"unexpected {spot.found.text!r}; comparisons do not chain: write {offer}"
    return spot.error(message, offer)


def _implied_product(spot: Spot) -> ExpressionError | None:
    if not spot.is_after_operand or spot.found.type not in _BEGINS_OPERAND:
        return None
    found = f"unexpected {shown(spot.found.text)} after {shown(spot.before.text)}"
    if spot.before.type == spot.found.type == "NUMBER":
        return spot.error(f"{found}; expected an operator or ','")
    left = spot.quoted(spot.operand_before(), spot.position - 1)
    right = spot.quoted(spot.position, spot.operand_after(spot.position))
    if spot.bracket == "stack" and not spot.is_joined:
        return spot.error(f"{found}; expected ',' or an operator", f"{left}, {right}")
    if spot.before.type == "NAME" and len(left) > 1 and left in BY_ANY_NAME:
        offer = f"{left}({right})"
        return spot.error(f"{found}; expected '(': write {offer}", offer)
    if spot.before.type in OPENING and spot.found.type == "LEFT_PARENTHESIS":
        found += "; only a name is called"
    offer = f"{left}*{right}"
    return spot.error(f"{found}; multiplication is never implied: write {offer}", offer)


def _punctuation(spot: Spot) -> ExpressionError | None:
    if not (spot.is_after_operand or spot.before.type == spot.found.type == "COLON"):
        return None
    match spot.found.type, spot.bracket:
        case "COLON", "index":
            return spot.error("unexpected ':'; a slice is first:stop:step")
        case "COLON", _:
            return spot.error("unexpected ':'; it stands only in an index, as in x[1:3]")
        case "_COMMA", "":
            return spot.error("unexpected ','; expected an operator or the end", _PARTS)
        case "_COMMA", "group":
            message = "unexpected ','; (a, b) is only an argument, as in zeros((n, n))"
            return spot.error(message, _PARTS)
        case "_SEPARATOR", "call" | "group" | "index" | "stack":
            message = f"unexpected ';'; expected {spot.closing!r} for the {spot.opener}"
            return spot.error(message)
    return None


def _anything_else(spot: Spot) -> ExpressionError:
    expected = _expected(spot)
    if spot.found.type == "_SEPARATOR" and not spot.opened:
        hint = _BREAK_LINES if spot.found.text == "\n" else None
        return spot.error(f"unexpected end of the statement; {expected}", hint)
    hint = "leave the '+' out" if spot.found.type == "PLUS" else None
    if spot.before.text == "\n" and spot.found.type in _EXPECTS_OPERAND:
        hint = _BREAK_LINES
    return spot.error(f"unexpected {shown(spot.found.text)}; {expected}", hint)


def _expected(spot: Spot) -> str:
    before = shown(spot.before.text)
    if spot.is_after_operand:
        return f"expected an operator after {before}"
    if spot.position == 0 or spot.before.type == "_SEPARATOR":
        return "expected a value"
    if spot.before.type in CLOSING:
        return f"expected a value after the {spot.opener}"
    return f"expected a value after {before}"


_EXPLANATIONS: tuple[Callable[[Spot], ExpressionError | None], ...] = (
    _prefixed_string,
    _foreign_word,
    _attribute,
    _word_of_python,
    _number_of_another_kind,
    _constant,
    _string,
    _end,
    _closing_bracket,
    _assignment,
    _comparison_chain,
    _implied_product,
    _punctuation,
)
