"""Many requests in one, each with its own answer or problem."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType

from service.api.schemas.analysis import AnalyzeRequest
from service.api.schemas.claims import CheckRequest
from service.api.schemas.derivation import DeriveRequest
from service.api.schemas.expressions import (
    QUADRATIC,
    EvaluateRequest,
    GradientRequest,
    HessianRequest,
    HvpRequest,
    JacobianRequest,
    JvpRequest,
    Request,
    VjpRequest,
)
from service.api.schemas.networks import (
    NetworkForwardRequest,
    NetworkGradientRequest,
    NetworkStepRequest,
)
from service.api.schemas.neurons import (
    NeuronForwardRequest,
    NeuronGradientRequest,
    NeuronStepRequest,
)
from service.api.schemas.steps import StepRequest
from service.api.schemas.tensor_input import fault
from service.language.places import describe

MOST_REQUESTS = 1_000


class _Item(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AnalyzeItem(_Item):
    """An analysis."""

    operation: Literal["analyze"] = Field(description="`analyze`.")
    body: AnalyzeRequest


class DeriveItem(_Item):
    """A derivation."""

    operation: Literal["derive"] = Field(description="`derive`.")
    body: DeriveRequest


class CheckItem(_Item):
    """A check."""

    operation: Literal["check"] = Field(description="`check`.")
    body: CheckRequest


class EvaluateItem(_Item):
    """An evaluation."""

    operation: Literal["evaluate"] = Field(description="`evaluate`.")
    body: EvaluateRequest


class GradientItem(_Item):
    """A gradient."""

    operation: Literal["gradient"] = Field(description="`gradient`.")
    body: GradientRequest


class JacobianItem(_Item):
    """A Jacobian."""

    operation: Literal["jacobian"] = Field(description="`jacobian`.")
    body: JacobianRequest


class HessianItem(_Item):
    """A Hessian."""

    operation: Literal["hessian"] = Field(description="`hessian`.")
    body: HessianRequest


class JvpItem(_Item):
    """A Jacobian times tangents."""

    operation: Literal["jvp"] = Field(description="`jvp`.")
    body: JvpRequest


class VjpItem(_Item):
    """A cotangent times a Jacobian."""

    operation: Literal["vjp"] = Field(description="`vjp`.")
    body: VjpRequest


class HvpItem(_Item):
    """A Hessian times vectors."""

    operation: Literal["hvp"] = Field(description="`hvp`.")
    body: HvpRequest


class NeuronForwardItem(_Item):
    """A neuron run on samples."""

    operation: Literal["neuron/forward"] = Field(description="`neuron/forward`.")
    body: NeuronForwardRequest


class NeuronGradientItem(_Item):
    """The gradient of a neuron's loss."""

    operation: Literal["neuron/gradient"] = Field(description="`neuron/gradient`.")
    body: NeuronGradientRequest


class NeuronStepItem(_Item):
    """A step of a neuron."""

    operation: Literal["neuron/step"] = Field(description="`neuron/step`.")
    body: NeuronStepRequest


class NetworkForwardItem(_Item):
    """A network run on samples."""

    operation: Literal["network/forward"] = Field(description="`network/forward`.")
    body: NetworkForwardRequest


class NetworkGradientItem(_Item):
    """The gradient of a network's loss."""

    operation: Literal["network/gradient"] = Field(description="`network/gradient`.")
    body: NetworkGradientRequest


class NetworkStepItem(_Item):
    """A step of a network."""

    operation: Literal["network/step"] = Field(description="`network/step`.")
    body: NetworkStepRequest


class StepItem(_Item):
    """A step of an expression."""

    operation: Literal["step"] = Field(description="`step`.")
    body: StepRequest


Body = (
    Request
    | AnalyzeRequest
    | CheckRequest
    | NeuronForwardRequest
    | NetworkForwardRequest
    | StepRequest
)
BODIES: dict[str, type[Body]] = {
    "analyze": AnalyzeRequest,
    "derive": DeriveRequest,
    "check": CheckRequest,
    "evaluate": EvaluateRequest,
    "gradient": GradientRequest,
    "jacobian": JacobianRequest,
    "hessian": HessianRequest,
    "jvp": JvpRequest,
    "vjp": VjpRequest,
    "hvp": HvpRequest,
    "neuron/forward": NeuronForwardRequest,
    "neuron/gradient": NeuronGradientRequest,
    "neuron/step": NeuronStepRequest,
    "network/forward": NetworkForwardRequest,
    "network/gradient": NetworkGradientRequest,
    "network/step": NetworkStepRequest,
    "step": StepRequest,
}
Items = Annotated[
    AnalyzeItem
    | DeriveItem
    | CheckItem
    | EvaluateItem
    | GradientItem
    | JacobianItem
    | HessianItem
    | JvpItem
    | VjpItem
    | HvpItem
    | NeuronForwardItem
    | NeuronGradientItem
    | NeuronStepItem
    | NetworkForwardItem
    | NetworkGradientItem
    | NetworkStepItem
    | StepItem,
    Field(
        discriminator="operation", description="A request to an operation, told apart by it."
    ),
]


class _ItemSchema:
    """Documents an item by its operation; its body is read when its turn comes."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _checked, json_schema_input_schema=handler.generate_schema(Items)
        )


def _checked(value: object) -> object:
    if not isinstance(value, dict):
        raise fault(f"found {describe(value)}, expected an object: operation and body")
    return value


BatchItem = TypeAliasType(
    "BatchItem",
    Annotated[
        Any,
        _ItemSchema(),
        Field(description="A request to an operation, told apart by `operation`."),
    ],
)


def _check_count(value: object) -> object:
    if isinstance(value, list) and not 1 <= len(value) <= MOST_REQUESTS:
        raise fault(f"found {len(value)} requests, expected 1 to {MOST_REQUESTS}")
    return value


class BatchRequest(BaseModel):
    """Many requests; the budgets of one request are for all of them together."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"requests": [{"operation": "gradient", "body": QUADRATIC}]}]
        },
    )

    requests: Annotated[
        list[BatchItem],
        BeforeValidator(_check_count),
        Field(description=f"At most {MOST_REQUESTS}, answered in their order."),
    ]


class BatchResponse(BaseModel):
    """The answer to one of the requests."""

    status: int = Field(description="The status its own route would answer.", examples=[200])
    body: dict[str, Any] = Field(
        description="The answer of its operation where `status` is 200, else a `Problem`."
    )


class BatchAnswer(BaseModel):
    """The answers to all requests."""

    responses: list[BatchResponse] = Field(description="One for each request, in their order.")
