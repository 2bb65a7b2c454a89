"""Every bad input that the service can be sent today, against a real server."""

import json

import numpy as np
import pytest

from tests.hostile.cases import BATTERY, CASES
from tests.hostile.exchange import exchange
from tests.hostile.expectations import EXPECTED
from tests.hostile.expected import Answered, Closed, NeuronAnswered, Refused
from tests.hostile.expected_of_jobs import ELSEWHERE
from tests.hostile.problems import LEAK, faults_of_problem, strict_json
from tests.hostile.recipes import expand, json_bytes, request_bytes
from tests.hostile.tensors import array_of, dense
from tests.live import ROOT

RUN = [name for name in CASES if name in EXPECTED]
MOST_SECONDS = 5.0
WAITING_SECONDS = {"transport-13": 15.0}
MOST_GROWTH = 500 * 2**20
JSON_TYPE = {"content-type": "application/json"}


@pytest.fixture(scope="module", autouse=True)
def server_unhurt(live_server):
    """At the end of the battery the server has the same processes and not much more memory."""
    before, processes = live_server.reset_peak(), live_server.processes()
    yield
    growth = live_server.peak_bytes() - before
    assert growth < MOST_GROWTH, f"grew by {growth:,} bytes"
    assert live_server.processes() == processes


def sent(server, request, timeout=2 * MOST_SECONDS):
    return exchange(
        server.host,
        server.port,
        request_bytes(request, f"{server.host}:{server.port}"),
        timeout=timeout,
        reads=request.get("then") != "close at once",
    )


def asked(server, path, body, method="POST"):
    return sent(server, {"method": method, "path": path, "headers": JSON_TYPE, "json": body})


@pytest.mark.parametrize("name", RUN)
def test_a_bad_input_is_answered_as_its_case_says(live_server, name):
    case, expected = CASES[name], EXPECTED[name]
    allowed = WAITING_SECONDS.get(name, MOST_SECONDS)

    found = sent(live_server, case["request"], 2 * allowed)

    assert found.status in case["expect"]["status"]
    assert found.seconds < allowed
    assert found.seconds_to_close < allowed
    assert not LEAK.search(found.body.decode())
    if isinstance(expected, Refused):
        check_problem(found, case, expected)
    elif isinstance(expected, Answered):
        check_answer(found, case, expected)
    elif isinstance(expected, NeuronAnswered):
        check_neuron(found, expected)
    else:
        assert isinstance(expected, Closed)
        assert found.status == 0


def check_problem(found, case, expected):
    expression = expand(case["request"].get("json", {})).get("expression")
    assert faults_of_problem(found.status, found.headers, found.body, expression) == []
    problem = found.json()
    error = problem["errors"][0]
    texts = " ".join((problem["detail"], error["message"], error["hint"] or ""))
    allowed = case["expect"]["problem"].split(" or ")
    assert (found.status, problem["code"]) == (expected.status, expected.code)
    assert expected.code in allowed or allowed in (["any"], ["closed"])
    assert [words for words in expected.words if words not in texts] == []
    place = (error["start"], error["end"])
    if isinstance(expected.at, tuple):
        assert (error["pointer"], place) == ("/expression", expected.at)
    else:
        assert (error["pointer"], place) == (expected.at, (None, None))


def check_answer(found, case, expected):
    assert (found.status, found.headers["content-type"]) == (200, "application/json")
    answer = strict_json(found.body)
    (name,) = case["request"]["json"]["wrt"]
    # The numbers are exact in binary, or zero by underflow, save a tangent and its slope.
    np.testing.assert_allclose(array_of(answer["value"]), expected.value, rtol=1e-15)
    np.testing.assert_allclose(dense(answer["jacobians"][name]), expected.jacobian, rtol=1e-15)
    assert answer["conventions"]["kinks"] == list(expected.kinks)
    assert answer["warnings"] == []
    assert bool(expected.kinks) or "kinks" not in case["expect"]["problem"]


def check_neuron(found, expected):
    assert (found.status, found.headers["content-type"]) == (200, "application/json")
    answer = strict_json(found.body)
    # 30,000 for a target of 0, and nothing for the other: over two samples.
    assert answer["loss"] == expected.loss
    assert array_of(answer["gradients"]["weights"]).tolist() == expected.gradient


def test_every_case_is_run_here_or_elsewhere():
    assert len(CASES) == len(BATTERY["cases"]) == BATTERY["meta"]["cases"]
    assert sorted(CASES) == sorted([*EXPECTED, *ELSEWHERE])
    assert all((ROOT / file).is_file() for file in ELSEWHERE.values())


def test_an_expression_that_wants_a_file_gets_none(live_server, tmp_path):
    wanted = tmp_path / "wanted"
    body = {"variables": {"x": [1, 2]}}

    for text in (f"x.tofile('{wanted}')", f"open('{wanted}', 'w')", f"save('{wanted}', x)"):
        assert asked(live_server, "/v1/evaluate", body | {"expression": text}).status == 422

    assert not wanted.exists()


def test_the_log_is_one_json_object_a_line_in_ascii(live_server):
    lines = live_server.log.read_bytes().splitlines()

    assert len(lines) > 1
    assert all(line.isascii() and b"\x1b" not in line for line in lines)
    assert all({"time", "level", "event"} <= json.loads(line).keys() for line in lines)


def test_the_server_answers_as_before(live_server):
    found = sent(live_server, {"method": "GET", "path": "/healthz"})

    assert (found.status, json_bytes(found.json())) == (200, b'{"status": "ok"}')
