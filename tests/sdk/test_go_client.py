"""The Go client, generated as the README says: no type is lost, no number is narrowed."""

import re

import pytest

from tests.sdk.document import OPERATION_IDS, OPERATIONS, SCHEMAS, component
from tests.sdk.toolchain import build

EXPECTED_WARNINGS = (
    "OpenAPI 3.1 support is still in beta",
    "Failed to get the schema name: null",
)


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sdk")
    return build("Go", directory), directory / "go"


@pytest.fixture(scope="module")
def models(generated):
    _, directory = generated
    files = sorted(directory.glob("model_*.go"))
    return "\n".join(re.sub(r"//.*", "", file.read_text(encoding="utf-8")) for file in files)


def test_the_generator_warns_of_nothing_new(generated):
    printed, _ = generated

    warnings = [line for line in printed.splitlines() if re.search(r"\b(WARN|ERROR)\b", line)]

    unexpected = [w for w in warnings if not any(known in w for known in EXPECTED_WARNINGS)]
    assert unexpected == []


def test_every_operation_has_a_method(generated):
    _, directory = generated
    files = sorted(directory.glob("api_*.go"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)

    methods = set(re.findall(r"^func \(a \*\w+Service\) (\w+)Execute\(", text, re.M))

    assert methods == {name.title().replace("_", "") for name in OPERATION_IDS}
    assert len(methods) == len(OPERATIONS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_a_struct(models, name):
    assert re.search(rf"^type {name} struct \{{$", models, re.M)


@pytest.mark.parametrize("name", ["StructuredTensor", "Factor"])
def test_a_union_holds_a_pointer_to_each_member_and_reads_the_discriminator(models, name):
    (fields,) = re.findall(rf"^type {name} struct \{{\n(.*?)\n\}}$", models, re.M | re.DOTALL)
    members = [component(member["$ref"]) for member in SCHEMAS[name]["oneOf"]]
    discriminator = SCHEMAS[name]["discriminator"]

    assert sorted(fields.split("\n")) == sorted(f"\t{m} *{m}" for m in members)
    for value in discriminator["mapping"]:
        assert f'jsonDict["{discriminator["propertyName"]}"] == "{value}"' in models


def test_numbers_are_64_bits_wide(models):
    assert "float64" in models
    assert "int64" in models
    assert re.findall(r"\w*(?:float32|int32)\w*", models) == []


def test_no_field_has_lost_its_type(models):
    lost = re.findall(r"^\t(\w+ .*(?:interface\{\}|any\b).*)`json:.*$", models, re.M)

    # The answer to one request of a batch is that of any operation; options are as various.
    assert sorted(field.split() for field in lost) == [
        ["Body", "map[string]interface{}"],
        ["Options", "map[string]interface{}"],
    ]
