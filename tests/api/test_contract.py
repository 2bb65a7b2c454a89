"""The OpenAPI document: current, valid, and fit for generators."""

from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from openapi_spec_validator import validate

from service.api.contract import contract, contract_text
from service.api.schemas.expressions import (
    EvaluateRequest,
    GradientRequest,
    HessianRequest,
    HvpRequest,
    JacobianRequest,
    JvpRequest,
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
from service.api.schemas.tensors import (
    DenseTensor,
    DiagonalTensor,
    IdentityTensor,
    Tensor,
    Term,
    ZeroTensor,
)
from service.training.functions import ACTIVATIONS_BY_NAME, LOSSES_BY_NAME
from service.training.optimizers import OPTIMIZERS_BY_NAME
from service.training.schedules import SCHEDULES_BY_NAME

FILE = Path(__file__).resolve().parents[2] / "openapi" / "openapi.json"


@pytest.fixture(scope="module")
def document(routes):
    return contract(routes)


def parts(part):
    """Every object in the document."""
    if isinstance(part, dict):
        yield part
        for item in part.values():
            yield from parts(item)
    elif isinstance(part, list):
        for item in part:
            yield from parts(item)


def operations(document):
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_the_committed_file_is_current(routes):
    assert FILE.read_text(encoding="utf-8") == contract_text(routes)


def test_the_document_is_valid_openapi(document):
    validate(document)


def test_every_number_says_its_format(document):
    formats = {"number": "double", "integer": "int64"}
    numbers = [p for p in parts(document) if p.get("type") in ("number", "integer")]

    assert numbers
    assert all(part["format"] == formats[part["type"]] for part in numbers)


def test_discriminators_are_required_and_have_no_default(document):
    schemas = document["components"]["schemas"]
    unions = [schema for schema in schemas.values() if "discriminator" in schema]

    assert len(unions) == 6
    for union in unions:
        name = union["discriminator"]["propertyName"]
        for reference in union["discriminator"]["mapping"].values():
            member = schemas[reference.rsplit("/", 1)[1]]
            assert name in member["required"]
            assert "default" not in member["properties"][name]


def test_tensor_inputs_are_a_number_four_levels_or_a_tensor(document):
    options = document["components"]["schemas"]["TensorInput"]["anyOf"]
    number = {"type": "number", "format": "double"}
    expected = [number]
    for _ in range(4):
        expected.append({"type": "array", "items": expected[-1]})

    assert options == [*expected, {"$ref": "#/components/schemas/Tensor"}]


def test_only_a_tree_contains_itself(document):
    schemas = document["components"]["schemas"]
    circles = set()

    def reached(name, above):
        if name in above:
            circles.add(frozenset(above[above.index(name) :]))
            return
        for part in parts(schemas[name]):
            if "$ref" in part:
                reached(part["$ref"].rsplit("/", 1)[1], (*above, name))

    for name in schemas:
        reached(name, ())

    # Generators take circles through named objects, not those of arrays alone.
    assert circles == {frozenset({"Expression", "ExpressionTree"})}
    assert schemas["ExpressionTree"]["type"] == "object"


def test_operations_are_named_after_their_functions_and_have_one_tag(routes, document):
    functions = [
        route.endpoint.__name__
        for route in routes.routes
        if isinstance(route, APIRoute) and route.include_in_schema
    ]

    # A path's operations are together in the document, whatever the order of the routes.
    ids = [operation["operationId"] for operation in operations(document)]
    assert sorted(ids) == sorted(functions)
    assert all(len(operation["tags"]) == 1 for operation in operations(document))


def test_every_operation_documents_its_problems(document):
    for operation in operations(document):
        problems = {s: r for s, r in operation["responses"].items() if s[0] != "2"}
        expected = {"400", "406", "422", "500"}
        if "requestBody" in operation:
            expected |= {"408", "413", "415"}

        assert expected <= set(problems)
        for response in problems.values():
            (media_type,) = response["content"]
            schema = response["content"][media_type]["schema"]
            assert media_type == "application/problem+json"
            assert schema == {"$ref": "#/components/schemas/Problem"}


def test_every_field_is_described(document):
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        for field, part in schema.get("properties", {}).items():
            assert "$ref" in part or part.get("description"), f"{name}.{field}"


@pytest.mark.parametrize(
    "model",
    [
        *(EvaluateRequest, GradientRequest, JacobianRequest),
        *(HessianRequest, JvpRequest, VjpRequest, HvpRequest),
    ],
)
def test_the_examples_of_requests_are_requests(model):
    (example,) = model.model_config["json_schema_extra"]["examples"]

    assert model.model_validate(example).expression.text == example["expression"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/neuron/forward", NeuronForwardRequest),
        ("/v1/neuron/gradient", NeuronGradientRequest),
        ("/v1/neuron/step", NeuronStepRequest),
        ("/v1/network/forward", NetworkForwardRequest),
        ("/v1/network/gradient", NetworkGradientRequest),
        ("/v1/network/step", NetworkStepRequest),
        ("/v1/step", StepRequest),
    ],
)
async def test_the_examples_of_training_are_answered(client, path, model):
    (example,) = model.model_config["json_schema_extra"]["examples"]

    assert (await client.post(path, json=example)).status_code == 200


@pytest.mark.parametrize(
    ("name", "records"),
    [
        ("ActivationChoice", ACTIVATIONS_BY_NAME),
        ("LossChoice", LOSSES_BY_NAME),
        ("OptimizerChoice", OPTIMIZERS_BY_NAME),
        ("ScheduleChoice", SCHEDULES_BY_NAME),
    ],
)
def test_a_choice_has_the_kinds_and_options_of_its_records(document, name, records):
    fields = document["components"]["schemas"][name]["properties"]

    assert set(fields["kind"]["enum"]) == set(records)
    options = {
        option.name
        for record in records.values()
        for option in getattr(record, "options", None)
        or [p for p in getattr(record, "parameters", ()) if p.kind == "number"]
    }
    assert fields.keys() - {"kind", "schedule", "then"} == options


@pytest.mark.parametrize(
    "model", [Tensor, ZeroTensor, IdentityTensor, DiagonalTensor, DenseTensor, Term]
)
def test_the_examples_of_answers_are_answers(model):
    (example,) = model.model_config["json_schema_extra"]["examples"]

    assert model.model_validate(example).model_dump() == example
