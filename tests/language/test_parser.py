import re
from fractions import Fraction
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import GradserveError, OverLimitError
from service.language.parser import parse
from service.language.syntax import Call, Let, Number, Operation
from service.settings import Limits
from tests.language.trees import LETS, VALUES, as_text, s_expression

LIMITS = Limits()

TREES = {
    "x": "x",
    "w * x": "(multiply w x)",
    "a - b - c": "(subtract (subtract a b) c)",
    "a / b * c @ d": "(matmul (multiply (divide a b) c) d)",
    "a + b * c": "(add a (multiply b c))",
    "(a + b) * c": "(multiply (add a b) c)",
    "((x))": "x",
    "a ⊕ b ⊖ c": "(subtract (add a b) c)",
    "a ⊗ b ⊘ c": "(divide (multiply a b) c)",
    "a .* b ./ c": "(divide (multiply a b) c)",
    "a − b": "(subtract a b)",
    "−x": "(negate x)",
    "x**2": "(power x 2)",
    "x^2": "(power x 2)",
    "x.^2": "(power x 2)",
    "x**y**z": "(power x (power y z))",
    "-x**2": "(negate (power x 2))",
    "2**-x": "(power 2 (negate x))",
    "2**-x**2": "(power 2 (negate (power x 2)))",
    "--x": "(negate (negate x))",
    "-x * y": "(multiply (negate x) y)",
    "a * -b": "(multiply a (negate b))",
    "w @ x + b": "(add (matmul w x) b)",
    "w · x": "dot(w, x)",
    "w · x + b": "(add dot(w, x) b)",
    "A.T": "(transpose A)",
    "A'": "(transpose A)",
    "Aᵀ": "(transpose A)",
    "A''": "(transpose (transpose A))",
    "A'*B'": "(multiply (transpose A) (transpose B))",
    "A.T**2": "(power (transpose A) 2)",
    "x**A.T": "(power x (transpose A))",
    "f(x)'": "(transpose f(x))",
    "[a]'": "(transpose (stack a))",
    "f' * x": "(multiply (transpose f) x)",
    "A .T": "(transpose A)",
    "x > 0": "(greater x 0)",
    "x >= 0": "(greater_equal x 0)",
    "x ≥ 0": "(greater_equal x 0)",
    "x < 0": "(less x 0)",
    "x <= y": "(less_equal x y)",
    "x ≤ y": "(less_equal x y)",
    "x == y": "(equal x y)",
    "x != y": "(not_equal x y)",
    "x ≠ y": "(not_equal x y)",
    "a + 1 > b * 2": "(greater (add a 1) (multiply b 2))",
    "(0 < x) < 1": "(less (less 0 x) 1)",
    "f()": "f()",
    "maximum(0, z)": "maximum(0, z)",
    "maximum(x,1,)": "maximum(x, 1)",
    "sum(x, axis=0, keepdims=True)": "sum(x, axis=0, keepdims=True)",
    "sum(x, axis=(0, 1))": "sum(x, axis=(tuple 0 1))",
    "sum(x, axis=-1)": "sum(x, axis=(negate 1))",
    "zeros((n, n))": "zeros((tuple n n))",
    "zeros((3,))": "zeros((tuple 3))",
    "f((x))": "f(x)",
    "f((x + 1) * 2, y)": "f((multiply (add x 1) 2), y)",
    "where(z > 0, z, 0)": "where((greater z 0), z, 0)",
    "[3*x**2*y, 2*x + y**8]": "(stack (multiply (multiply 3 (power x 2)) y) "
    "(add (multiply 2 x) (power y 8)))",
    "[[a, b], [c, d],]": "(stack (stack a b) (stack c d))",
    "x[0]": "(index x 0)",
    "x[-1]": "(index x (negate 1))",
    "A[:, 1]": "(index A :: 1)",
    "x[1:3]": "(index x 1:3:)",
    "x[::2]": "(index x ::2)",
    "x[n-1:0:-1]": "(index x (subtract n 1):0:(negate 1))",
    "x[:, None]": "(index x :: None)",
    "x[0][1]": "(index (index x 0) 1)",
    "(x + y)[0]": "(index (add x y) 0)",
    "x[0]**2": "(power (index x 0) 2)",
    "u = w * x; z = sum(u); z": "(let u=(multiply w x) z=sum(u) z)",
    "u = w * x\nz = u\n\nz\n": "(let u=(multiply w x) z=u z)",
    ";;x;;": "x",
    "u = 1;\n; u ; ": "(let u=1 u)",
    "u = 1\r\nu": "(let u=1 u)",
    "f(x,\n  y)": "f(x, y)",
    "[a,\n b\n]": "(stack a b)",
    "u = (x +\n 1); u": "(let u=(add x 1) u)",
    'einsum("ij,j->i", A, x)': "einsum('ij,j->i', A, x)",
    "einsum('ij,j->i', A, x)": "einsum('ij,j->i', A, x)",
    "eval('1')": "eval('1')",
    "lambda + 1": "(add lambda 1)",
    "if * else": "(multiply if else)",
    "f(lambda=1)": "f(lambda=1)",
    "ln(x) + e": "(add ln(x) e)",
    "λ * Σ_1 + πx": "(add (multiply λ Σ_1) πx)",
    "_": "_",
    "Truest": "Truest",
    "T": "T",
    "T(x).T": "(transpose T(x))",
    "x(2)": "x(2)",
    "9**9**9**9": "(power 9 (power 9 (power 9 9)))",
    "2.*x": "(multiply 2 x)",
    "2./x": "(divide 2 x)",
    "2.^x": "(power 2 x)",
    "2.**x": "(power 2 x)",
    "3.T": "(transpose 3)",
    "\tx  +\r y ": "(add x y)",
    "x" * 64: "x" * 64,
}

NUMBERS = {
    "0": Fraction(0),
    "12": Fraction(12),
    "007": Fraction(7),
    "2.5e-3": Fraction(1, 400),
    "0.1": Fraction(1, 10),
    "1.": Fraction(1),
    ".5": Fraction(1, 2),
    "1E+3": Fraction(1000),
    "1.00000000000000000000000000000000": Fraction(1),
    "1000000000000000000": Fraction(10**18),
    "9223372036854775808": Fraction(2**63),
    "9223372036854775809": float(2**63),
    "1e-18": Fraction(1, 10**18),
    "1e-19": 1e-19,
    "3.141592653589793238462643": 3.141592653589793,
    "1e300": 1e300,
    "1e999": float("inf"),
    "9" * 5000: float("inf"),
    "1e-999": 0.0,
    "0e999": Fraction(0),
    "1e" + "9" * 5000: float("inf"),
    "0." + "0" * 5000 + "1": 0.0,
}

PLACES = [
    ("x", 0, 1),
    (" (a + b) * c ", 1, 12),
    ("-(x)", 0, 4),
    ("(A)'", 0, 4),
    ("(x)[(0)]", 0, 8),
    ("f( (x) )", 0, 8),
    ("[a, (b)]", 0, 8),
    ("u = (1); (u)", 0, 12),
    ("(a) < (b)", 0, 9),
]


@pytest.mark.parametrize(("text", "tree"), TREES.items(), ids=ascii)
def test_text_parses_to_its_tree(text, tree):
    assert s_expression(parse(text, LIMITS)) == tree


@pytest.mark.parametrize(
    ("literal", "value"), NUMBERS.items(), ids=[text[:24] for text in NUMBERS]
)
def test_a_literal_is_exact_within_64_bits(literal, value):
    tree = parse(literal, LIMITS)

    assert isinstance(tree, Number)
    assert tree.value == value
    assert type(tree.value) is type(value)


@pytest.mark.parametrize(("text", "start", "end"), PLACES)
def test_a_place_covers_the_parentheses_of_the_parts_but_not_its_own(text, start, end):
    tree = parse(text, LIMITS)

    assert (tree.start, tree.end) == (start, end)


def test_the_parts_have_their_own_places():
    tree = parse("(a + b) * maximum(0, x)", LIMITS)

    assert isinstance(tree, Operation)
    total, call = tree.args
    assert (total.start, total.end) == (1, 6)
    assert isinstance(call, Call)
    assert (call.start, call.function_end, call.end) == (10, 17, 23)


def test_an_assignment_keeps_the_place_of_its_name():
    tree = parse("u = x; u", LIMITS)

    assert isinstance(tree, Let)
    name, value = tree.bindings[0]
    assert (name.start, name.end, value.start, value.end) == (0, 1, 4, 5)


HOSTILE = {
    "100k parentheses": ("(" * 100_000 + "x" + ")" * 100_000, "200001 characters"),
    "5000 unary minus": (
        "-" * 5000 + "x",
        "5001 nodes; the limit max_expression_nodes is 2000",
    ),
    "1900 unary minus": ("-" * 1900 + "x", "nests 1900 deep"),
    "10k tildes": ("~" * 10_000 + "x", "10001 characters"),
    "power tower of 1000": ("x" + "**x" * 1000, "2001 nodes"),
    "power tower of 900": ("x" + "**x" * 900, "nests 900 deep"),
    "minus deep inside": (f"u = f((x[{'-' * 70}x:],)); u", "nests 72 deep"),
    "minus in an option": (f"f(x, axis=({'-' * 70}1, 0))", "nests 71 deep"),
    "negated power tower": ("2**-" * 40 + "x", "nests 80 deep"),
    "5000 calls": ("exp(" * 5000 + "x" + ")" * 5000, "max_expression_characters is 10000"),
    "100 calls": (
        "exp(" * 100 + "x" + ")" * 100,
        "nests 100 deep; the limit max_expression_nest",
    ),
    "65 indices": ("x[" * 65 + ":" + "]" * 65, "nests 65 deep"),
    "9999 open brackets": ("(" * 9999, "nests 9999 deep"),
    "1 MB of $": ("$" * 1_000_000, "1000000 characters"),
    "3000 products": ("x" + " @ x" * 3000, "12001 characters"),
    "1100 products": ("x" + "@x" * 1100, "2201 nodes"),
    "comparison chain": ("x" + "<x" * 100_000, "200001 characters"),
    "hexadecimal digits": ("0x" + "f" * 1_000_000, "1000002 characters"),
    "combining marks": ("x" + "\u0301" * 10_000, "10001 characters"),
}


@pytest.mark.parametrize(("text", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_limit_is_named_with_its_measure_and_quickly(text, message):
    start = perf_counter()

    with pytest.raises(OverLimitError, match=message):
        parse(text, LIMITS)

    assert perf_counter() - start < 1.0  # twenty times what the slowest takes


@pytest.mark.parametrize(
    "text",
    ["x" + "+x" * 999, "x" + ".T" * 1900, "x" + "[0]" * 900, "[x]" + "'" * 1900],
    ids=["sum", "transposes", "indices", "quotes"],
)
def test_a_chain_to_the_left_is_only_bound_by_the_number_of_nodes(text):
    parse(text, LIMITS)


@pytest.mark.parametrize(
    ("limits", "text", "message"),
    [
        (
            Limits(max_expression_characters=3),
            "x+yz",
            "has 4 characters; the limit max_exp.* is 3",
        ),
        (Limits(max_expression_nodes=3), "x+y+z", "has 5 nodes; the limit max_exp.* is 3"),
        (Limits(max_expression_nesting=2), "(((x)))", "nests 3 deep; the limit max_exp.* is 2"),
        (Limits(max_expression_nesting=2), "---x", "nests 3 deep; the limit max_exp.* is 2"),
    ],
    ids=["characters", "nodes", "brackets", "operators"],
)
def test_limits_come_from_the_settings(limits, text, message):
    with pytest.raises(OverLimitError, match=message):
        parse(text, limits)


def test_a_tree_at_the_limit_passes():
    limits = Limits(
        max_expression_characters=9, max_expression_nodes=5, max_expression_nesting=2
    )

    assert s_expression(parse("f(g(x))+y", limits)) == "(add f(g(x)) y)"


_WORDS = st.sampled_from(
    [
        *".+-*/^@=<()[]{},:;\n%~'\"·≤ᵀ\\π_$",
        *("**", "//", "==", ".T", ".x", "f'", "'ij'", "axis=", "sum(", "einsum(", "np.", "if"),
        *("x", "A", "lambda", "None", "True", "2", "0.5", "1e", "0x", "1_0"),
        *("\u0445", "\u202e", "\u0301", "\x00", "\ufb01"),
    ]
)


@given(st.lists(_WORDS | st.just(" "), max_size=25).map("".join))
@settings(max_examples=600)
def test_words_in_any_order_give_a_tree_or_an_error_with_a_place(text):
    _parses_or_explains(text)


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_any_text_gives_a_tree_or_an_error_with_a_place(text):
    _parses_or_explains(text)


def _parses_or_explains(text):
    try:
        parse(text, LIMITS)
    except GradserveError as error:
        fault = error.faults[0]
        assert fault.start is not None
        assert fault.end is not None
        assert 0 <= fault.start <= fault.end <= len(text)
        words = re.sub(r"U\+[0-9A-F]+ \(.*?\)", "", fault.message)
        assert not any(kind in words for kind in ("BRACKET", "PARENTHESIS", "_COMMA"))
        assert "Token" not in fault.message
        assert fault.message.isprintable()
        assert (fault.hint or "").isprintable()


@given(VALUES | LETS)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_a_printed_tree_parses_back_to_itself(tree):
    parsed = parse(as_text(tree), Limits(max_expression_nesting=1000))

    assert s_expression(parsed) == s_expression(tree)
