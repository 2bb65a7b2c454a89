"""Laue, Mitterreiter & Giesen: the examples and problems of their papers.

NeurIPS 2018: Computing Higher Order Derivatives of Matrix and Tensor Expressions. AAAI 2020: A
Simple and Efficient Tensor Calculus. NeurIPS 2019: GENO, GENeric Optimization for classical
machine learning. matrixcalculus.org is theirs, too.
"""

from tests.reference.published.rows import Row

NEURIPS_2018 = "NeurIPS 2018, section 5"
AAAI_2020 = "AAAI 2020, section 4"
GENO = "NeurIPS 2019, section 4"
SITE = "matrixcalculus.org"
LOGISTIC = "sum(log(exp(-y * (X @ w)) + 1))"
LOGISTIC_SHAPES = "X m n, w n, y m signs"
FACTORIZATION = "norm2(T - U @ V.T)**2"
FACTORIZATION_SHAPES = "T m n, U m p, V n p"

PAPERS = (
    Row("quadratic", NEURIPS_2018, "x @ A @ x", "x n, A n n", "x", "A @ x + A.T @ x"),
    Row("quadratic-hessian", NEURIPS_2018, "x @ A @ x", "x n, A n n", "x x", "A + A.T"),
    Row(
        "logistic",
        NEURIPS_2018,
        LOGISTIC,
        LOGISTIC_SHAPES,
        "w",
        "-X.T @ (y * exp(-y * (X @ w)) / (exp(-y * (X @ w)) + 1))",
    ),
    Row(
        "logistic-hessian",
        AAAI_2020,
        LOGISTIC,
        LOGISTIC_SHAPES,
        "w w",
        "X.T @ diag(exp(-y * (X @ w)) / (exp(-y * (X @ w)) + 1)**2) @ X",
    ),
    Row(
        "factorization",
        AAAI_2020,
        FACTORIZATION,
        FACTORIZATION_SHAPES,
        "U",
        "2 * (U @ V.T - T) @ V",
    ),
    Row(
        "factorization-right",
        AAAI_2020,
        FACTORIZATION,
        FACTORIZATION_SHAPES,
        "V",
        "2 * (U @ V.T - T).T @ U",
    ),
    Row(
        "factorization-hessian",
        AAAI_2020,
        FACTORIZATION,
        FACTORIZATION_SHAPES,
        "U U",
        "2 * einsum('ik,jl->ijkl', eye(m), V.T @ V)",
        "2 (VᵀV) ⊗ I, which is compressed to VᵀV",
    ),
    Row(
        "factorization-mixed",
        AAAI_2020,
        FACTORIZATION,
        FACTORIZATION_SHAPES,
        "U V",
        "2 * einsum('il,kj->ijkl', U, V) + 2 * einsum('jl,ik->ijkl', eye(p), U @ V.T - T)",
    ),
    Row(
        "masked-factorization",
        AAAI_2020,
        "norm2(W * (T - U @ V.T))**2",
        "W m n binary, T m n, U m p, V n p",
        "U",
        "2 * (W * W * (U @ V.T - T)) @ V",
        "‖T − UVᵀ‖²_Ω, the indicator of Ω as W",
    ),
    Row(
        "masked-factorization-hessian",
        AAAI_2020,
        "norm2(W * (T - U @ V.T))**2",
        "W m n binary, T m n, U m p, V n p",
        "U U",
        "2 * einsum('ik,ib,bj,bl->ijkl', eye(m), W * W, V, V)",
    ),
    Row(
        "network",
        AAAI_2020,
        "sum(log(sum(exp(B @ maximum(0, A @ x)))) - y @ (B @ maximum(0, A @ x)))",
        "A m n, x n, B p m, y p classes",
        "A",
        "outer(where(A @ x > 0, B.T @ (exp(B @ maximum(0, A @ x))"
        " / sum(exp(B @ maximum(0, A @ x))) - y), 0), x)",
        "a layer of their network of ReLU layers under a softmax cross-entropy",
    ),
    Row(
        "tensor-hadamard",
        AAAI_2020,
        "sum((X @ w)**3)",
        "X m n, w n",
        "w w",
        "6 * X.T @ diag(X @ w) @ X",
        "a product *_(s1, s2, s3) whose derivative is again one",
    ),
    Row(
        "site-example",
        SITE,
        "x @ A @ x + c * (sin(y) @ x)",
        "x n, A n n sym, c, y n",
        "x",
        "2 * A @ x + c * sin(y)",
        "the example of the start page, A symmetric",
    ),
    Row(
        "least-squares",
        SITE,
        "norm2(A @ x - y)**2",
        "A m n, x n, y m",
        "x",
        "2 * A.T @ (A @ x - y)",
    ),
    Row(
        "least-squares-hessian",
        SITE,
        "norm2(A @ x - y)**2",
        "A m n, x n, y m",
        "x x",
        "2 * A.T @ A",
    ),
    Row(
        "svm-dual",
        GENO,
        "(a * y) @ K @ (a * y) / 2 - sum(a)",
        "a m positive, y m signs, K m m spd",
        "a",
        "(K @ (a * y)) * y - ones(m)",
    ),
    Row(
        "svm-dual-hessian",
        GENO,
        "(a * y) @ K @ (a * y) / 2 - sum(a)",
        "a m positive, y m signs, K m m spd",
        "a a",
        "K * outer(y, y)",
    ),
    Row(
        "regularized-logistic",
        GENO,
        "norm2(w)**2 / 2 + c * sum(log(exp(-y * (X @ w)) + 1))",
        f"{LOGISTIC_SHAPES}, c positive",
        "w",
        "w - c * X.T @ (y / (1 + exp(y * (X @ w))))",
    ),
    Row(
        "symmetric-factorization",
        GENO,
        "norm2(X - U @ U.T)**2",
        "X n n sym, U n p",
        "U",
        "-4 * (X - U @ U.T) @ U",
        "for a symmetric X",
    ),
    Row(
        "elastic-net",
        GENO,
        "norm2(X @ w - y)**2 / (2 * c) + a * norm1(w) + b * norm2(w)**2 / 2",
        "X m n, w n, y m, a positive, b positive, c positive",
        "w",
        "X.T @ (X @ w - y) / c + a * sign(w) + b * w",
    ),
    Row(
        "joint-distribution",
        GENO,
        "sum(w) - sum(log(X @ w))",
        "X m n positive, w n positive",
        "w",
        "ones(n) - X.T @ (1 / (X @ w))",
    ),
)
