"""Requests and answers as safetensors: the same numbers as in JSON, every mistake told."""

import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from safetensors.numpy import load, save

from service.api.binary import encode_binary, fields_of
from service.api.schemas.expressions import JacobianRequest
from service.api.validation import read_fields
from service.api.wire import document, encode
from service.computation.compute import Computer
from service.errors import NonFiniteResultError
from service.settings import Limits
from tests.calculus.random_expressions import expressions
from tests.limits import UNHURRIED

SAFETENSORS = "application/vnd.safetensors"
LIMITS = Limits()
EXAMPLES = int(os.environ.get("GRADSERVE_TEST_EXAMPLES", "2000"))
A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
X = np.array([0.5, -1.0])


def packed(rest, arrays, **metadata):
    contiguous = {n: np.ascontiguousarray(a).reshape(a.shape) for n, a in arrays.items()}
    text = rest if isinstance(rest, str) else json.dumps(rest)
    return save(contiguous, {"gradserve": text} | metadata)


def unpacked(content):
    """The JSON of an answer with its tensors in their places again."""
    length = int.from_bytes(content[:8], "little")
    rest = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["gradserve"])
    arrays = load(content)

    def filled(value, pointer):
        if isinstance(value, dict):
            if value.keys() == {"$tensor"}:
                assert value["$tensor"] == pointer
                array = arrays.pop(pointer)
                return {
                    "shape": list(array.shape),
                    "dtype": array.dtype.name,
                    "data": array.reshape(-1).tolist(),
                }
            return {n: filled(v, f"{pointer}/{n}") for n, v in value.items()}
        if isinstance(value, list):
            return [filled(v, f"{pointer}/{k}") for k, v in enumerate(value)]
        return value

    whole = filled(rest, "")
    assert not arrays
    return whole


async def post(client, operation, content, accept=SAFETENSORS, sent=SAFETENSORS):
    headers = {"content-type": sent, "accept": accept}
    return await client.post(f"/v1/{operation}", content=content, headers=headers)


def without_seconds(answer):
    return answer | {"cost": answer["cost"] | {"seconds": 0}}


CALLS = [
    ("evaluate", {"expression": "A @ x"}, {"A": A, "x": X}),
    ("gradient", {"expression": "sum((A @ x)**2)"}, {"A": A, "x": X}),
    ("jacobian", {"expression": "A @ x"}, {"A": A.T[::-1].T, "x": X}),
    (
        "jacobian",
        {"expression": "A.T @ b", "stack": True, "wrt": ["b", "A"]},
        {"A": A, "b": np.ones(3)},
    ),
    ("jacobian", {"expression": "x * s"}, {"x": X, "s": np.array(2.0)}),
    ("hessian", {"expression": "sum(exp(A @ x))"}, {"A": A, "x": X}),
    ("jvp", {"expression": "A @ x"}, {"A": A, "x": X, "/tangents/x": X[::-1]}),
    ("vjp", {"expression": "A @ x"}, {"/variables/A": A, "x": X, "/cotangent": np.ones(3)}),
    ("hvp", {"expression": "x @ x"}, {"x": X, "/vectors/x": X}),
    ("gradient", {"expression": "x @ x", "dtype": "float32"}, {"x": X.astype(np.float32)}),
    ("evaluate", {"expression": "n + k"}, {"n": np.array([3], np.int64), "k": np.uint8([250])}),
    ("evaluate", {"expression": "x + b", "variables": {"b": 1}}, {"x": X.astype(np.float16)}),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("operation", "rest", "arrays"), CALLS)
async def test_an_answer_is_that_to_the_same_request_in_json(client, operation, rest, arrays):
    body = {"variables": {}} | json.loads(json.dumps(rest))
    for name, array in arrays.items():
        group, _, key = name[1:].rpartition("/") if name[0] == "/" else ("variables", "", name)
        holder = body.setdefault(group, {}) if group else body
        holder[key] = array.astype(float).tolist()

    binary = await post(client, operation, packed(rest, arrays, format="pt"))
    plain = await client.post(f"/v1/{operation}", json=body)

    assert binary.status_code == plain.status_code == 200, (binary.content, plain.text)
    assert binary.headers["content-type"] == SAFETENSORS
    assert without_seconds(unpacked(binary.content)) == without_seconds(plain.json())


@pytest.mark.anyio
async def test_either_side_may_be_json(client):
    rest, arrays = {"expression": "A @ x"}, {"A": A, "x": X}
    body = {"expression": "A @ x", "variables": {"A": A.tolist(), "x": X.tolist()}}

    to_json = await post(client, "evaluate", packed(rest, arrays), accept="*/*")
    answer = to_json.json()
    to_binary = await post(
        client, "evaluate", json.dumps(body), f"{SAFETENSORS}, */*;q=0.5", "application/json"
    )

    assert answer["value"]["data"] == (A @ X).tolist()
    assert np.array_equal(load(to_binary.content)["/value"], A @ X)


@pytest.mark.anyio
async def test_an_answer_that_is_not_finite_is_exact_in_binary(client):
    rest = {"expression": "[log(x), -log(x), log(x - 1)]", "nonfinite": "allow"}

    answer = await post(client, "evaluate", packed(rest, {"x": np.zeros(1)}))

    found = load(answer.content)["/value"]
    assert np.array_equal(found.ravel(), [-np.inf, np.inf, np.nan], equal_nan=True)


def cut(content, *, header=None, data=b""):
    header = json.dumps(header).encode() if isinstance(header, dict) else header
    return len(header).to_bytes(8, "little") + header + data if header is not None else content


GOOD = packed({"expression": "x"}, {"x": X})
REST = {"__metadata__": {"gradserve": '{"expression": "x"}'}}
TENSOR = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}
BYTES = X.tobytes()
WRONG = [
    (b"", 400, "malformed_request", None, "its header ends after the body's 0 bytes"),
    (b"{}", 400, "malformed_request", None, "its header ends after the body's 2 bytes"),
    (b'{"expression": "x"}', 400, "malformed_request", None, "its header ends after"),
    (GOOD[:-1], 400, "malformed_request", None, "the body is not safetensors"),
    (GOOD + b"x", 400, "malformed_request", None, "the body is not safetensors"),
    (cut(0, header=b"[]"), 400, "malformed_request", None, "its header is an array"),
    (cut(0, header=b"nope"), 400, "malformed_json", None, "offset 0"),
    (cut(0, header=b'{"a": 1, "a": 2}'), 400, "duplicate_key", None, "the key 'a'"),
    (cut(0, header=b"\xff"), 400, "malformed_json", None, "expected UTF-8"),
    ((2**63 - 1).to_bytes(8, "little"), 400, "malformed_request", None, "its header ends"),
    (cut(0, header=b"{" + b" " * 2**21 + b"}"), 422, "over_limit", None, "the header has"),
    (cut(0, header={"x": TENSOR}, data=BYTES), 422, "validation", None, "no text under"),
    (cut(0, header={"x": TENSOR} | {"__metadata__": 1}, data=BYTES), 422, "validation", None,
     "no text under the key 'gradserve'"),
    (packed("[]", {"x": X}), 422, "validation", None, "is an array, expected an object"),
    (packed("{", {"x": X}), 400, "malformed_json", None, "offset 1"),
    (packed('{"expression": "' + "x" * 2**20 + '"}', {"x": X}), 422, "over_limit", None,
     "send large arrays"),
    (packed({"expression": "x"}, {"x y": X}), 422, "validation", None, "has no place"),
    (packed({"expression": "x"}, {"/x": X}), 422, "validation", None, "has no place"),
    (packed({"expression": "x"}, {"/variables/x/0": X}), 422, "validation", None, "no place"),
    (packed({"expression": "x", "variables": {"x": 1}}, {"x": X}), 422, "validation", None,
     "both give 'x'"),
    (packed({"expression": "x", "variables": 3}, {"x": X}), 422, "validation", None, "both"),
    (packed({"expression": "x"}, {"x": X, "/variables/x": X}), 422, "validation", None, "both"),
    (packed({"expression": "x"}, {"x": np.array([1.0, np.inf])}), 422, "nonfinite_input",
     "/variables/x", "the value inf at position 1"),
    (packed({"expression": "x"}, {"x": np.zeros((2, 0))}), 422, "validation", "/variables/x",
     "an axis of size 0"),
    (packed({"expression": "x"}, {"x": np.zeros([1] * 9)}), 422, "over_limit", "/variables/x",
     "found 9 axes"),
    (packed({"expression": "x"}, {"x": np.array([True])}), 422, "validation", None, "'BOOL'"),
    (packed({"expression": "x", "wrt": ["x"]}, {"x": X}), 422, "validation", "/wrt", "unknown"),
    (packed({"expression": "x +"}, {"x": X}), 422, "syntax_error", "/expression", "expected"),
    (cut(0, header=REST | {"x": TENSOR | {"data_offsets": [0, 8]}}, data=BYTES), 400,
     "malformed_request", None, "not safetensors"),
    (cut(0, header=REST | {"x": TENSOR, "y": TENSOR}, data=BYTES), 400, "malformed_request",
     None, "not safetensors"),
    (cut(0, header=REST | {"x": TENSOR | {"shape": [2**62, 2**62]}}, data=BYTES), 400,
     "malformed_request", None, "not safetensors"),
    (cut(0, header=REST | {"x": 3}, data=BYTES), 400, "malformed_request", None, "safetensors"),
    (cut(0, header=REST | {"x": TENSOR | {"dtype": "F128"}}, data=BYTES), 422, "validation",
     None, "has the dtype 'F128'"),
    (cut(0, header=REST | {"x": TENSOR | {"dtype": 1}}, data=BYTES), 400, "malformed_request",
     None, "safetensors"),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(("content", "status", "code", "pointer", "message"), WRONG)
async def test_a_mistake_is_told(client, content, status, code, pointer, message):
    response = await post(
        client, "evaluate", content, accept=f"{SAFETENSORS}, application/json"
    )

    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert problem["errors"][0]["pointer"] == pointer
    assert message in problem["errors"][0]["message"] + str(problem["errors"][0]["hint"])


@pytest.mark.anyio
async def test_only_operations_with_arrays_take_and_give_them(client):
    taken = await post(client, "analyze", GOOD, accept="*/*")
    given = await post(client, "batch", "{}", accept=SAFETENSORS, sent="application/json")

    assert (taken.status_code, taken.json()["code"]) == (415, "unsupported_media_type")
    assert (given.status_code, given.json()["code"]) == (406, "not_acceptable")


@pytest.mark.random
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(expressions())
def test_random_requests_and_answers_are_those_of_json(expression):
    assume(expression.values)
    rest = {"expression": expression.text, "representation": "auto"}
    body = rest | {"variables": {n: v.tolist() for n, v in expression.values.items()}}

    binary = fields_of(packed(rest, expression.values), LIMITS)
    asked = [
        read_fields(fields, JacobianRequest, LIMITS).asked("jacobian")
        for fields in (binary, body)
    ]
    for name, value in expression.values.items():
        for one in asked:
            assert np.array_equal(one.variables[name], value)
    try:
        found = document(Computer(UNHURRIED).answer(asked[0]))
    except NonFiniteResultError:
        assume(False)  # Hypothesis' own way to pass an example over
    assert unpacked(encode_binary(found)) == json.loads(encode(found))
