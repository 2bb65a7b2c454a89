import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ExpressionSyntaxError, Fault, OverLimitError, ValidationError
from service.language.places import excerpt, located, nearest, shown

FUNCTIONS = (
    *("exp", "log", "log10", "sqrt", "sin", "cos", "tanh", "sigmoid", "softplus", "relu"),
    *("maximum", "minimum", "where", "sum", "mean", "normalize", "transpose", "trace", "det"),
    *("logdet", "inv", "log_softmax", "cross_entropy", "arctan2"),
)


@pytest.mark.parametrize(
    ("text", "start", "end", "lines"),
    [
        ("x * y", 2, 3, ("line 1, column 3", "x * y", "  ^")),
        ("sum(xyz)", 4, 7, ("line 1, column 5", "sum(xyz)", "    ^^^")),
        ("x *", 3, 3, ("line 1, column 4", "x *", "   ^")),
        ("", 0, 0, ("line 1, column 1", "", "^")),
        ("u = 1\nv = $\nv", 10, 11, ("line 2, column 5", "v = $", "    ^")),
        ("(a\nb)", 0, 5, ("line 1, column 1", "(a", "^^")),
        ("a\n", 2, 2, ("line 2, column 1", "", "^")),
        ("x\t\x1b\u202e\u0301+", 5, 6, ("line 1, column 6", "x \ufffd\ufffd\ufffd+", "     ^")),
        ("x", 9, 12, ("line 1, column 2", "x", " ^")),
    ],
    ids=ascii,
)
def test_an_excerpt_points_at_the_place(text, start, end, lines):
    assert excerpt(text, start, end) == "\n".join(lines)


@given(st.text(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_an_excerpt_is_at_most_80_characters_with_the_carets_in_it(text, start, length):
    place, line, carets = excerpt(text, start, start + length).split("\n")

    assert place.startswith("line ")
    assert len(line) <= 80
    assert len(carets) <= 81
    assert carets.strip(" ").strip("^") == ""
    assert "^" in carets
    assert line.isprintable()


def test_a_long_line_is_clipped_around_the_place():
    _, line, carets = excerpt("a" * 200 + "$" + "b" * 200, 200, 201).split("\n")

    assert line[carets.index("^")] == "$"
    assert (line[0], line[-1], len(line)) == ("…", "…", 80)


def test_an_error_is_located_in_its_message_and_pointer():
    error = ExpressionSyntaxError("unexpected '$'", start=4, end=5, hint="h")

    same = located(error, "x + $")

    assert same is error
    message = "unexpected '$'\nline 1, column 5\nx + $\n    ^"
    assert error.message == str(error) == message
    assert error.faults == (Fault(message, "/expression", 4, 5, "h"),)


def test_an_error_is_located_only_once():
    error = located(ExpressionSyntaxError("unexpected '$'", start=0, end=1), "$")

    assert located(error, "$").message.count("line 1") == 1


def test_a_fault_without_a_place_stays_as_it_is():
    faults = (Fault("m", "/wrt"), Fault("n", "/claim", 0, 1))
    error = located(ValidationError("two", faults=faults), "x")

    assert error.message == "two"
    assert error.faults == (faults[0], Fault("n\nline 1, column 1\nx\n^", "/claim", 0, 1))


def test_an_error_over_a_limit_without_a_place_has_no_excerpt():
    error = located(OverLimitError("too long"), "x")

    assert error.faults == (Fault("too long"),)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sigmod", "sigmoid"),
        ("maximun", "maximum"),
        ("Exp", "exp"),
        ("logSoftmax", "log_softmax"),
        ("crossentropy", "cross_entropy"),
        ("sni", "sin"),
        ("summ", "sum"),
        ("arctan", "arctan2"),
        ("sigm", "sigmoid"),
        ("transp", "transpose"),
        ("foo", None),
        ("s", None),
        ("qr", None),
        ("eigenvalues", None),
        ("", None),
        ("_", None),
        ("x" * 10_000, None),
    ],
)
def test_the_nearest_function_is_the_one_meant(name, meant):
    assert nearest(name, FUNCTIONS) == meant


@pytest.mark.parametrize(
    ("name", "variables", "meant"),
    [
        ("X", ["w", "x"], "x"),
        ("x", ["w", "y"], None),
        ("w2", ["w1", "w3"], None),
        ("wieghts", ["weights", "heights"], "weights"),
        ("X_1", ["x1", "x_1"], "x_1"),
        ("x", [], None),
        ("x", ["x"], None),
    ],
)
def test_the_nearest_variable_is_the_one_meant(name, variables, meant):
    assert nearest(name, variables) == meant


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x", "'x'"),
        ("A'", '"A\'"'),
        ("a'\"", "'a\\'\"'"),
        ("back\\slash", "'back\\\\slash'"),
        ("\x1b[31m\n", "'\\x1b[31m\\n'"),
        ("\u202ex\u0301", "'\\u202ex\\u0301'"),
        ("\u05d0\u0661", "'\\u05d0\\u0661'"),
        ("\U000e0001", "'\\U000e0001'"),
        ("a\u00a0b\u2003", "'a\\xa0b\\u2003'"),
        ("σ", "'σ'"),
        ("", "''"),
        ("x" * 58, "'" + "x" * 58 + "'"),
        ("x" * 59, "'" + "x" * 57 + "…'"),
    ],
    ids=ascii,
)
def test_input_is_shown_escaped_and_clipped(name, text):
    assert shown(name) == text


@given(st.text())
def test_what_is_shown_is_safe_and_short(name):
    assert len(shown(name)) <= 60
    assert shown(name).isprintable()
