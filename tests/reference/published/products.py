"""Powers and solutions of matrices, variances and Einstein sums.

Where a number is given alone it is of The Matrix Cookbook (Petersen & Pedersen, 2012).
"""

from tests.reference.published.rows import Row

PRODUCTS = (
    Row(
        "two-sided-by-einsum",
        "(101)",
        "einsum('ij,jk,ki->', A, X, B)",
        "A p m, X m n, B n p",
        "X",
        "A.T @ B.T",
    ),
    Row(
        "bilinear-by-einsum",
        "(70)",
        "einsum('i,ij,j->', a, X, b)",
        "a m, X m n, b n",
        "X",
        "outer(a, b)",
    ),
    Row(
        "batched-by-einsum",
        "(37)",
        "einsum('bij,bjk->bik', X, Y)",
        "X p m n, Y p n q",
        "Y",
        "einsum('ba,bij,kl->bikajl', eye(p), X, eye(q))",
    ),
    Row(
        "variance",
        "Ioffe & Szegedy (2015), section 3",
        "var(x)",
        "x m",
        "x",
        "2 * (x - mean(x)) / m",
    ),
    Row(
        "variance-hessian",
        "Ioffe & Szegedy (2015), section 3",
        "var(x)",
        "x m",
        "x x",
        "2 / m * (eye(m) - ones((m, m)) / m)",
    ),
    Row(
        "identity-distance",
        "(132)",
        "norm2(X - eye(3))**2",
        "X 3 3",
        "X",
        "2 * (X - eye(3))",
    ),
    Row(
        "power",
        "(90)",
        "matrix_power(X, 3)",
        "X n n",
        "X",
        "sum_of(einsum('ki,jl->klij', powers(X, 2)[r], powers(X, 2)[2 - r]) for r in range(3))",
    ),
    Row(
        "power-form",
        "(91)",
        "a @ matrix_power(X, 4) @ b",
        "a n, X n n, b n",
        "X",
        "sum_of(powers(X, 3)[r].T @ outer(a, b) @ powers(X, 3)[3 - r].T for r in range(4))",
    ),
    Row(
        "trace-of-power",
        "(121)",
        "trace(matrix_power(X, 5))",
        "X n n",
        "X",
        "5 * matrix_power(X, 4).T",
    ),
    Row(
        "trace-times-power",
        "(122)",
        "trace(A @ matrix_power(X, 4))",
        "A n n, X n n",
        "X",
        "sum_of((powers(X, 3)[r] @ A @ powers(X, 3)[3 - r]).T for r in range(4))",
    ),
    Row(
        "det-of-power",
        "(58)",
        "det(matrix_power(X, 3))",
        "X n n inv",
        "X",
        "3 * det(matrix_power(X, 3)) * inv(X).T",
    ),
    Row(
        "solution",
        "(61)",
        "a @ solve(X, b)",
        "a n, X n n inv, b n",
        "X",
        "-inv(X).T @ outer(a, b) @ inv(X).T",
    ),
    Row("solution-by-right-side", "(37)", "solve(X, b)", "X n n inv, b n", "b", "inv(X)"),
    Row(
        "standard-deviation",
        "Ioffe & Szegedy (2015), section 3",
        "std(x)",
        "x 4",
        "x",
        "(x - mean(x)) / (4 * sqrt(mean((x - mean(x))**2)))",
    ),
    Row(
        "cofactors",
        "Magnus & Neudecker (2019), section 8.5",
        "cofactor(X)",
        "X n n inv",
        "X",
        "det(X) * (einsum('ji,lk->ijkl', inv(X), inv(X))"
        " - einsum('jk,li->ijkl', inv(X), inv(X)))",
        "of the adjoint, which is the transpose",
    ),
)
