"""The problems and the settings that the reference trajectories are of; plain numbers only."""

from math import sin

STEPS = 50
KEPT = (1, 2, 3, 5, 10, 20, 35, 50)

# A Householder reflection of a diagonal from 1 to 1000: condition number 1e3.
_AXIS = (1.0, -2.0, 0.5, 3.0, -1.5, 1.0)
_DIAGONAL = (1.0, 4.0, 16.0, 60.0, 250.0, 1000.0)
_LENGTH = sum(a * a for a in _AXIS)
_REFLECTION = [
    [float(i == j) - 2 * a * b / _LENGTH for j, b in enumerate(_AXIS)]
    for i, a in enumerate(_AXIS)
]
MATRIX = [
    [
        sum(_REFLECTION[i][k] * _DIAGONAL[k] * _REFLECTION[j][k] for k in range(6))
        for j in range(6)
    ]
    for i in range(6)
]
VECTOR = [1.0, -2.0, 3.0, -4.0, 5.0, -6.0]

INPUTS = [[round(2 * sin(1.7 * i + 2.3 * j + i * j), 3) for j in range(3)] for i in range(20)]
TARGETS = [float((i * i) % 5 < 2) for i in range(20)]

STARTS = {
    "quadratic": [1.0, -0.5, 0.25, 2.0, -1.0, 0.75],
    "rosenbrock": [-1.2, 1.0],
    "logistic": [0.3, -0.2, 0.1],
}

SETTINGS = {
    "sgd": [{}, {"weight_decay": 0.1}],
    "momentum": [{}, {"momentum": 0.5, "weight_decay": 0.01}],
    "nesterov": [{}, {"momentum": 0.5, "weight_decay": 0.01}],
    "rmsprop": [{}, {"decay": 0.9, "epsilon": 1e-6, "weight_decay": 0.01}],
    "adagrad": [
        {},
        {
            "learning_rate_decay": 0.1,
            "initial_accumulator": 0.5,
            "epsilon": 1e-6,
            "weight_decay": 0.1,
        },
    ],
    "adadelta": [{}, {"decay": 0.95, "epsilon": 1e-4, "weight_decay": 0.1}],
    "adam": [{}, {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-4, "weight_decay": 0.1}],
    "adamw": [{}, {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-4, "weight_decay": 0.3}],
    "nadam": [{}, {"beta1": 0.8, "beta2": 0.99, "momentum_decay": 0.02, "weight_decay": 0.1}],
    "lion": [{}, {"beta1": 0.8, "beta2": 0.95, "weight_decay": 0.3}],
}
_STEEP = {"quadratic": 1e-4, "rosenbrock": 2e-4, "logistic": 0.5}
_SCALED = {"quadratic": 0.01, "rosenbrock": 0.02, "logistic": 0.05}
LEARNING_RATES = {
    "sgd": {"quadratic": 1e-3, "rosenbrock": 1e-3, "logistic": 0.5},
    "momentum": _STEEP,
    "nesterov": _STEEP,
    "rmsprop": _SCALED,
    "adagrad": {"quadratic": 0.1, "rosenbrock": 0.1, "logistic": 0.3},
    "adadelta": {"quadratic": 1.0, "rosenbrock": 1.0, "logistic": 5.0},
    "adam": _SCALED,
    "adamw": _SCALED,
    "nadam": _SCALED,
    "lion": _SCALED,
}
CASES = [
    (problem, kind, {"learning_rate": LEARNING_RATES[kind][problem], **setting})
    for kind, settings in SETTINGS.items()
    for setting in settings
    for problem in STARTS
]
