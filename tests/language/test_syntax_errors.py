import re

import pytest

from service.errors import ExpressionSyntaxError, UnknownNameError
from service.language.parser import parse
from service.settings import Limits

ERRORS = [
    ("", 0, 0, "the expression is empty; expected a value"),
    (" \n;", 0, 0, "the expression is empty; expected a value"),
    ("x *", 3, 3, "unexpected end of the expression; expected a value after '*'"),
    ("x !=", 4, 4, "unexpected end of the expression; expected a value after '!='"),
    ("(x *", 4, 4, "unexpected end of the expression; expected a value after '*'"),
    ("sum(x * (x + 1", 8, 9, "unclosed '(' opened at 8; expected ')'"),
    ("sum(x", 3, 4, "unclosed '(' opened at 3; expected ')'"),
    ("x[1, ", 1, 2, "unclosed '[' opened at 1; expected ']'"),
    ("x)", 1, 2, "unexpected ')'; no bracket before it is open"),
    ("(x]", 2, 3, "unexpected ']'; expected ')' for the '(' opened at 0"),
    ("()", 1, 2, "unexpected ')'; expected a value after the '(' opened at 0"),
    ("x[]", 2, 3, "unexpected ']'; expected a value after the '[' opened at 1"),
    ("x + * y", 4, 5, "unexpected '*'; expected a value after '+'"),
    ("@ x", 0, 1, "unexpected '@'; expected a value"),
    ("+x", 0, 1, "unexpected '+'; expected a value"),
    ("f(x,,y)", 4, 5, "unexpected ','; expected a value after ','"),
    ("x *\n2", 3, 4, "unexpected end of the statement; expected a value after '*'"),
    ("zeros((n, n) * 2)", 13, 14, "unexpected '*'; expected an operator after ')'"),
    ("x; x", 0, 1, "a statement before the last is not an assignment"),
    ("u = 1", 0, 5, "the last statement only assigns 'u'; expected a value after it"),
    ("u = v = 1; u", 6, 7, "unexpected second '='; a statement has one"),
    ("sum(x) = 1; x", 7, 8, "unexpected '='; it follows one name, as in u = w * x"),
    ("(x = 1)", 3, 4, "unexpected '='; within brackets it only names an option, as in axis=0"),
    ("f(x; y)", 3, 4, "unexpected ';'; expected ')' for the '(' opened at 1"),
    ("x, y", 1, 2, "unexpected ','; expected an operator or the end"),
    ("(x, y)", 2, 3, "unexpected ','; (a, b) is only an argument, as in zeros((n, n))"),
    ("x:y", 1, 2, "unexpected ':'; it stands only in an index, as in x[1:3]"),
    ("x[1:2:3:4]", 7, 8, "unexpected ':'; a slice is first:stop:step"),
    ("x[:::]", 4, 5, "unexpected ':'; a slice is first:stop:step"),
    ("f(axis=0, x)", 10, 11, "an argument of f without a name follows a named one"),
    ("f(a=1, a=2)", 7, 10, "the option 'a' of f is given twice"),
    ("True", 0, 4, "unexpected True; it is only an option's value, as in keepdims=True"),
    ("f(False)", 2, 7, "unexpected False; it is only an option's value, as in keepdims=False"),
    ("x + None", 4, 8, "unexpected None; it is only a new axis, as in x[:, None]"),
    ("sum(x, axis=None)", 12, 16, "unexpected None; it is only a new axis, as in x[:, None]"),
    ("1 2", 2, 3, "unexpected '2' after '1'; expected an operator or ','"),
    ("[a b]", 3, 4, "unexpected 'b' after 'a'; expected ',' or an operator"),
    ("1.2.3", 3, 5, "unexpected '.3' after '1.2'; expected an operator or ','"),
    ("'a' * 9", 0, 3, "unexpected string 'a'; strings are not values"),
    ("'%s' % x", 0, 4, "unexpected string '%s'; strings are not values"),
    ("f('a' 'b')", 6, 9, "unexpected string 'b'; strings are not values"),
    ("f(x='a')", 4, 7, "unexpected string 'a'; strings are not values"),
    ('"abc', 0, 1, 'unclosed quote "; expected another after the string'),
    ("A '", 2, 3, "unclosed quote '; expected another after the string"),
    ("f'{x}'", 0, 1, "strings such as f'…' at 0 are not part of the language"),
    ('f"x"', 0, 1, 'strings such as f"…" at 0 are not part of the language'),
    (
        "x.__class__",
        1,
        11,
        "attribute '.__class__' at 1–11 is not part of the language; only .T",
    ),
    ("f('i', x).real", 9, 14, "attribute '.real' at 9–14 is not part of the language"),
    ("x.T2", 1, 4, "attribute '.T2' at 1–4 is not part of the language; only .T is"),
    ("lambda: x", 0, 6, "'lambda' at 0–6 is not part of the language"),
    ("(yield x)", 1, 6, "'yield' at 1–6 is not part of the language"),
    ("x if c else y", 2, 4, "'if' at 2–4 is not part of the language"),
    ("[x for x in y]", 3, 6, "'for' at 3–6 is not part of the language"),
    ("import os", 0, 6, "'import' at 0–6 is not part of the language"),
    ("{'a': x}", 0, 1, "'{' is not part of the language"),
    ("x \\\n + 1", 2, 3, "unexpected line continuation '\\'"),
    ("\\frac", 0, 1, "unexpected backslash '\\'"),
    ("~x", 0, 1, "'~' is not part of the language"),
    ("x % y", 2, 3, "'%' is not part of the language"),
    ("x // y", 2, 4, "'//' is not part of the language"),
    ("x & y", 2, 3, "'&' is not part of the language"),
    ("x | y", 2, 3, "'|' is not part of the language"),
    ("x -= 1", 2, 4, "'-=' is not part of the language"),
    ("x .. y", 2, 3, "'.' is not part of the language"),
    ("x * 1j", 4, 6, "complex number '1j'; numbers are real"),
    ("0xfff", 0, 5, "hexadecimal number '0xfff'; numbers are decimal"),
    ("1_000", 0, 5, "number '1_000' with '_'; its digits are not grouped"),
    ("x" * 65, 0, 65, "a name has 65 characters; the limit is 64"),
    ("x\u202e + 1", 1, 2, "unexpected character U+202E (RIGHT-TO-LEFT OVERRIDE)"),
    ("x\x1b[31m\ny", 1, 2, "unexpected character U+001B (ESCAPE)"),
    ("x\x00", 1, 2, "unexpected character U+0000 (NULL)"),
    ("x\x01", 1, 2, "unexpected character U+0001 (control character)"),
    ("\ud800", 0, 1, "unexpected character U+D800 (surrogate)"),
    ("x\u0301\u0301", 1, 2, "unexpected character U+0301 (COMBINING ACUTE ACCENT)"),
    ("x + \u0661", 4, 5, "(ARABIC-INDIC DIGIT ONE); numbers have ASCII digits only"),
    ("\ufb01 + x", 0, 1, "unexpected character U+FB01 (LATIN SMALL LIGATURE FI); names have"),
    ("x\u00a0+ 1", 1, 2, "unexpected character U+00A0 (NO-BREAK SPACE)"),
    ("x × y", 2, 3, "unexpected character U+00D7 (MULTIPLICATION SIGN)"),
]

OFFERS = [
    ("3x", 1, "3*x"),
    ("2 x", 2, "2*x"),
    ("x y z", 2, "x*y"),
    ("2(x + 1)", 1, "2*(x + 1)"),
    ("(x)(y)", 3, "(x)*(y)"),
    ("f(x)[0] A.T", 8, "f(x)[0]*A.T"),
    ("a + x' y(z)[1]", 7, "x'*y(z)[1]"),
    ("2(" + "x + " * 20 + "x)", 1, "2*…"),
    ("2(x", 1, "2*…"),
    ("exp x", 4, "exp(x)"),
    ("0 < x < 1", 6, "(0 < x) * (x < 1)"),
    ("f(a, b <= c + 1 < d, e)", 16, "(b <= c + 1) * (c + 1 < d)"),
    ("np.exp(x)", 0, "exp(x)"),
    ("2 * numpy.linalg.norm(x + 1)", 4, "norm(x + 1)"),
    ("math.pi", 0, "pi"),
    ("np.load('/etc/passwd')", 0, "load(…)"),
]

HINTS = [
    ("x\n+ 1", "write the formula in ( ) to break its lines"),
    ("x +\n 1", "write the formula in ( ) to break its lines"),
    ("x; x", "only the last statement is the value; drop this one or name it, as in u = w * x"),
    ("u = 1", "end with the value, as in u = …; u, or compare with '=='"),
    ("x ++ y", "leave the '+' out"),
    ("f(x = 1 = 2)", "a comparison is written '=='"),
    ("(x, y)", "a vector of parts is written [a, b]"),
    ("[1 x]", "1, x"),
    ("(x *", "unclosed '(' opened at 0"),
    ("sum(x, axis=None)", "leave the option out"),
    ("where(True, x, y)", "write 1"),
    ("x.sum()", "a function is written before its arguments, as in sum(x)"),
    ("x if c else y", "write where(condition, value, otherwise)"),
    ("x and y", "multiply the comparisons: (x > 0) * (x < 1)"),
    ("x // y", "write floor(x / y)"),
    ("1_000", "write 1000"),
    ("2j", "a variable j is multiplied by 2*j"),
    ("x²", "a power is written x**2"),
    ("x\u00a0", "write an ordinary space"),
    ("x × y", "write '*', or '@' for the matrix product"),
    ("x \uff0b y", "write '+'"),
    ("\u0661", "write 1"),
    ("A '", "the transpose of A is written A' without a space"),
]

LOOK_ALIKES = [
    ("\u0445 * x", 0, "U+0445 CYRILLIC SMALL LETTER HA, which looks like x"),
    ("m\u0430x(x)", 1, "U+0430 CYRILLIC SMALL LETTER A, which looks like a"),
    ("\uff58 + 1", 0, "U+FF58 FULLWIDTH LATIN SMALL LETTER X, which looks like x"),
    ("1 + \U0001d465", 4, "U+1D465 MATHEMATICAL ITALIC SMALL X, which looks like x"),
    ("\u00b5", 0, "U+00B5 MICRO SIGN, which looks like \u03bc"),
]


@pytest.mark.parametrize(("text", "start", "end", "message"), ERRORS, ids=ascii)
def test_an_error_says_what_was_found_and_expected_at_its_place(text, start, end, message):
    with pytest.raises(ExpressionSyntaxError, match=re.escape(message)) as caught:
        parse(text, Limits())

    assert (caught.value.faults[0].start, caught.value.faults[0].end) == (start, end)


@pytest.mark.parametrize(("text", "start", "offer"), OFFERS, ids=ascii)
def test_a_repair_is_offered(text, start, offer):
    with pytest.raises(ExpressionSyntaxError, match=f"write {re.escape(offer)}") as caught:
        parse(text, Limits())

    assert caught.value.faults[0].start == start
    assert caught.value.faults[0].hint == offer


@pytest.mark.parametrize(("text", "hint"), HINTS, ids=ascii)
def test_a_hint_tells_what_to_write(text, hint):
    with pytest.raises(ExpressionSyntaxError, match=r".") as caught:
        parse(text, Limits())

    assert (caught.value.faults[0].hint or "").startswith(hint)


@pytest.mark.parametrize(("text", "start", "message"), LOOK_ALIKES, ids=ascii)
def test_a_letter_that_looks_like_another_is_an_unknown_name(text, start, message):
    with pytest.raises(UnknownNameError, match=re.escape(message)) as caught:
        parse(text, Limits())

    assert (caught.value.faults[0].start, caught.value.faults[0].end) == (start, start + 1)
