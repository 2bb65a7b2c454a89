"""Texts that mean the same by the rules of the normal form are one node."""

import pytest

from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.settings import Limits

LIMITS = Limits()
SHAPES = {"x": (3,), "y": (3,), "A": (3, 3)}
PAIRS = [
    ("[x*y, x][0]", "x*y"),
    ("[[1,2],[3,4]][1,0]", "3"),
    ("[x+y,x][0]*x", "(x+y)*x"),
    ("x**[2,3][1]", "x**3"),
    ("[x,y][1] @ A", "y @ A"),
    ("A.T.T", "A"),
    ("(A+A.T).T", "A+A.T"),
    ("x*y*x", "y*x**2"),
    ("sum(A @ x)", "sum(A, axis=0) @ x"),
    ("trace(A @ A.T)", "sum(A*A)"),
    ("x[::-1][::-1]", "x"),
    ("x[1:][0]", "x[1]"),
    ("diag(diag(x))", "x"),
    ("A @ diag(x)", "A * x"),
    ("diag(x) @ A", "x[:, None] * A"),
    ("x/y*y", "x"),
    ("sqrt(x)**2", "x"),
    ("(A@A)@A", "A@(A@A)"),
    ("sum(outer(x,y))", "sum(x)*sum(y)"),
    ("exp(x).T", "exp(x)"),
    ("exp(A.T)", "exp(A).T"),
    ("mean(x)", "sum(x)/3"),
    ("norm2(x)**2", "x@x"),
    ("relu(x)", "maximum(0,x)"),
    ("1/(1+exp(-x))", "sigmoid(x)"),
    ("log(exp(x)/sum(exp(x)))", "x-logsumexp(x)"),
    ("x-(y-x)", "2*x-y"),
    ("sum(x-mean(x))", "0*sum(x)"),
    ("-(x-y)", "y-x"),
    ("where(x>0,x,x)", "x"),
    ("x>y", "y<x"),
    ("A[:,1][2]", "A[2,1]"),
    ("x[None,:]*x[:,None]", "outer(x,x)"),
    ("exp(A)/sum(exp(A), axis=1, keepdims=True)", "softmax(A)"),
    ("exp(A)/sum(exp(A), axis=0)", "softmax(A, axis=0)"),
    ("A/norm2(A)", "A*(1/norm2(A))"),
]


def node_of(text):
    return elaborate(text, parse(text, LIMITS), Declarations(SHAPES), LIMITS).node


@pytest.mark.parametrize(("text", "other"), PAIRS, ids=[a for a, _ in PAIRS])
def test_equal_forms_are_one_node(text, other):
    assert node_of(text) is node_of(other)
