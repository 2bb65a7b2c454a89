"""The functions for learning and the losses for the interpreter, by their definitions."""

import numpy as np


def log_softmax(x, axis):
    return np.log(np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True))


def normalize(x, axis):
    return x / np.sqrt(np.sum(x * x, axis=axis, keepdims=True))


def cosine_similarity(x, y, axis):
    x, y = np.broadcast_arrays(x, y)
    lengths = np.sqrt(np.sum(x * x, axis=axis)) * np.sqrt(np.sum(y * y, axis=axis))
    return np.sum(x * y, axis=axis) / lengths


FUNCTIONS = {
    "log_softmax": log_softmax,
    "normalize": normalize,
    "cosine_similarity": cosine_similarity,
}


def averaged(entries):
    """A loss of entries: added up over all axes but the first, averaged over that."""

    def loss(self, prediction, target, *options, **named):
        losses = np.asarray(entries(self, prediction, target, *options, **named))
        return np.mean(np.sum(losses, axis=tuple(range(1, losses.ndim))))

    return loss


def of_distributions(entries):
    """A loss of distributions along the last axis: a vector is one sample."""

    def loss(_, prediction, target):
        losses = entries(*np.broadcast_arrays(prediction, target))
        count = 1 if losses.ndim == 1 else losses.shape[0]
        return np.sum(losses) / count

    return loss


def huber(self, p, t, delta=1):
    d = np.abs(p - t)
    # The second derivative jumps where the loss turns linear.
    self.side(d - delta)
    return np.where(d <= delta, d * d / 2, delta * (d - delta / 2))


def quantile(self, p, t, level=0.5):
    d = self.side(t - p)
    return np.maximum(level * d, (level - 1) * d)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def binary_cross_entropy(_, p, t):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


LOSSES = {
    name: averaged(entries)
    for name, entries in {
        "mse": lambda _, p, t: (p - t) ** 2,
        "mae": lambda self, p, t: np.abs(self.side(p - t)),
        "huber": huber,
        "log_cosh": lambda _, p, t: np.log(np.cosh(p - t)),
        "binary_cross_entropy": binary_cross_entropy,
        "binary_cross_entropy_with_logits": lambda _, z, t: binary_cross_entropy(
            _, sigmoid(z), t
        ),
        "hinge": lambda self, p, t: np.maximum(0, self.side(1 - t * p)),
        "squared_hinge": lambda self, p, t: np.maximum(0, self.side(1 - t * p)) ** 2,
        "poisson": lambda _, p, t: p - t * np.log(p),
        "quantile": quantile,
    }.items()
} | {
    name: of_distributions(entries)
    for name, entries in {
        "cross_entropy": lambda p, t: -t * np.log(p),
        "cross_entropy_with_logits": lambda z, t: -t * log_softmax(z, -1),
        "kl_divergence": lambda p, t: t * np.log(t / p),
    }.items()
}
