"""The optimizers, one record each.

Each follows the formulas of `torch.optim` with its defaults, in float64; lion, which is not
there, those of its paper. In a rule w are the parameters, g the gradient, η the learning rate
of the step and t its number, from 1; m_0 is m before the step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from service.training import updates
from service.training.options import Option, table_of
from service.training.updates import Options, Prepare


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One array of the state, of the parameters' size; `symbol` is its name in the rule."""

    name: str
    symbol: str
    summary: str
    is_square: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optimizer:
    """How one kind of optimizer takes a step.

    `text` is its rule in the service's language, with {g} for the gradient and {w} for the
    parameters. A weight decay is added to the gradient, or shrinks the parameters. `numbers`
    are what it carries from step to step beside its slots, each 1 at the start, by symbol.
    `scratch`: how many arrays of the parameters' size `prepare` takes beside the state.
    """

    kind: str
    summary: str
    source: str
    options: tuple[Option, ...]
    text: str
    prepare: Prepare
    slots: tuple[Slot, ...] = ()
    numbers: Mapping[str, str] = field(default_factory=dict)
    scratch: int = 1
    decays: Literal["gradient", "parameters"] = "gradient"
    aliases: tuple[str, ...] = ()

    def rule(self, options: Options) -> str:
        """The update as text of the language; without the weight decay where it is 0."""
        if not options.get("weight_decay"):
            return self.text.format(g="g", w="w")
        if self.decays == "gradient":
            return "h = g + λ * w; " + self.text.format(g="h", w="w")
        return self.text.format(g="g", w="(1 - η * λ) * w")


def _positive(name: str, symbol: str, summary: str, default: float | None) -> Option:
    return Option(
        name=name, symbol=symbol, summary=summary, default=default, lower=0, is_lower_open=True
    )


def _share(name: str, symbol: str, summary: str, default: float) -> Option:
    return Option(
        name=name,
        symbol=symbol,
        summary=summary,
        default=default,
        lower=0,
        upper=1,
        is_upper_open=True,
    )


def _not_negative(name: str, symbol: str, summary: str, default: float = 0.0) -> Option:
    return Option(name=name, symbol=symbol, summary=summary, default=default, lower=0)


_RATE = _positive("learning_rate", "η", "how far a step goes, before any schedule", None)
_MOMENTUM = _share("momentum", "μ", "the share of the last velocity that is kept", 0.9)
_BETA1 = _share("beta1", "β_1", "the share of the mean of gradients that is kept", 0.9)
_BETA2 = _share("beta2", "β_2", "the share of the mean of squares that is kept", 0.999)
_DECAY = _not_negative("weight_decay", "λ", "times the parameters, added to the gradient")
_VELOCITY = Slot(name="velocity", symbol="v", summary="the decaying sum of gradients")
_FIRST = Slot(name="first_moment", symbol="m", summary="the moving mean of gradients")
_SECOND = Slot(
    name="second_moment", symbol="v", summary="the moving mean of their squares", is_square=True
)
_SUM = Slot(
    name="squared_gradients", symbol="v", summary="the sum of their squares", is_square=True
)
_MOMENTS = "m = β_1 * m_0 + (1 - β_1) * {g}; v = β_2 * v_0 + (1 - β_2) * {g}**2; "
_ADAM = _MOMENTS + "a = m / (1 - β_1**t); b = v / (1 - β_2**t); {w} - η * (a / (sqrt(b) + ε))"


def _epsilon(default: float) -> Option:
    return _positive("epsilon", "ε", "keeps the quotient finite", default)


def _shrinking(default: float) -> Option:
    return _not_negative(
        "weight_decay", "λ", "times the rate, the share of the parameters that is lost", default
    )


OPTIMIZERS = (
    Optimizer(
        kind="sgd",
        summary="A step against the gradient.",
        source="Robbins & Monro (1951)",
        options=(_RATE, _DECAY),
        text="{w} - η * {g}",
        prepare=updates.sgd,
    ),
    Optimizer(
        kind="momentum",
        summary="A step along the decaying sum of the gradients.",
        source="Polyak (1964); Sutskever, Martens, Dahl & Hinton (2013)",
        options=(_RATE, _MOMENTUM, _DECAY),
        slots=(_VELOCITY,),
        text="v = μ * v_0 + {g}; {w} - η * v",
        prepare=updates.momentum,
    ),
    Optimizer(
        kind="nesterov",
        summary="Momentum that looks one step ahead.",
        source="Nesterov (1983); Sutskever, Martens, Dahl & Hinton (2013)",
        options=(_RATE, _MOMENTUM, _DECAY),
        slots=(_VELOCITY,),
        text="v = μ * v_0 + {g}; {w} - η * ({g} + μ * v)",
        prepare=updates.nesterov,
    ),
    Optimizer(
        kind="rmsprop",
        summary="Each entry is divided by the root of its mean square.",
        source="Tieleman & Hinton (2012), Neural Networks for Machine Learning, lecture 6.5",
        options=(
            _RATE,
            _share("decay", "ρ", "the share of the mean of squares that is kept", 0.99),
            _epsilon(1e-8),
            _DECAY,
        ),
        slots=(_SECOND,),
        text="v = ρ * v_0 + (1 - ρ) * {g}**2; {w} - η * ({g} / (sqrt(v) + ε))",
        prepare=updates.rmsprop,
    ),
    Optimizer(
        kind="adagrad",
        summary="Each entry is divided by the root of the sum of its squares.",
        source="Duchi, Hazan & Singer (2011)",
        options=(
            _RATE,
            _not_negative("learning_rate_decay", "δ", "how fast the rate falls with the steps"),
            _not_negative("initial_accumulator", "v_0", "the sum of squares at the start"),
            _epsilon(1e-10),
            _DECAY,
        ),
        slots=(_SUM,),
        text="v = v_0 + {g}**2; {w} - η / (1 + (t - 1) * δ) * ({g} / (sqrt(v) + ε))",
        prepare=updates.adagrad,
    ),
    Optimizer(
        kind="adadelta",
        summary="Each entry is divided by its own mean size, times that of its changes.",
        source="Zeiler (2012), algorithm 1",
        options=(
            _RATE,
            _share("decay", "ρ", "the share of both means of squares that is kept", 0.9),
            _epsilon(1e-6),
            _DECAY,
        ),
        slots=(
            _SECOND,
            Slot(
                name="squared_changes",
                symbol="u",
                summary="the moving mean of the changes' squares",
                is_square=True,
            ),
        ),
        text=(
            "v = ρ * v_0 + (1 - ρ) * {g}**2; d = sqrt((u_0 + ε) / (v + ε)) * {g}; "
            "u = ρ * u_0 + (1 - ρ) * d**2; {w} - η * d"
        ),
        prepare=updates.adadelta,
        scratch=2,
    ),
    Optimizer(
        kind="adam",
        summary="The mean of the gradients, divided by the root of their mean square.",
        source="Kingma & Ba (2015), algorithm 1",
        options=(_RATE, _BETA1, _BETA2, _epsilon(1e-8), _DECAY),
        slots=(_FIRST, _SECOND),
        text=_ADAM,
        prepare=updates.adam,
        scratch=2,
    ),
    Optimizer(
        kind="adamw",
        summary="Adam whose weight decay does not go through its moments.",
        source="Loshchilov & Hutter (2019), algorithm 2",
        options=(_RATE, _BETA1, _BETA2, _epsilon(1e-8), _shrinking(0.01)),
        slots=(_FIRST, _SECOND),
        text=_ADAM,
        prepare=updates.adam,
        scratch=2,
        decays="parameters",
    ),
    Optimizer(
        kind="nadam",
        summary="Adam that looks one step ahead.",
        source="Dozat (2016)",
        options=(
            _RATE,
            _BETA1,
            _BETA2,
            _epsilon(1e-8),
            _not_negative("momentum_decay", "ψ", "how fast beta1 is reached", 4e-3),
            _DECAY,
        ),
        slots=(_FIRST, _SECOND),
        numbers={"momentum_product": "p"},
        text=(
            _MOMENTS + "μ = β_1 * (1 - 0.96**(t * ψ) / 2); "
            "ν = β_1 * (1 - 0.96**((t + 1) * ψ) / 2); p = p_0 * μ; "
            "a = (1 - μ) / (1 - p) * {g} + ν / (1 - p * ν) * m; b = v / (1 - β_2**t); "
            "{w} - η * (a / (sqrt(b) + ε))"
        ),
        prepare=updates.nadam,
        scratch=2,
    ),
    Optimizer(
        kind="lion",
        summary="A step of one size along the signs of a mean of the gradients.",
        source="Chen et al. (2023), algorithm 2",
        options=(
            _RATE,
            _share("beta1", "β_1", "the share of the moment in the direction", 0.9),
            _share("beta2", "β_2", "the share of the moment that is kept", 0.99),
            _shrinking(0.0),
        ),
        slots=(_FIRST,),
        text=(
            "c = β_1 * m_0 + (1 - β_1) * {g}; m = β_2 * m_0 + (1 - β_2) * {g}; "
            "{w} - η * sign(c)"
        ),
        prepare=updates.lion,
        scratch=2,
        decays="parameters",
    ),
)
OPTIMIZERS_BY_NAME = table_of(OPTIMIZERS)
