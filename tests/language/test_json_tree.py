"""Expressions as JSON trees: to text and back, and every mistake at its pointer."""

import pytest

from service.errors import (
    OverLimitError,
    UnknownFunctionError,
    ValidationError,
    WrongArgumentsError,
)
from service.language.json_tree import tree_of
from service.language.parser import parse
from service.language.tree_text import written
from service.settings import Limits

LIMITS = Limits()


def op(name, *args, **options):
    tree = {"op": name, "args": list(args)}
    return tree | {"options": options} if options else tree


# A text, the tree it is, and the text of that tree where it is written in another way.
TREES = [
    ("x", "x", "x"),
    ("2.50", 2.5, "2.5"),
    ("1e300", 1e300, "1e+300"),
    ("9007199254740993", 9007199254740993, "9007199254740993"),
    ("maximum(0, w·x + b)", op("maximum", 0, op("add", op("dot", "w", "x"), "b")), None),
    ("max(0, w @ x + b)", op("max", 0, op("add", op("matmul", "w", "x"), "b")), None),
    ("a + b + c - d", op("subtract", op("add", "a", "b", "c"), "d"), None),
    ("a + (b + c)", op("add", "a", op("add", "b", "c")), None),
    ("a - (b - c)", op("subtract", "a", op("subtract", "b", "c")), None),
    ("a*b*c", op("multiply", "a", "b", "c"), "a * b * c"),
    ("a / b * c", op("multiply", op("divide", "a", "b"), "c"), None),
    ("a / (b * c)", op("divide", "a", op("multiply", "b", "c")), None),
    ("(a + b) @ c", op("matmul", op("add", "a", "b"), "c"), None),
    ("x**y**z", op("power", "x", op("power", "y", "z")), None),
    ("(x**y)**z", op("power", op("power", "x", "y"), "z"), None),
    ("-x**2", op("negate", op("power", "x", 2)), None),
    ("(-x)**2", op("power", op("negate", "x"), 2), None),
    ("(-2)**x", op("power", -2, "x"), None),
    ("x**-2", op("power", "x", -2), None),
    ("-0", op("negate", 0), None),
    ("--x", op("negate", op("negate", "x")), None),
    ("-2[0]", op("negate", op("index", 2, index=[0])), None),
    ("A'", op("transpose", "A"), "A.T"),
    ("transpose(A) + T(A)", op("add", op("transpose", "A"), op("transpose", "A")), None),
    ("(A @ B).T", op("transpose", op("matmul", "A", "B")), None),
    (
        "(x > 0) * (y ≤ 1)",
        op("multiply", op("greater", "x", 0), op("less_equal", "y", 1)),
        None,
    ),
    ("x >= y", op("greater_equal", "x", "y"), None),
    ("x < y", op("less", "x", "y"), None),
    ("x == y", op("equal", "x", "y"), None),
    ("(x != y) == z", op("equal", op("not_equal", "x", "y"), "z"), None),
    ("[[1, x], [y, 2]]", op("stack", op("stack", 1, "x"), op("stack", "y", 2)), None),
    ("x[0]", op("index", "x", index=[0]), None),
    ("A[-1, 1:3]", op("index", "A", index=[-1, {"start": 1, "stop": 3}]), None),
    ("A[::-2, :]", op("index", "A", index=[{"step": -2}, {}]), None),
    (
        "A[2:][:, None]",
        op("index", op("index", "A", index=[{"start": 2}]), index=[{}, None]),
        None,
    ),
    ("x[1 + 1]", op("index", "x", index=[op("add", 1, 1)]), None),
    ("ln(x)", op("log", "x"), "log(x)"),
    ("sum(A, 0)", op("sum", "A", axis=0), "sum(A, axis=0)"),
    ("sum(A, axis=(0, -1), keepdims=True)", op("sum", "A", axis=[0, -1], keepdims=True), None),
    ("sum(A, axis=(0,))", op("sum", "A", axis=[0]), None),
    ("einsum('ij,j->i', A, x)", op("einsum", "A", "x", subscripts="ij,j->i"), None),
    ("matrix_power(A, 3)", op("matrix_power", "A", k=3), None),
    ("polygamma(1, x)", op("polygamma", "x", k=1), None),
    ("quantile(x, y, 0.9)", op("quantile", "x", "y", level=0.9), "quantile(x, y, level=0.9)"),
    (
        "zeros((2, n)) + ones(3)",
        op("add", op("zeros", shape=[2, "n"]), op("ones", shape=3)),
        None,
    ),
    ("eye(n) + eye", op("add", op("eye", n="n"), "eye"), None),
    ("onehot(3, -1)", op("onehot", n=3, k=-1), None),
    (
        "u = w * x; z = sum(u) + b; z**2",
        op(
            "let",
            op("power", "z", 2),
            bindings=[
                {"name": "u", "value": op("multiply", "w", "x")},
                {"name": "z", "value": op("add", op("sum", "u"), "b")},
            ],
        ),
        "u = w * x\nz = sum(u) + b\nz**2",
    ),
]


@pytest.mark.parametrize(("text", "tree", "canonical"), TREES)
def test_a_text_is_a_tree_and_a_tree_is_a_text(text, tree, canonical):
    found = written(tree, LIMITS).text

    assert tree_of(parse(text, LIMITS)) == tree
    assert tree_of(parse(found, LIMITS)) == tree
    if canonical:
        assert found == canonical


@pytest.mark.parametrize("tree", [tree for _, tree, _ in TREES])
def test_every_node_stands_at_its_place_in_the_text(tree):
    whole = written(tree, LIMITS)

    for span in whole.spans:
        part = whole.text[span.start : span.end]
        assert written(at(tree, span.pointer), LIMITS).text == part
    assert whole.spans[0].pointer == ""


def at(tree, pointer):
    for step in pointer.split("/")[1:]:
        tree = tree[int(step) if isinstance(tree, list) else step]
    return tree


def test_the_pointer_at_a_place_is_that_of_the_innermost_node():
    whole = written(op("add", "x", op("multiply", -2, op("add", "y", "z"))), LIMITS)

    assert whole.text == "x + -2 * (y + z)"
    assert whole.pointer_at(0, 1) == "/args/0"
    assert whole.pointer_at(10, 15) == "/args/1/args/1"
    assert whole.pointer_at(14, 15) == "/args/1/args/1/args/1"
    assert whole.pointer_at(9, 16) == "/args/1"
    assert whole.pointer_at(2, 3) == ""


DEEP = "x"
for _ in range(5000):
    DEEP = op("sin", DEEP)
BINDING = {"name": "u", "value": 1}
WRONG = [
    (None, ValidationError, "", "found null, expected a name, a number, or an object"),
    (True, ValidationError, "", "found true"),
    ([1], ValidationError, "", "found an array"),
    ("x y", ValidationError, "", "found 'x y', expected the name of a variable"),
    ({}, ValidationError, "", "found no field 'op'"),
    (
        {"op": 3},
        ValidationError,
        "/op",
        "found the number 3, expected the name of an operation",
    ),
    ({"op": "sin", "args": "x"}, ValidationError, "/args", "found a string, expected an array"),
    ({"op": "sin", "options": []}, ValidationError, "/options", "found an array"),
    ({"op": "sin", "arg": []}, ValidationError, "", "unknown field 'arg', expected op, args"),
    (op("mutiply", 1, 2), UnknownFunctionError, "/op", "'mutiply'; did you mean 'multiply'?"),
    (op("sin", op("sgimoid", 1)), UnknownFunctionError, "/args/0/op", "mean 'sigmoid'"),
    (op("zzzz"), UnknownFunctionError, "/op", "unknown operation 'zzzz'"),
    (op("add", "x"), WrongArgumentsError, "/args", "add takes at least 2 operands, but 1"),
    (op("subtract", 1, 2, 3), WrongArgumentsError, "/args", "takes 2 operands, but 3"),
    (op("negate"), WrongArgumentsError, "/args", "negate takes 1 operand, but 0 are given"),
    (op("stack"), WrongArgumentsError, "/args", "stack takes at least 1 operand, but 0"),
    (op("add", 1, 2, axis=0), WrongArgumentsError, "/options", "add has no options"),
    (op("index", "x"), ValidationError, "/options", "found no field 'index'"),
    (
        op("index", "x", index=0),
        ValidationError,
        "/options/index",
        "found the number 0, expected",
    ),
    (op("index", "x", index=[]), ValidationError, "/options/index", "found no items"),
    (op("index", "x", index=[{"end": 1}]), ValidationError, "/options/index/0", "'end'"),
    (op("index", "x", index=[0], axis=0), ValidationError, "/options", "unknown field 'axis'"),
    (op("sum", "A", axis=[]), ValidationError, "/options/axis", "found no items"),
    (op("sum", "A", axis=None), ValidationError, "/options/axis", "found null"),
    (op("sum", "A", **{"a b": 0}), ValidationError, "/options", "found 'a b', expected a name"),
    (op("einsum", "x", subscripts="\"'"), ValidationError, "/options/subscripts", "the text"),
    (op("einsum", "i->i", "x"), ValidationError, "/args/0", "found 'i->i', expected the name"),
    (op("sin", op("let", 1)), ValidationError, "/args/0/op", "a let inside an expression"),
    (op("let", "u"), ValidationError, "/options", "found no field 'bindings'"),
    (op("let", "u", bindings=[]), ValidationError, "/options/bindings", "found no bindings"),
    (
        op("let", "u", bindings=[1]),
        ValidationError,
        "/options/bindings/0",
        "found the number 1",
    ),
    (op("let", bindings=[BINDING]), WrongArgumentsError, "/args", "let takes 1 operand"),
    (op("let", 1, bindings=[{"name": "u"}]), ValidationError, "/options/bindings/0", "'value'"),
    (
        op("let", 1, bindings=[BINDING | {"name": "2"}]),
        ValidationError,
        "/options/bindings/0/name",
        "found '2', expected the name",
    ),
    (op("add", *["x"] * 3000), OverLimitError, "", "more nodes than the limit"),
    (op("sum", "x", axis=[0] * 3000), OverLimitError, "", "more nodes than the limit"),
    (op("sum", "x", **{f"a{k}": 0 for k in range(3000)}), OverLimitError, "", "more nodes"),
    (op("index", "x", index=[{}] * 3000), OverLimitError, "", "more nodes than the limit"),
    (DEEP, OverLimitError, "", "more nodes than the limit max_expression_nodes, 2000"),
    (op("stack", *["x" * 64] * 300), OverLimitError, "", "more characters than the limit"),
]


@pytest.mark.parametrize(("tree", "error", "pointer", "message"), WRONG)
def test_a_mistake_is_told_at_its_pointer(tree, error, pointer, message):
    with pytest.raises(error) as raised:
        written(tree, LIMITS)

    (fault,) = raised.value.faults
    assert fault.pointer == pointer
    assert message in fault.message


def test_a_long_chain_is_one_flat_node():
    text = " + ".join(["x"] * 900)

    assert tree_of(parse(text, LIMITS)) == op("add", *["x"] * 900)
    assert written(op("add", *["x"] * 900), LIMITS).text == text


def test_a_deep_tree_is_made_without_recursion():
    text = " - ".join(["x"] * 900)
    tree = tree_of(parse(text, LIMITS))

    assert written(tree, LIMITS).text == text


def test_a_wide_tree_is_refused_before_its_parts_are_looked_at():
    class Untouched(list):
        def __iter__(self):
            raise AssertionError

        def __getitem__(self, _):
            raise AssertionError

    with pytest.raises(OverLimitError, match="more nodes"):
        written({"op": "stack", "args": Untouched([1] * 3000)}, LIMITS)
