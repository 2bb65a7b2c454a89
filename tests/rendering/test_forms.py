"""The closed forms that are promised, as printed: expression, variable, shapes, order, text."""

import pytest

from tests.rendering.deriving import formulas_of, shapes_of

FORMS = (
    ("3*x**2*y", "x", "x: y:", 1, "6 * x * y"),
    ("log(x**2)", "x", "x:", 1, "2 / x"),
    ("9*(x+x**2)", "x", "x:", 1, "9 * (2 * x + 1)"),
    ("sin(x+x**2)", "x", "x:", 1, "(2 * x + 1) * cos(x**2 + x)"),
    ("log(sin(x**3)**2)", "x", "x:", 1, "6 * x**2 * cos(x**3) / sin(x**3)"),
    ("x", "x", "x:n", 1, "eye(n)"),
    ("w-x", "x", "w:n x:n", 1, "-eye(n)"),
    ("w*x", "w", "w:n x:n", 1, "diag(x)"),
    ("w/x", "x", "w:n x:n", 1, "-diag(w / x**2)"),
    ("w**2*sin(x)", "w", "w:n x:n", 1, "2 * diag(w * sin(x))"),
    ("maximum(w,x)", "w", "w:n x:n a:n", 1, "diag(heaviside(w - x, 0.5))"),
    ("w>x", "w", "w:n x:n", 1, "zeros((n, n))"),
    ("x*z", "x", "x:n z:", 1, "z * eye(n)"),
    ("x+z", "z", "x:n z:", 1, "ones(n)"),
    ("sum(x)", "x", "x:n", 1, "ones(n)"),
    ("w*sum(x)", "x", "w:n x:n", 1, "outer(w, ones(n))"),
    ("sum(sin(x)*sum(x))", "x", "x:n", 1, "sum(x) * cos(x) + sum(sin(x))"),
    ("[sum(x), x@x]", "x", "x:n", 1, "[ones(n), 2 * x]"),
    ("[3*x**2*y, 2*x+y**8]", "x", "x: y:", 1, "[6 * x * y, 2]"),
    ("w@x+b", "w", "w:n x:n b:", 1, "x"),
    ("w@x+b", "b", "w:n x:n b:", 1, "1"),
    ("maximum(0,x)", "x", "x:n a:n", 1, "diag(x > 0)"),
    ("maximum(0,w@x+b)", "w", "w:n x:n a:n b:", 1, "(w @ x + b > 0) * x"),
    (
        "mean((y-maximum(0,X@w+b))**2)",
        "w",
        "X:N,n w:n y:N b:",
        1,
        "2 / N * (((X @ w + b > 0) * (X @ w + b - y)) @ X)",
    ),
    (
        "mean((y-maximum(0,X@w+b))**2)",
        "b",
        "X:N,n w:n y:N b:",
        1,
        "2 / N * ((X @ w + b > 0) @ (X @ w + b - y))",
    ),
    (
        "mean((y-maximum(0,X@w+b))**2)",
        "w",
        "X:N,n w:n y:N b:",
        2,
        "2 / N * (X.T @ diag(X @ w + b > 0) @ X)",
    ),
    ("A@x", "x", "A:m,n x:n", 1, "A"),
    ("trace(A@X)", "X", "A:n,n X:n,n a:n", 1, "A.T"),
    ("A@x", "A", "A:m,n x:n", 1, 'einsum("ij,k->ijk", eye(m), x)'),
    ("0.5*x@A@x", "x", "A:n,n x:n", 1, "0.5 * ((A + A.T) @ x)"),
    ("0.5*x@A@x", "x", "A:n,n x:n", 2, "0.5 * (A + A.T)"),
    ("norm2(A@x-y)**2", "x", "A:m,n x:n y:m", 1, "2 * ((A @ x - y) @ A)"),
    ("norm2(A@x-y)**2", "x", "A:m,n x:n y:m", 2, "2 * (A.T @ A)"),
    ("norm2(x)", "x", "x:n", 1, "normalize(x)"),
    ("norm1(x)", "x", "x:n", 1, "sign(x)"),
    ("trace(X.T@A@X)", "X", "A:n,n X:n,n a:n", 1, "(A + A.T) @ X"),
    ("a@X@b", "X", "X:n,n a:n b:n", 1, "outer(a, b)"),
    ("a@X.T@X@b", "X", "X:n,n a:n b:n", 1, "X @ (outer(a, b) + outer(b, a))"),
    ("inv(X)", "X", "X:n,n", 1, '-einsum("ik,lj->ijkl", inv(X), inv(X))'),
    ("a@inv(X)@b", "X", "X:n,n a:n b:n", 1, "-outer(a @ inv(X), inv(X) @ b)"),
    ("log(det(X))", "X", "X:n,n", 1, "inv(X).T"),
    ("det(X)", "X", "X:n,n", 1, "cofactor(X)"),
    ("log(det(X.T@X))", "X", "X:N,n", 1, "2 * (X @ inv(X.T @ X))"),
    (
        "X@X",
        "X",
        "X:n,n",
        1,
        'einsum("ik,lj->ijkl", eye(n), X) + einsum("ik,jl->ijkl", X, eye(n))',
    ),
    ("A@X@B", "X", "A:m,n X:n,p B:p,q", 1, 'einsum("ik,lj->ijkl", A, B)'),
    ("A*B", "A", "A:m,n B:m,n", 1, 'einsum("ik,jl,ij->ijkl", eye(m), eye(n), B)'),
    ("sum((T-U@V.T)**2)", "U", "T:m,n U:m,k V:n,k", 1, "2 * ((U @ V.T - T) @ V)"),
    (
        "sum((T-U@V.T)**2)",
        "U",
        "T:m,n U:m,k V:n,k",
        2,
        '2 * einsum("ik,jl->ijkl", eye(m), V.T @ V)',
    ),
    ("softmax(x)", "x", "x:n a:n", 1, "diag(softmax(x)) - outer(softmax(x), softmax(x))"),
    ("log(sum(exp(x)))", "x", "x:n", 1, "softmax(x)"),
    ("log(softmax(x))", "x", "x:n a:n", 1, "eye(n) - outer(ones(n), softmax(x))"),
    (
        "sum(log(1+exp(-y*(X@w))))",
        "w",
        "X:N,n w:n y:N",
        1,
        "-((y * sigmoid(-y * (X @ w))) @ X)",
    ),
    (
        "-sum(y*log(softmax(W@x)))",
        "W",
        "W:m,n x:n y:m",
        1,
        "outer(sum(y) * softmax(W @ x) - y, x)",
    ),
    ("where(x>0,x**2,sin(x))", "x", "w:n x:n", 1, "diag(where(x > 0, 2 * x, cos(x)))"),
)
NOTATION = (
    ("x + z", "z", "x:n z:", 1, "1"),
    ("sum(x)", "x", "x:n", 1, "1ᵀ"),
    ("norm2(x)", "x", "x:n", 1, "(x/‖x‖)ᵀ"),
    ("A @ X @ B", "X", "A:m,n X:n,p B:p,q", 1, "A ⊗ Bᵀ"),
    ("norm2(A @ x - y)**2", "x", "A:m,n x:n y:m", 1, "2(Ax − y)ᵀA"),
    ("w @ x", "w", "w:n x:n", 1, "xᵀ"),
    ("w * x", "w", "w:n x:n", 1, "diag(x)"),
    ("w + x", "w", "w:n x:n", 1, "I"),
    ("w - x", "x", "w:n x:n", 1, "−I"),
    ("w * sum(x)", "x", "w:n x:n", 1, "w1ᵀ"),
    ("x * z", "x", "x:n z:", 1, "zI"),
    ("x**3", "x", "x:", 1, "3x²"),
    ("log(sin(x**3)**2)", "x", "x:", 1, "6x² cos(x³)/sin(x³)"),
    ("[3 * x[0]**2 * x[1], 2 * x[0] + x[1]**8]", "x", "x:2", 1, "[6x₀x₁, 3x₀²; 2, 8x₁⁷]"),
    ("[sum(x), x @ x]", "x", "x:n", 1, "[1ᵀ; 2xᵀ]"),
    ("w**2 * sin(x)", "x", "w:n x:n", 1, "diag(w² ⊙ cos(x))"),
    ("sum(x * z)", "x", "x:n z:", 1, "z1ᵀ"),
    ("sum(x * z)", "z", "x:n z:", 1, "sum(x)"),
    ("sum(sin(x) * sum(x))", "x", "x:n", 1, "(sum(x) cos(x) + sum(sin(x)))ᵀ"),
    (
        "t - maximum(0, w @ x + b)",
        "b",
        "w:n x:n b: t:",
        1,
        "{0 if w·x + b ≤ 0; −1 if w·x + b > 0}",
    ),
    ("a @ inv(X) @ b", "X", "X:n,n a:n b:n", 1, "−X⁻ᵀabᵀX⁻ᵀ"),
    ("0.5 * x @ A @ x", "x", "A:n,n x:n", 1, "0.5xᵀ(A + Aᵀ)"),
    ("maximum(0, w @ x + b)", "w", "w:n x:n b:", 1, "{0ᵀ if w·x + b ≤ 0; xᵀ if w·x + b > 0}"),
)


@pytest.mark.parametrize(
    ("text", "wrt", "shapes", "order", "expected"),
    FORMS,
    ids=[f"{r[0]}, {r[1]}" for r in FORMS],
)
def test_a_promised_form_is_written_as_printed(text, wrt, shapes, order, expected):
    assert formulas_of(text, wrt, shapes_of(shapes), order).text == expected


# Traces of what is never stored, found by random expressions.
FOUND = (
    ("trace(cumsum(w * eye(3), 1))", "w", "w:", 1, "trace(cumsum(eye(3), axis=0))"),
    ("w * trace(cumsum(X, 1))", "w", "w: X:3,3", 1, "sum(X * cumsum(eye(3), axis=0))"),
)


@pytest.mark.parametrize(("text", "wrt", "shapes", "order", "expected"), FOUND)
def test_a_triangle_on_its_diagonal_is_a_vector(text, wrt, shapes, order, expected):
    assert formulas_of(text, wrt, shapes_of(shapes), order).text == expected


LATEX = (
    ("w @ x", "w", "w:n x:n", 1, r"\mathbf{x}^{T}"),
    ("log(x**2)", "x", "x:", 1, r"\frac{2}{x}"),
    ("w / x", "x", "w:n x:n", 1, r"- \operatorname{diag}(\mathbf{w} \oslash \mathbf{x}^{2})"),
    ("norm2(A @ x - y)**2", "x", "A:m,n x:n y:m", 1, r"2(A \mathbf{x} - \mathbf{y})^{T}A"),
    (
        "maximum(0, w_hat @ x_hat)",
        "w_hat",
        "w_hat:n+1 x_hat:n+1",
        1,
        r"\begin{cases}\mathbf{0}^{T} & \hat{\mathbf{w}} \cdot \hat{\mathbf{x}} \le 0 \\ "
        r"\hat{\mathbf{x}}^{T} & \hat{\mathbf{w}} \cdot \hat{\mathbf{x}} > 0\end{cases}",
    ),
    ("inv(X)", "X", "X:n,n", 1, r"-X^{-1} \otimes X^{-T}"),
    ("A @ x", "A", "A:m,n x:n", 1, r"\delta_{ij} \mathbf{x}_{k}"),
    (
        "norm2(x)",
        "x",
        "x:n",
        1,
        r"\left(\frac{\mathbf{x}}{\lVert \mathbf{x} \rVert}\right)^{T}",
    ),
)


@pytest.mark.parametrize(
    ("text", "wrt", "shapes", "order", "expected"), LATEX, ids=[r[0] for r in LATEX]
)
def test_a_form_is_set_in_latex_as_the_paper_does(text, wrt, shapes, order, expected):
    assert formulas_of(text, wrt, shapes_of(shapes), order).latex == expected


@pytest.mark.parametrize(
    ("text", "wrt", "shapes", "order", "expected"), NOTATION, ids=[r[0] for r in NOTATION]
)
def test_a_form_is_written_in_notation_as_a_person_would(text, wrt, shapes, order, expected):
    assert formulas_of(text, wrt, shapes_of(shapes), order).notation == expected
