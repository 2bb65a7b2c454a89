"""What generators need of the OpenAPI document beside what `tests/api` asks of it."""

import re

import pytest

from tests.sdk.document import DOCUMENT, OPERATION_IDS, OPERATIONS, SCHEMAS, component

TOLD_APART_BY_FORM = {"TrainingData"}
UNIONS = {name: schema for name, schema in SCHEMAS.items() if "discriminator" in schema}


def objects(part):
    """Every object of a part of the document, with its place in it."""
    waiting = [("#", part)]
    while waiting:
        place, part = waiting.pop()
        if isinstance(part, dict):
            yield place, part
            waiting += [(f"{place}/{key}", value) for key, value in part.items()]
        elif isinstance(part, list):
            waiting += [(f"{place}/{k}", value) for k, value in enumerate(part)]


def test_the_unions_of_objects_are_named_and_have_discriminators():
    places = {place for place, part in objects(DOCUMENT) if "oneOf" in part}

    assert {"StructuredTensor", "Factor"} <= UNIONS.keys()
    named = UNIONS.keys() | TOLD_APART_BY_FORM
    assert places == {f"#/components/schemas/{name}" for name in named}


@pytest.mark.parametrize("name", UNIONS)
def test_a_discriminator_names_every_member_by_its_constant(name):
    discriminator = UNIONS[name]["discriminator"]
    members = {
        SCHEMAS[component(value)]["properties"][discriminator["propertyName"]]["const"]: value
        for value in discriminator["mapping"].values()
    }

    assert members == discriminator["mapping"]
    assert sorted(members.values()) == sorted(m["$ref"] for m in UNIONS[name]["oneOf"])


def test_operation_ids_are_unique():
    assert len(OPERATION_IDS) == len(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_is_a_verb_and_a_noun_and_is_described(operation):
    tags = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}

    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
    assert set(operation["tags"]) <= tags
    assert operation["summary"]
    assert operation["description"]
