"""`gradserve serve` as a process: its start, its end, and what reaches its socket."""

import json
import shlex
import signal
import socket
import struct
import subprocess
from contextlib import ExitStack
from time import monotonic, sleep

import httpx
import psutil
import pytest

from tests.commands.serving import exchange, serving, start
from tests.live import made_key
from tests.slowness import slowness

READY_SECONDS = 2.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
BODY = {"expression": "x**2", "variables": {"x": [1, 2, 3]}}


@pytest.fixture(scope="module")
def served():
    with serving(header_seconds=0.5, body_pause_seconds=0.5, max_body_bytes=100_000) as found:
        yield found


def head(received):
    status, _, rest = received.partition(b"\r\n")
    fields, _, body = rest.partition(b"\r\n\r\n")
    return int(status.split()[1]), fields.lower(), body


def problem(received):
    status, fields, body = head(received)
    found = json.loads(body)
    assert b"content-type: application/problem+json" in fields
    assert b"connection: close" in fields
    assert found["status"] == status
    return found


def run(*arguments, **variables):
    """The exit code, standard output and standard error of a command that ends."""
    process = start(*arguments, **variables)
    output, errors = process.communicate(timeout=20)
    return process.returncode, output, errors


def test_the_service_is_ready_in_two_seconds_and_its_line_answers():
    started = monotonic()
    with serving() as served:
        seconds = monotonic() - started
        words = shlex.split(served.example)
        answer = subprocess.run(words, capture_output=True, check=True)

    assert words[0] == "curl"
    assert json.loads(answer.stdout)["jacobians"]["x"]["diagonal"]["data"] == [2, 4, 6]
    assert seconds < READY_SECONDS * slowness()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_signal_to_stop_ends_the_service_without_an_error(sign, processes):
    with serving("--http-processes", processes) as served:
        httpx.get(f"{served.address}/healthz")
        served.process.send_signal(sign)

        assert served.process.wait(timeout=10) == 0


def test_several_processes_answer_and_end_with_their_parent():
    with serving("--http-processes", "3") as served, ExitStack() as opened:
        children = psutil.Process(served.process.pid).children()
        for _ in range(60):
            connection = socket.create_connection(("127.0.0.1", served.port))
            opened.enter_context(connection)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        busy = [child for child in children if established(child)]
        served.process.kill()
        _, alive = psutil.wait_procs(children, timeout=15)

    assert len(busy) >= 2
    assert alive == []


def established(process):
    return [c for c in process.net_connections() if c.status == psutil.CONN_ESTABLISHED]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--port", "x"], "gradserve: --port: found 'x', but input should be a valid integer"),
        (
            ["--port", "70000"],
            "gradserve: --port: found '70000', but input should be less than",
        ),
        (["--data", "/dev/null/x"], "gradserve: data directory '/dev/null/x': not a directory"),
        (
            ["--data", "/proc/x"],
            "gradserve: data directory '/proc/x': no such file or directory",
        ),
        (["--host", "0.0.0.0"], "gradserve: 0.0.0.0 can be reached from other machines"),
        (
            ["--host", "no.such.host.invalid", "--insecure"],
            "gradserve: cannot listen on no.such",
        ),
        (["--nothing"], "gradserve: No such option"),
    ],
    ids=str,
)
def test_what_cannot_be_served_is_one_line_and_code_two(arguments, text):
    code, output, errors = run("serve", *arguments)

    assert (code, output) == (2, "")
    assert errors.startswith(text)
    assert errors.count("\n") == 1


def test_a_port_in_use_is_one_line_and_code_two(served):
    code, _, errors = run("serve", "--port", str(served.port))

    assert code == 2
    assert errors == (
        f"gradserve: cannot listen on 127.0.0.1 port {served.port}: address already in use\n"
    )


def test_an_address_that_others_reach_is_served_with_a_good_key(tmp_path):
    key = {"Authorization": f"Bearer {made_key(tmp_path, 'acme')}"}
    with serving("--host", "0.0.0.0", data_directory=tmp_path) as served:
        url = f"http://127.0.0.1:{served.port}/v1/jacobian"
        answers = [httpx.post(url, json=BODY, headers=h) for h in (key, {})]

    assert served.address.startswith("http://0.0.0.0:")
    assert [answer.status_code for answer in answers] == [200, 401]


def test_a_service_that_stops_says_that_it_is_not_ready(tmp_path):
    with serving(workers=1, data_directory=tmp_path, shutdown_seconds=5) as served:
        worker = wait_for_worker(served)
        with httpx.Client(base_url=served.address) as client:
            worker.suspend()  # so that the end waits for it
            assert client.get("/readyz").status_code == 200
            served.process.send_signal(signal.SIGTERM)
            until = monotonic() + 3
            while (answer := client.get("/readyz")).status_code == 200:
                assert monotonic() < until
            health = client.get("/healthz")
            worker.resume()

    assert (answer.status_code, answer.json()["code"]) == (503, "draining")
    assert int(answer.headers["Retry-After"]) >= 1
    assert health.status_code == 200


def wait_for_worker(served):
    """The process that runs the jobs of a service, once it is ready to."""
    until = monotonic() + 20 * slowness()
    while httpx.get(f"{served.address}/readyz").status_code != 200:
        assert monotonic() < until
        sleep(0.05)
    children = psutil.Process(served.process.pid).children()
    (worker,) = [child for child in children if "--token" in child.cmdline()]
    return worker


def test_a_variable_that_sets_nothing_is_told_at_the_start():
    code, _, errors = run("serve", "--host", "0.0.0.0", prot=1)

    assert code == 2
    assert "GRADSERVE_PROT is not a setting; did you mean GRADSERVE_PORT?" in errors


def test_a_half_sent_header_is_ended(served):
    started = monotonic()
    found = problem(exchange(served.port, b"POST /v1/jacobian HTTP/1.1\r\nHo"))

    assert found["code"] == "request_timeout"
    assert "header_seconds, 0.5" in found["detail"]
    assert monotonic() - started < 5


def test_a_connection_that_never_speaks_is_ended(served):
    assert problem(exchange(served.port))["code"] == "request_timeout"


def test_empty_lines_do_not_keep_a_connection(served):
    assert problem(exchange(served.port, b"\r\n", b"\r\n"))["code"] == "request_timeout"


def test_a_half_sent_header_after_a_request_is_ended(served):
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

    received = exchange(served.port, one + b"GET /he")

    assert received.startswith(b"HTTP/1.1 200")
    assert problem(received[received.rindex(b"HTTP/1.1") :])["code"] == "request_timeout"


@pytest.mark.parametrize(
    "header",
    [b"A: b\r\n" * 100_000, b"A: " + b"b" * 200_000, b"A" * 200_000],
    ids=["many fields", "long value", "long name"],
)
def test_a_header_that_is_too_large_is_refused(served, header):
    found = problem(exchange(served.port, b"GET / HTTP/1.1\r\nHost: a\r\n", header))

    assert (found["status"], found["code"]) == (431, "header_too_large")
    assert "max_header_bytes is 65536" in found["detail"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n{",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;\nxx\r\n{}\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(served, request_bytes):
    found = problem(exchange(served.port, request_bytes))

    assert (found["status"], found["code"]) == (400, "malformed_request")


POST = b"POST /v1/jacobian HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


def test_a_body_announced_too_large_is_refused_and_the_connection_closed(served):
    found = problem(exchange(served.port, POST + b"Content-Length: 99999999999\r\n\r\n{"))

    assert (found["status"], found["code"]) == (413, "body_too_large")


def test_a_large_body_that_is_refused_still_sees_its_answer(served):
    body = b" " * 3_000_000

    found = problem(exchange(served.port, POST, b"Content-Length: 3000000\r\n\r\n", body))

    assert found["code"] == "body_too_large"


def test_a_chunked_body_without_an_end_is_refused(served):
    request = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"

    found = problem(exchange(served.port, request))

    assert (found["status"], found["code"]) == (408, "request_timeout")
    assert "stopped after 2 bytes" in found["detail"]


def test_a_connection_goes_on_after_an_error(served):
    with httpx.Client(base_url=served.address) as client:
        statuses = [
            client.post("/v1/jacobian", json={}).status_code,
            client.post("/v1/nothing", json=BODY).status_code,
            client.post("/v1/jacobian", content=b"{}").status_code,
            client.post("/v1/jacobian", json=BODY).status_code,
        ]
        (connection,) = client._transport._pool.connections

    assert statuses == [422, 404, 415, 200]
    assert "Request Count: 4" in connection.info()


def test_requests_sent_at_once_are_answered_in_order(served):
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    received = exchange(served.port, one + one + last)

    assert received.count(b'{"status":"ok"}') == 2
    assert received.endswith(b'{"status":"ready"}')


def test_an_answer_on_its_way_is_not_mixed_with_a_refusal(served):
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

    received = exchange(served.port, one + b"nonsense\r\n\r\n")

    status, fields, body = head(received)
    assert (status, body) == (200, b'{"status":"ok"}')
    assert b"connection: close" in fields


def test_a_client_that_leaves_with_requests_waiting_disturbs_nothing():
    numbers = {"expression": "x**2", "variables": {"x": [0.5] * 20_000}}
    content = json.dumps(numbers).encode()
    slow = (
        b"POST /v1/jacobian HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(content)
    )

    with serving() as served:
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", served.port)) as connection:
                connection.sendall((slow + content) * 4)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        assert httpx.get(f"{served.address}/healthz").status_code == 200
        served.process.send_signal(signal.SIGTERM)
        served.process.wait(timeout=10)

        assert {line["level"] for line in served.log} == {"info"}


def test_a_wish_for_another_protocol_is_ignored_and_the_body_read(served):
    content = json.dumps(BODY).encode()
    request = (
        b"POST /v1/jacobian HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
        b"Content-Length: %d\r\n\r\n" % len(content)
    )
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    received = exchange(served.port, request + content[:10], content[10:], last)

    assert head(received)[0] == 200
    assert b'"structure":"diagonal"' in received
    assert received.endswith(b'{"status":"ok"}')


def test_many_wishes_for_another_protocol_at_once_are_ignored(served):
    wish = (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n"
    )
    last = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    received = exchange(served.port, wish * 2000 + last)

    assert received.count(b"HTTP/1.1 200") == 2001


def test_http_1_0_is_answered_and_closed(served):
    received = exchange(served.port, b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")

    assert head(received)[0] == 200
