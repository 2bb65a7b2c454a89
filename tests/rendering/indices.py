"""Derivatives of three axes and more index by index, δ first.

Expression, variable, shapes, text. Matrices by matrices and vectors by matrices have no matrix
notation without an order of their entries (The Matrix Cookbook, (73) to (80)). Σ names letters
behind those of the result.
"""

BY_INDICES = (
    ("X", "X", "X:m,n", "δ_ik δ_jl"),
    ("X.T", "X", "X:m,n", "δ_il δ_jk"),
    ("X @ Y", "X", "X:m,n Y:n,p", "δ_ik Y_lj"),
    ("X @ Y", "Y", "X:m,n Y:n,p", "δ_jl X_ik"),
    ("X.T @ A", "X", "X:m,n A:m,p", "δ_il A_kj"),
    ("A @ X.T", "X", "X:m,n A:p,n", "δ_jk A_il"),
    ("X * Y", "X", "X:m,n Y:m,n", "δ_ik δ_jl Y_ij"),
    ("X * X", "X", "X:m,n", "2 δ_ik δ_jl X_ij"),
    ("X * X.T", "X", "X:n,n", "δ_ik δ_jl X_ji + δ_il δ_jk X_ij"),
    ("sin(X)", "X", "X:m,n", "δ_ik δ_jl cos(X_ij)"),
    ("X @ X", "X", "X:n,n", "δ_ik X_lj + δ_jl X_ik"),
    ("X @ X.T", "X", "X:m,n", "δ_ik X_jl + δ_jk X_il"),
    ("X.T @ X", "X", "X:m,n", "δ_il X_kj + δ_jl X_ki"),
    ("X.T @ B @ X", "X", "X:m,n B:m,m", "δ_il Σ_m B_km X_mj + δ_jl Σ_m B_mk X_mi"),
    ("A @ X @ B", "X", "A:m,n X:n,p B:p,q", "A_ik B_lj"),
    ("A @ X.T @ B", "X", "A:m,n X:p,n B:p,q", "A_il B_kj"),
    ("inv(X)", "X", "X:n,n", "-inv(X)_ik inv(X)_lj"),
    ("a @ inv(X)", "X", "a:n X:n,n", "-Σ_l a_l inv(X)_ki inv(X)_lj"),
    ("X @ a", "X", "X:m,n a:n", "δ_ij a_k"),
    ("X.T @ a", "X", "X:m,n a:m", "δ_ik a_j"),
    ("maximum(0, W @ x + b)", "W", "W:m,n x:n b:m", "δ_ij [b_i + Σ_l W_il x_l > 0] x_k"),
    (
        "sigmoid(W @ x)",
        "W",
        "W:m,n x:n",
        "δ_ij (1 - sigmoid(Σ_l W_il x_l)) sigmoid(Σ_l W_il x_l) x_k",
    ),
    ("diag(x) @ A", "x", "x:n A:n,p", "δ_ik A_ij"),
    ("outer(x, y)", "x", "x:m y:n", "δ_ik y_j"),
    ("outer(x, x)", "x", "x:n", "δ_ik x_j + δ_jk x_i"),
    ("x * A", "x", "x:n A:m,n", "δ_jk A_ij"),
    ("X / sum(X)", "X", "X:m,n", "δ_ik δ_jl / (Σ_{m,n} X_mn) - X_ij / (Σ_{m,n} X_mn)^2"),
    ("sum(X, axis=0)", "X", "X:m,n", "δ_ik"),
    ("sum(X**2, axis=1)", "X", "X:m,n", "2 δ_ij X_ik"),
    ("softmax(X)", "X", "X:m,n", "δ_ik δ_jl softmax(X)_ij - δ_ik softmax(X)_ij softmax(X)_il"),
)
