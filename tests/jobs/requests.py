"""Requests for trainings as the HTTP layer makes them of its models."""

import numpy as np

RNG = np.random.default_rng(7)
INPUTS = RNG.normal(2.0, 3.0, size=(200, 3))
TARGETS = INPUTS @ [1.0, -2.0, 0.5] + 4.0 + RNG.normal(0, 0.1, size=200)
CLASSES = (INPUTS[:, 0] > 2).astype(float) + (INPUTS[:, 1] > 2)
NEURON = {
    "kind": "neuron",
    "weights": np.array([0.5, 0.5, 0.5]),
    "bias": np.array(0.25),
    "activation": "identity",
}
NETWORK = {
    "kind": "network",
    "layers": [
        {"size": 8, "activation": "tanh"},
        {"size": 1, "activation": "identity", "initializer": {"kind": "normal"}},
    ],
}
CLASSIFIER = {
    "kind": "network",
    "layers": [{"size": 8, "activation": "relu"}, {"size": 3, "activation": "softmax"}],
}
EXPRESSION = {
    "kind": "expression",
    "expression": "mean((X @ w + b - y)**2)",
    "parameters": {
        "w": {"shape": [3], "initializer": {"kind": "normal", "standard_deviation": 0.1}},
        "b": np.array(0.0),
    },
}


def train(model, **fields):
    """A request to train a model on the samples."""
    return {
        "kind": "train",
        "model": model,
        "data": {"inputs": INPUTS, "targets": TARGETS},
        "optimizer": {"kind": "adam", "learning_rate": 0.05},
        "epochs": 12,
        "seed": 3,
        **fields,
    }


def expression(**fields):
    """A request to minimise an expression."""
    return train(EXPRESSION, data={"columns": {"X": INPUTS, "y": TARGETS}}, **fields)


def classify(**fields):
    """A request to train a classifier on class numbers."""
    data = {"inputs": INPUTS, "targets": CLASSES}
    return train(CLASSIFIER, data=data, loss="cross_entropy", **fields)


REQUESTS = {
    "neuron": train(NEURON),
    "standardized": train(NEURON, standardize=True, validation_fraction=0.2),
    "network": train(NETWORK, standardize=True, batch_size=17),
    "early": train(
        NEURON,
        batch_size=8,
        validation_fraction=0.3,
        early_stopping={"patience": 1, "min_delta": 0.5},
        optimizer={
            "kind": "sgd",
            "learning_rate": 0.001,
            "schedule": {"kind": "cosine", "epochs": 12},
        },
    ),
    "good enough": train(NEURON, standardize=True, stop_when={"loss": 3.0}),
    "classifier": classify(gradient_clip={"norm": 1.0}),
    "expression": expression(optimizer={"kind": "momentum", "learning_rate": 0.001}),
}
