"""The initializers of weights, one record each.

A weight matrix has shape (in, out) and its column j the weights of unit j; a vector of shape
(in,) is one unit. In a formula n is the number of inputs of a unit, k the number of units, z
standard normal, u uniform from -1 to 1 and q from the QR factorization of a normal matrix.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from service.errors import ShapeMismatchError
from service.training.options import Option, chosen, table_of
from service.training.updates import Array, Options

Fans = tuple[int, int]
Draw = Callable[[np.random.Generator, Fans, Options], Array]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Initializer:
    """How first weights are drawn: `draw` gives a matrix, `text` an entry in the language."""

    kind: str
    summary: str
    source: str
    text: str
    draw: Draw
    options: tuple[Option, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChosenInitializer:
    """An initializer with the values of its options."""

    initializer: Initializer
    options: Options

    def weights(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """First weights of the shape, (in,) or (in, out).

        Raises:
            ShapeMismatchError: the shape is no vector's or matrix's, or has a size of 0.
        """
        if len(shape) not in (1, 2) or min(shape) < 1:
            message = (
                f"initializer {self.initializer.kind}: found the shape {shape}, "
                "expected (in,) or (in, out), each at least 1"
            )
            raise ShapeMismatchError(message)
        fans = (shape[0], shape[1] if len(shape) == 2 else 1)
        return self.initializer.draw(rng, fans, self.options).reshape(shape)


def chosen_initializer(
    given: Mapping[str, object], *, pointer: str = "/initializer"
) -> ChosenInitializer:
    """The initializer of {"kind", its options}.

    Raises:
        ValidationError: a kind or option is unknown or of another type.
        DomainError: an option is outside its range.
    """
    return ChosenInitializer(
        *chosen("initializer", INITIALIZERS_BY_NAME, given, pointer=pointer)
    )


def _normal(variance: Callable[[int, int], float]) -> Draw:
    def draw(rng: np.random.Generator, fans: Fans, options: Options) -> Array:
        return rng.normal(0.0, sqrt(variance(*fans)), fans)

    return draw


def _uniform(variance: Callable[[int, int], float]) -> Draw:
    """Uniform from −√(3 variance) to √(3 variance)."""

    def draw(rng: np.random.Generator, fans: Fans, options: Options) -> Array:
        limit = sqrt(3 * variance(*fans))
        return rng.uniform(-limit, limit, fans)

    return draw


def _orthogonal(rng: np.random.Generator, fans: Fans, options: Options) -> Array:
    """Orthonormal columns, or rows where there are fewer, times the gain.

    The signs of R's diagonal go into Q, which is uniform only so: Mezzadri (2007), section 5.
    """
    q, r = np.linalg.qr(rng.normal(size=(max(fans), min(fans))))
    q *= np.where(np.diag(r) < 0, -options["gain"], options["gain"])
    return q if fans[0] >= fans[1] else q.T


def _positive(name: str, symbol: str, summary: str, default: float) -> Option:
    return Option(
        name=name,
        symbol=symbol,
        summary=summary,
        default=default,
        lower=0,
        is_lower_open=True,
        upper=1e300,
    )


_GLOROT = "Glorot & Bengio (2010), "
_HE = "He, Zhang, Ren & Sun (2015), (10)"
INITIALIZERS = (
    Initializer(
        kind="zeros",
        summary="All 0; for biases, and for models of one unit.",
        source="none",
        text="0 * z",
        draw=lambda rng, fans, options: np.zeros(fans),
    ),
    Initializer(
        kind="normal",
        summary="Normal, of a standard deviation that is given.",
        source="Krizhevsky, Sutskever & Hinton (2012), section 5",
        text="s * z",
        options=(
            _positive("standard_deviation", "s", "the standard deviation of each entry", 0.05),
        ),
        draw=lambda rng, fans, options: rng.normal(0.0, options["standard_deviation"], fans),
    ),
    Initializer(
        kind="uniform",
        summary="Uniform between two limits.",
        source="LeCun, Bottou, Orr & Müller (1998), section 4.6",
        text="s * u",
        options=(_positive("limit", "s", "the largest entry, and minus the smallest", 0.05),),
        draw=lambda rng, fans, options: rng.uniform(-options["limit"], options["limit"], fans),
    ),
    Initializer(
        kind="glorot_uniform",
        summary="Uniform, of variance 2 / (inputs + units); for tanh and sigmoid.",
        source=_GLOROT + "(16)",
        text="sqrt(6 / (n + k)) * u",
        draw=_uniform(lambda n, k: 2 / (n + k)),
        aliases=("xavier_uniform",),
    ),
    Initializer(
        kind="glorot_normal",
        summary="Normal, of variance 2 / (inputs + units); for tanh and sigmoid.",
        source=_GLOROT + "(12)",
        text="sqrt(2 / (n + k)) * z",
        draw=_normal(lambda n, k: 2 / (n + k)),
        aliases=("xavier_normal",),
    ),
    Initializer(
        kind="he_uniform",
        summary="Uniform, of variance 2 / inputs; for relu.",
        source=_HE,
        text="sqrt(6 / n) * u",
        draw=_uniform(lambda n, k: 2 / n),
        aliases=("kaiming_uniform",),
    ),
    Initializer(
        kind="he_normal",
        summary="Normal, of variance 2 / inputs; for relu.",
        source=_HE,
        text="sqrt(2 / n) * z",
        draw=_normal(lambda n, k: 2 / n),
        aliases=("kaiming_normal",),
    ),
    Initializer(
        kind="lecun_normal",
        summary="Normal, of variance 1 / inputs; for selu.",
        source="LeCun, Bottou, Orr & Müller (1998), (16)",
        text="sqrt(1 / n) * z",
        draw=_normal(lambda n, k: 1 / n),
    ),
    Initializer(
        kind="orthogonal",
        summary="Orthonormal columns, or rows where there are fewer.",
        source="Saxe, McClelland & Ganguli (2014)",
        text="s * q",
        options=(_positive("gain", "s", "the length of each column or row", 1.0),),
        draw=_orthogonal,
    ),
)
INITIALIZERS_BY_NAME = table_of(INITIALIZERS)
