"""NumPy's meaning of the operators, with the symbols of mathematics beside them."""

from collections.abc import Mapping

OPERATIONS: Mapping[str, str] = {
    **dict.fromkeys(("+", "⊕"), "add"),
    **dict.fromkeys(("-", "−", "⊖"), "subtract"),
    **dict.fromkeys(("*", ".*", "⊗"), "multiply"),
    **dict.fromkeys(("/", "./", "⊘"), "divide"),
    **dict.fromkeys(("**", "^", ".^"), "power"),
    "@": "matmul",
    ">": "greater",
    **dict.fromkeys((">=", "≥"), "greater_equal"),
    "<": "less",
    **dict.fromkeys(("<=", "≤"), "less_equal"),
    "==": "equal",
    **dict.fromkeys(("!=", "≠"), "not_equal"),
}
