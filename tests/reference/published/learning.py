"""Networks, embeddings and kernels: gradients as their papers print them.

GPML: Rasmussen & Williams, Gaussian Processes for Machine Learning (2006).
"""

from tests.reference.published.rows import Row

LEARNING = (
    Row(
        "backpropagation",
        "Rumelhart, Hinton & Williams (1986)",
        "sum((sigmoid(V @ sigmoid(W @ x)) - d)**2) / 2",
        "V p m, W m n, x n, d p",
        "W",
        "(lambda h: (lambda y: outer((V.T @ ((y - d) * y * (1 - y))) * h * (1 - h), x))"
        "(1 / (1 + exp(-(V @ h)))))(1 / (1 + exp(-(W @ x))))",
    ),
    Row(
        "backpropagation-output",
        "Rumelhart, Hinton & Williams (1986)",
        "sum((sigmoid(V @ sigmoid(W @ x)) - d)**2) / 2",
        "V p m, W m n, x n, d p",
        "V",
        "(lambda h: (lambda y: outer((y - d) * y * (1 - y), h))"
        "(1 / (1 + exp(-(V @ h)))))(1 / (1 + exp(-(W @ x))))",
    ),
    Row(
        "batch-norm",
        "Ioffe & Szegedy (2015), section 3",
        "sum(G * ((x - mean(x)) / sqrt(mean((x - mean(x))**2) + c)))",
        "G m, x m, c positive",
        "x",
        "(lambda u, v: G / sqrt(v + c)"
        " + sum(G * (x - u)) * (-1 / 2) * (v + c)**(-3 / 2) * 2 * (x - u) / m"
        " + sum(-G / sqrt(v + c)) / m)(mean(x), mean((x - mean(x))**2))",
    ),
    Row(
        "stochastic-neighbours",
        "van der Maaten & Hinton (2008), (5)",
        "D = (1 - E) / (1 + sum((Y[:, None] - Y[None])**2, axis=2));"
        " -sum(P * log(D / sum(D) + E))",
        "Y 4 p, P 4 4 joint, E 4 4 identity",
        "Y",
        "(lambda w: 4 * einsum('ij,ij,ijk->ik', P - w / sum(w), w, Y[:, newaxis] - Y[newaxis]))"
        "((1 - E) / (1 + sum((Y[:, newaxis] - Y[newaxis])**2, axis=2)))",
    ),
    Row(
        "word-vectors",
        "Mikolov et al. (2013), (4)",
        "log(sigmoid(u @ v)) + sum(log(sigmoid(-N @ v)))",
        "u n, v n, N m n",
        "v",
        "u / (1 + exp(u @ v)) - N.T @ (1 / (1 + exp(-(N @ v))))",
    ),
    Row(
        "glove",
        "Pennington, Socher & Manning (2014), (8)",
        "sum(F * (W @ V.T + b[:, None] + c - L)**2)",
        "F m n positive, W m p, V n p, b m, c n, L m n",
        "W",
        "2 * (F * (W @ V.T + b[:, newaxis] + c - L)) @ V",
    ),
    Row(
        "ranking",
        "Rendle et al. (2009), section 4.3.1",
        "log(sigmoid(w @ (h - g)))",
        "w n, h n, g n",
        "w",
        "exp(-(w @ (h - g))) / (1 + exp(-(w @ (h - g)))) * (h - g)",
    ),
    Row(
        "kernel-gradient",
        "GPML section 9.4",
        "exp(-c * sum((x - y)**2))",
        "c unit, x n unit, y n unit",
        "x",
        "-2 * c * exp(-c * sum((x - y)**2)) * (x - y)",
    ),
    Row(
        "kernel-mixed",
        "GPML (9.1)",
        "exp(-c * sum((x - y)**2))",
        "c unit, x n unit, y n unit",
        "x y",
        "2 * c * exp(-c * sum((x - y)**2)) * (eye(n) - 2 * c * outer(x - y, x - y))",
    ),
    Row(
        "attention",
        "Vaswani et al. (2017), (1)",
        "softmax(q @ K.T / sqrt(d)) @ V",
        "q n, K m n, V m p, d positive",
        "q",
        "(lambda a: V.T @ (diag(a) - outer(a, a)) @ K / sqrt(d))"
        "(exp(K @ q / sqrt(d)) / sum(exp(K @ q / sqrt(d))))",
    ),
    Row(
        "policy-gradient",
        "Williams (1992), REINFORCE",
        "r * (a @ (W @ x) - logsumexp(W @ x))",
        "r, a m classes, W m n, x n",
        "W",
        "r * outer(a - exp(W @ x) / sum(exp(W @ x)), x)",
    ),
    Row(
        "cox",
        "Cox (1972), a risk set",
        "x0 @ b - log(sum(exp(X @ b)))",
        "x0 n, b n, X m n",
        "b",
        "x0 - X.T @ exp(X @ b) / sum(exp(X @ b))",
    ),
    Row(
        "cox-hessian",
        "Cox (1972), a risk set",
        "x0 @ b - log(sum(exp(X @ b)))",
        "x0 n, b n, X m n",
        "b b",
        "(lambda a: -(X.T @ diag(a) @ X - outer(X.T @ a, X.T @ a)))"
        "(exp(X @ b) / sum(exp(X @ b)))",
    ),
)
