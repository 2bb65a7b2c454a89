"""Bodies of safetensors with bytes changed by chance: an answer or a problem, no failure."""

import json
from http.client import HTTPConnection

import numpy as np
import pytest
from safetensors.numpy import save

from tests.hostile.choice import pick
from tests.hostile.problems import faults_of_problem

COUNT = 2_000
SEED = 77
HEADERS = {
    "content-type": "application/vnd.safetensors",
    "accept": "application/vnd.safetensors, application/problem+json",
}
A = np.array([[3.0, 1.0, 0.5], [0.25, 2.0, 1.0], [1.0, 0.5, 4.0]])
V = np.array([1.0, -2.0, 0.5])
SEEDS = (
    ("/v1/jacobian", {"expression": "A @ v", "wrt": ["v"]}, {"A": A, "v": V}),
    ("/v1/hessian", {"expression": "sum(exp(A @ v))"}, {"A": A, "v": V}),
    ("/v1/vjp", {"expression": "A @ v"}, {"A": A, "v": V, "/cotangent": V}),
    ("/v1/jvp", {"expression": "sin(v)"}, {"v": V, "/tangents/v": V}),
)
TEXTS = (
    b"F64",
    b"F32",
    b"I64",
    b"BOOL",
    b'"v"',
    b'"x"',
    b"[0,",
    b"[1,",
    b"[3]",
    b"[3,1]",
    b"-1",
)
TEXTS += (b"999999999999", b"data_offsets", b"shape", b"dtype", b"{", b"}", b"\x00", b"NaN")


def mutated(rng, content):
    way = int(rng.integers(5))
    place = int(rng.integers(len(content)))
    if way == 0:
        flipped = content[place] ^ 1 << int(rng.integers(8))
        return content[:place] + bytes([flipped]) + content[place + 1 :]
    if way == 1:
        return content[:place]
    if way == 2:
        found = [text for text in TEXTS if text in content]
        return content.replace(pick(rng, found), pick(rng, TEXTS), 1)
    if way == 3:
        return content + bytes(rng.integers(256, size=int(rng.integers(1, 20)), dtype=np.uint8))
    length = int.from_bytes(content[:8], "little") + int(rng.integers(-9, 10))
    return max(length, 0).to_bytes(8, "little") + content[8:]


def expression_of(content):
    """The expression in a body that may be anything."""
    length = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + length])
        return json.loads(header["__metadata__"]["gradserve"])["expression"]
    except (ValueError, KeyError, TypeError):
        return None


@pytest.fixture(scope="module")
def answers(live_server):
    rng = np.random.default_rng(SEED)
    connection = HTTPConnection(live_server.host, live_server.port, timeout=10)
    found = []
    for _ in range(COUNT):
        path, rest, arrays = pick(rng, SEEDS)
        content = save(arrays, {"gradserve": json.dumps(rest)})
        for _ in range(int(rng.integers(3))):
            content = mutated(rng, content) or b"\0"
        connection.request("POST", path, content, HEADERS)
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        found.append((content, response.status, headers, response.read()))
    connection.close()
    return found


def test_every_body_gets_an_answer_or_a_documented_problem(answers):
    for content, status, headers, body in answers:
        if status == 200:
            assert headers["content-type"] == "application/vnd.safetensors"
        else:
            assert status < 500, (content, body)
            faults = faults_of_problem(status, headers, body, expression_of(content))
            assert faults == [], (content, body)


def test_the_bodies_reach_both_answers_and_problems(answers):
    statuses = [status for _, status, _, _ in answers]

    assert statuses.count(200) >= COUNT / 5
    assert statuses.count(400) >= COUNT / 10
    assert statuses.count(422) >= COUNT / 50
