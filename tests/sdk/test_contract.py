"""The OpenAPI document is sound, and says what generators need to lose nothing."""

import re

import pytest
from openapi_spec_validator import validate

from tests.sdk.document import DOCUMENT, OPERATION_IDS, OPERATIONS, SCHEMAS, component, walk

UNIONS = {
    place: part for place, part in walk(DOCUMENT) if "discriminator" in part and "oneOf" in part
}
PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


def test_the_document_is_openapi_3_1():
    validate(DOCUMENT)

    assert DOCUMENT["openapi"].startswith("3.1.")


@pytest.mark.parametrize(("kind", "form"), [("number", "double"), ("integer", "int64")])
def test_every_number_has_a_format(kind, form):
    numbers = {place: part for place, part in walk(DOCUMENT) if part.get("type") == kind}

    bare = [place for place, part in numbers.items() if part.get("format") != form]

    assert numbers
    assert bare == []


@pytest.mark.parametrize("name", ["StructuredTensor", "Factor"])
def test_a_union_of_objects_is_a_component(name):
    assert f"#/components/schemas/{name}" in UNIONS


@pytest.mark.parametrize("place", UNIONS)
def test_a_discriminator_names_every_member(place):
    union = UNIONS[place]
    mapping = union["discriminator"]["mapping"]

    members = [member["$ref"] for member in union["oneOf"]]

    assert sorted(mapping.values()) == sorted(members)
    assert len(mapping) == len(members)


@pytest.mark.parametrize("place", UNIONS)
def test_a_discriminator_is_required_and_has_no_default(place):
    discriminator = UNIONS[place]["discriminator"]
    name = discriminator["propertyName"]

    for value, reference in discriminator["mapping"].items():
        member = SCHEMAS[component(reference)]
        assert name in member["required"]
        assert member["properties"][name]["const"] == value
        assert "default" not in member["properties"][name]


def test_only_named_objects_are_told_apart_by_one_of():
    anonymous = [
        place for place, part in walk(DOCUMENT) if "oneOf" in part and place not in UNIONS
    ]

    assert anonymous == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_reaches_itself_through_objects_only(name):
    seen = set()
    waiting = [SCHEMAS[name]]

    while waiting:
        part = waiting.pop()
        if "$ref" in part and component(part["$ref"]) not in seen:
            seen.add(component(part["$ref"]))
            waiting.append(SCHEMAS[component(part["$ref"])])
        waiting += [part["items"]] if "items" in part else []
        waiting += [
            member for word in ("oneOf", "anyOf", "allOf") for member in part.get(word, ())
        ]

    assert name not in seen


def test_operation_ids_are_unique():
    assert len(OPERATION_IDS) == len(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_is_named_and_described(operation):
    tags = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}

    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
    assert len(operation["tags"]) == 1
    assert set(operation["tags"]) <= tags
    assert operation["summary"]
    assert operation["description"]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_error_of_an_operation_is_a_problem(operation):
    errors = {
        status: response["content"]
        for status, response in operation["responses"].items()
        if not status.startswith("2")
    }

    assert {status for status in errors if status.startswith("4")}
    assert "500" in errors
    for content in errors.values():
        assert content == {"application/problem+json": PROBLEM}
