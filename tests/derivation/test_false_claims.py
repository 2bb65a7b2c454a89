"""Claims that are right at the given point alone, or on one side of a kink, are not correct."""

import numpy as np
import pytest

from service.computation.compute import Computer
from service.derivation.claims import Claim, judged
from service.settings import Limits

LIMITS = Limits()
COMPUTER = Computer(LIMITS)
X, Y = [[1, 2], [3, 4]], [1, 2]
EYE = [[1, 0], [0, 1]]


def judgement(expression, wrt, claimed, **fields):
    values = {n: np.array(v, dtype=float) for n, v in fields.items()}
    claim = Claim(expression=expression, variables=values, wrt=wrt, claimed=claimed)
    return judged(claim, COMPUTER, LIMITS)


AT_ONE_POINT_ONLY = (
    ("mse(X@w, y)", "w", "-2/2*X.T@y", {"X": X, "w": [0, 0], "y": Y}),
    ("sum(sigmoid(X@w))", "w", "X.T@ones(2)/4", {"X": X, "w": [0, 0]}),
    ("sin(x)", "x", "1", {"x": 0}),
    ("exp(x)*y", "x", "y", {"x": 0, "y": 3}),
    ("x**2*y", "x", "0", {"x": 0, "y": 3}),
    ("trace(A@B)", "A", "B", {"A": X, "B": EYE}),
    ("trace(A@B)", "A", "B", {"A": X, "B": [[2, 0], [0, 3]]}),
    ("log(det(A))", "A", "inv(A)", {"A": [[2, 0], [0, 1]]}),
    ("log(det(A))", "A", "inv(A)", {"A": [[2, 1], [1, 2]]}),
    ("x@A@x", "x", "2*A@x", {"x": [1, 2], "A": [[2, 0], [0, 3]]}),
    ("x@A@x", "x", "2*A@x", {"x": [1, 2], "A": EYE}),
    ("A@x", "x", "0*A", {"A": [[0, 0], [0, 0]], "x": [1, 2]}),
    ("cos(x*y)", "x", "0", {"x": 2, "y": 0}),
    ("sum(x**n)", "x", "2*x", {"x": [1, 2], "n": 2}),
    ("norm2(A@x)**2", "x", "2*A@A@x", {"A": EYE, "x": [1, 2]}),
)
ON_ONE_SIDE_ONLY = (
    ("abs(z)", "z", "1", {"z": 2}),
    ("abs(z)", "z", "-1", {"z": -2}),
    ("abs(z)", "z", "1", {"z": 0}),
    ("relu(z)", "z", "1", {"z": 2}),
    ("relu(z)", "z", "0", {"z": -2}),
    ("norm1(x)", "x", "ones(2)", {"x": [1, 2]}),
    ("log(abs(z))", "z", "1/abs(z)", {"z": 2}),
    ("log(abs(z))", "z", "exp(-log(z))", {"z": 2}),
    ("clip(z, -1, 1)", "z", "1", {"z": 0.1}),
    ("clip(z, -1, 1)", "z", "0", {"z": 30}),
    ("clip(z, -50, 50)", "z", "1", {"z": 1}),
    ("clip(z, -1000, 5000)", "z", "1", {"z": 1}),
    ("relu(z - 3000)", "z", "0", {"z": 1}),
    ("clip(z, -1e-4, 1e-4)", "z", "0", {"z": 1}),
    ("huber(z, y, 700)", "z", "z - y", {"z": 1, "y": 2}),
    ("max(x)", "x", "[0, 0, 1]", {"x": [1, 2, 30]}),
    ("sum(maximum(x, v))", "x", "ones(3)", {"x": [5, 6, 7], "v": [1, 2, 3]}),
    (
        "sum(max(A, axis=0))",
        "A",
        "where(A == max(A, axis=1)[:, None], 1, 0)",
        {"A": [[9, 1, 2], [0, 8, 1], [2, 1, 7]]},
    ),
    ("huber(z, y, 1)", "z", "z - y", {"z": 0.1, "y": 0.2}),
    ("huber(z, y, 1)", "z", "sign(z - y)", {"z": 30, "y": 20}),
    ("sum(relu(X@w))", "w", "sum(X, axis=0)", {"X": X, "w": [1, 1]}),
    ("leaky_relu(z, 0.1)", "z", "0.1", {"z": -3}),
)
BELOW_THE_NOISE = (
    ("1e13+x", "x", "1.4", {"x": 1}),
    ("1e10+x**2", "x", "2*x+0.0009", {"x": 1}),
    ("1e8+1e-6*x", "x", "0", {"x": 1}),
    ("1e-14*x**2", "x", "0", {"x": 1}),
    ("1e-14*x**2", "x", "-3e-14*x", {"x": 1}),
    ("1e-200*x**2", "x", "3e-200*x", {"x": 1}),
    ("[1e8*x, x**2]", "x", "[1e8, x]", {"x": 3}),
    ("[1e20*x, x**2]", "x", "[1e20, x]", {"x": 3}),
    ("sum([1e8,1]*x**2)", "x", "[2e8*x[0],17]", {"x": [1, 3]}),
    ("1e50*x**2", "x", "1e50*x", {"x": 1}),
)
NOT_FINITE = (
    ("x**2", "x", "2+sqrt(-(x-1)**2)", {"x": 1}),
    ("sum(x**2)", "x", "2*x+log(ones(2)*(x==[1,2]))", {"x": [1, 2]}),
    ("sum(x**2)", "x", "2*x+log(ones(2)*(x==[100,2]))", {"x": [100, 2]}),
    ("x**2", "x", "2*x/(x==1)", {"x": 1}),
    ("x**2", "x", "2*exp(log(x))", {"x": 1}),
    ("log(x**2)", "x", "2*exp(-log(x))", {"x": 3}),
)


@pytest.mark.parametrize(
    ("expression", "wrt", "claimed", "values"),
    [*AT_ONE_POINT_ONLY, *ON_ONE_SIDE_ONLY, *BELOW_THE_NOISE, *NOT_FINITE],
)
def test_a_claim_that_is_right_at_few_points_is_wrong(expression, wrt, claimed, values):
    assert judgement(expression, wrt, claimed, **values).verdict == "wrong"


SYMMETRIC = [[2, 1], [1, 3]]
ONE_HOT = [[0, 1, 0], [1, 0, 0]]
LOGITS = [[0.3, -1, 2], [1, 0.5, -0.2]]
BY_STRUCTURE = (
    ("x@A@x", "x", "2*A@x", "A", "symmetric", {"x": [1, 2], "A": SYMMETRIC}),
    ("trace(A@B)", "A", "B", "B", "symmetric", {"A": X, "B": SYMMETRIC}),
    (
        "(x-m)@inv(S)@(x-m)", "x", "2*inv(S)@(x-m)", "S", "symmetric",
        {"x": [1, 2], "m": [0, 0], "S": SYMMETRIC},
    ),
    (
        "cross_entropy_with_logits(z, t)", "z", "softmax(z) - t", "t", "sum to 1",
        {"z": [0.3, -1, 2], "t": [0, 1, 0]},
    ),
    (
        "cross_entropy_with_logits(Z, T)", "Z", "(softmax(Z) - T)/2", "T",
        "sum to 1 along axis 1",
        {"Z": LOGITS, "T": ONE_HOT},
    ),
    (
        "cross_entropy_with_logits(Z, T)", "Z", "(softmax(Z) - T)/3", "T",
        "sum to 1 along axis 1",
        {"Z": np.arange(9.0).reshape(3, 3) / 5, "T": np.eye(3)},
    ),
    (
        "sum((1 - v*x)**2)", "x", "2*(x - v)", "v", "plus and minus one",
        {"x": [1, 2, 0.5], "v": [1, -1, 1]},
    ),
    (
        "sum((m*x)**2)", "x", "2*m*x", "m", "zeros and ones",
        {"x": [1, 2, 0.5], "m": [1, 0, 1]},
    ),
    (
        "norm2(Q@x)**2", "x", "2*x", "Q", "orthogonal",
        {"x": [1, 2], "Q": [[0.6, -0.8], [0.8, 0.6]]},
    ),
    (
        "norm2(x - (x@u)*u)**2", "x", "2*(x - (x@u)*u)", "u", "length 1",
        {"x": [1, 2], "u": [0.6, 0.8]},
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "wrt", "claimed", "name", "words", "values"), BY_STRUCTURE
)
def test_data_that_keep_their_structure_make_a_claim_correct_with_a_warning(
    expression, wrt, claimed, name, words, values
):
    found = judgement(expression, wrt, claimed, **values)

    assert found.verdict == "correct"
    (notice,) = found.exact.warnings
    assert notice.code == "only_for_structure"
    assert notice.pointer == f"/variables/{name}"
    assert words in notice.message


def test_a_claim_that_holds_for_the_given_data_only_is_told_so():
    found = judgement("x@A@x", "x", "2*A@x", x=[1, 2], A=EYE)

    assert (found.verdict, found.mistake) == ("wrong", "forgotten_transpose")
    assert [n.code for n in found.exact.warnings] == ["only_for_given_values"]


def test_a_symmetric_matrix_does_not_excuse_another_mistake():
    assert judgement("x@A@x", "x", "A@x", x=[1, 2], A=SYMMETRIC).mistake == "factor_half"


RIGHT = (
    ("sum(sigmoid(X@w))", "w", "X.T@(exp(-X@w)/(1+exp(-X@w))**2)", {"X": X, "w": [0, 0]}),
    ("sum(sigmoid(x))", "x", "exp(x)/(1+exp(x))**2", {"x": [300, -300, 0]}),
    ("sum(sigmoid(x))", "x", "sigmoid(x)*(1-sigmoid(x))", {"x": [40, -50, 600]}),
    ("log(sum(exp(x)))", "x", "exp(x)/sum(exp(x))", {"x": [100, 200, 300]}),
    ("sum(tanh(x))", "x", "1-tanh(x)**2", {"x": [0, 20, -30]}),
    ("sum(log(1+exp(x)))", "x", "1-1/(1+exp(x))", {"x": [0, 20, -30]}),
    ("relu(z)", "z", "z > 0", {"z": 2}),
    ("relu(z)", "z", "(z + abs(z))/(2*z)", {"z": 2}),
    ("abs(z)", "z", "sign(z)", {"z": 0}),
    ("abs(z)", "z", "z/abs(z)", {"z": -2}),
    ("max(x)", "x", "x == max(x)", {"x": [1, 2, 30]}),
    ("clip(z, -1, 1)", "z", "(z > -1)*(z < 1)", {"z": 0.1}),
    ("huber(z, y, 1)", "z", "clip(z - y, -1, 1)", {"z": 0.1, "y": 0.2}),
    ("mse(X@w, y)", "w", "X.T@(X@w-y)", {"X": X, "w": [0, 0], "y": Y}),
    ("mse(X@w, y)", "w", "2/n*X.T@(X@w-y)", {"X": X, "w": [0, 0], "y": Y, "n": 2}),
    ("log(det(A))", "A", "inv(A).T", {"A": [[2, 0], [0, 1]]}),
    ("sum(A@inv(A))", "A", "0*A", {"A": [[2, 1], [0, 1]]}),
    ("sum(arcsin(x))", "x", "1/sqrt(1-x**2)", {"x": [0, 0.9, -0.5]}),
    ("sum(arctanh(x))", "x", "1/((1-x)*(1+x))", {"x": [0, 0.9, -0.5]}),
    ("sqrt(x)", "x", "1/(2*sqrt(x))", {"x": 1e-8}),
    ("x**y", "x", "y*x**(y-1)", {"x": 2, "y": 3}),
    ("1e13*x - 1e13*sin(x)", "x", "1e13*(1-cos(x))", {"x": 1}),
    ("1e-14*x**2", "x", "2e-14*x", {"x": 1}),
    ("[1e20*x, x**2]", "x", "[1e20, 2*x]", {"x": 3}),
    ("sum((A@x-y)**2)", "x", "2*A.T@A@x-2*A.T@y", {"A": X, "x": [1, 1], "y": [3, 7]}),
    ("det(A)", "A", "[[A[1,1], -A[1,0]], [-A[0,1], A[0,0]]]", {"A": [[1, 2], [2, 4.5]]}),
    (
        "binary_cross_entropy(p, t)", "p", "(p-t)/(p*(1-p))/3",
        {"p": [0.2, 0.5, 0.9], "t": [0, 1, 1]},
    ),
    (
        "mean(log(1+exp(-y*(X@w))))", "w", "-X.T@(y*sigmoid(-y*(X@w)))/2",
        {"X": X, "w": [0, 0], "y": [1, -1]},
    ),
    ("cross_entropy(p, t)", "p", "-t/p", {"p": [0.2, 0.5, 0.3], "t": [0, 1, 0]}),
)  # fmt: skip


@pytest.mark.parametrize(("expression", "wrt", "claimed", "values"), RIGHT)
def test_a_right_claim_is_correct_without_a_warning(expression, wrt, claimed, values):
    found = judgement(expression, wrt, claimed, **values)

    assert found.verdict == "correct"
    assert [n for n in found.exact.warnings if n.code != "unused_variable"] == []


def test_a_claim_that_is_not_finite_at_the_given_point_is_wrong_with_the_place():
    found = judgement("x**2", "x", "2*x + log(x)", x=-1)

    assert (found.verdict, found.largest_error, found.position) == ("wrong", None, ())
    (notice,) = found.exact.warnings
    assert (notice.code, notice.pointer) == ("claim_not_finite", "/claim/expression")
    assert (notice.start, notice.end) == (6, 12)


def test_a_claim_that_overflows_at_the_given_point_is_undecided():
    claimed = "(exp(x)-exp(-x))/(exp(x)+exp(-x))"

    found = judgement("log(cosh(x))", "x", claimed, x=1000)

    assert found.verdict == "undecided"


def test_the_tolerance_of_a_claimed_expression_is_of_each_entry():
    def verdict(tolerance):
        claim = Claim(
            expression="[1e8*x, pi*x**2]",
            variables={"x": np.array(3.0)},
            wrt="x",
            claimed="[1e8, 2*3.1416*x]",
            tolerance=tolerance,
        )
        return judged(claim, COMPUTER, LIMITS).verdict

    assert verdict(1e-4) == "correct"
    assert verdict(1e-6) == "wrong"
