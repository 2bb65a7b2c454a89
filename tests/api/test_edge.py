"""The outermost layer: ids, the log, security, unforeseen failures, hosts, other origins."""

import json
import logging

import httpx
import pytest

from service.access import new_token, written
from service.api.app import create_app
from service.api.edge import Edge
from service.api.log import JsonFormatter
from service.settings import Settings
from service.wiring import build_app, build_routes

pytestmark = pytest.mark.anyio
ADDRESS = "http://127.0.0.1:8000"


def client_of(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS)


async def test_a_plain_request_id_is_given_back(client):
    response = await client.get("/healthz", headers={"X-Request-ID": "job-1.a_B"})

    assert response.headers["x-request-id"] == "job-1.a_B"


@pytest.mark.parametrize("given", ["a\x1b[31m", "x" * 65, "a b", "a/b"])
async def test_any_other_request_id_is_replaced(client, given):
    response = await client.get("/healthz", headers={"X-Request-ID": given})

    assert len(response.headers["x-request-id"]) == 32
    assert response.headers["x-request-id"].isalnum()


async def test_each_request_is_one_line_of_the_log_without_values(client, caplog):
    with caplog.at_level(logging.INFO, logger="gradserve.requests"):
        response = await client.post(
            "/v1/evaluate?secret=1", json={"expression": "12345", "variables": {}}
        )

    (record,) = caplog.records
    line = json.loads(JsonFormatter().format(record))
    assert (line["level"], line["event"]) == ("info", "request")
    assert line["request_id"] == response.headers["x-request-id"]
    assert (line["method"], line["path"], line["status"]) == ("POST", "/v1/evaluate", 422)
    assert line["seconds"] >= 0
    assert "secret" not in str(line)
    assert "12345" not in str(line)


async def test_control_characters_of_a_path_are_escaped_in_the_log(client, caplog):
    with caplog.at_level(logging.INFO, logger="gradserve.requests"):
        await client.get("/%1b%5b31m%0a%7f\u202e")

    text = JsonFormatter().format(caplog.records[0])
    assert all(32 <= ord(character) < 127 for character in text)
    assert json.loads(text)["path"] == "/\x1b[31m\n\x7f\u202e"


async def test_a_key_in_a_path_is_not_logged(client, caplog):
    key_id, secret = new_token()
    with caplog.at_level(logging.INFO, logger="gradserve.requests"):
        await client.get(f"/v1/jobs/{written(key_id, secret)}")
        await client.get(f"/{'x' * 150}/{written(key_id, secret)}")

    lines = [JsonFormatter().format(record) for record in caplog.records]
    assert [json.loads(line)["path"] for line in lines] == [
        f"/v1/jobs/gs_{key_id}_…",
        f"/{'x' * 150}/gs_{key_id}_…",
    ]
    assert not any(secret[:8] in line for line in lines)


async def test_answers_tell_browsers_to_load_nothing(client):
    response = await client.get("/healthz")

    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.headers["cache-control"] == "no-store"


async def test_head_is_get_without_a_body(client):
    response = await client.head("/healthz")

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "15"


async def test_an_unforeseen_failure_of_a_route_is_a_problem(caplog):
    routes = build_routes(Settings())

    async def fail():
        raise RuntimeError("/secret/path")

    routes.add_api_route("/fails", fail)

    async with client_of(create_app(Settings(), routes)) as client:
        response = await client.get("/fails")

    problem = response.json()
    assert (response.status_code, problem["code"]) == (500, "internal")
    assert problem["instance"] == response.headers["x-request-id"]
    assert "secret" not in response.text
    assert "/secret/path" in caplog.text


async def test_a_failure_outside_the_routes_is_a_problem(caplog):
    async def fail(scope, receive, send):
        raise RuntimeError("/secret/path")

    async with client_of(Edge(fail)) as client:
        response = await client.get("/")

    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert response.headers["content-type"] == "application/problem+json"
    assert "/secret/path" in caplog.text


@pytest.mark.parametrize("host", ["evil.example", "a/v1/admin?x=", "localhost.evil.example"])
async def test_another_host_is_refused_on_loopback(client, host):
    response = await client.get("/healthz", headers={"Host": host})

    problem = response.json()
    assert (response.status_code, problem["code"]) == (400, "malformed_request")
    assert problem["detail"].startswith(
        f"header Host: found '{host}', expected one of 127.0.0.1"
    )
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "LOCALHOST", "[::1]:80"])
async def test_loopback_hosts_are_served(client, host):
    assert (await client.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "settings",
    [
        Settings(allowed_hosts=("evil.example",)),
        Settings(host="0.0.0.0"),
        Settings(allowed_hosts="*"),
    ],
    ids=["named", "not on loopback", "any"],
)
async def test_other_hosts_are_served_where_the_settings_say_so(settings):
    async with client_of(build_app(settings)) as client:
        response = await client.get("/healthz", headers={"Host": "evil.example"})

    assert response.status_code == 200


async def test_other_origins_are_told_nothing_by_default(client):
    response = await client.get("/healthz", headers={"Origin": "https://a.example"})

    assert "access-control-allow-origin" not in response.headers


async def test_named_origins_may_call_and_read_problems():
    async with client_of(build_app(Settings(cors_origins=("https://a.example",)))) as client:
        asked = await client.options(
            "/v1/jacobian",
            headers={
                "Origin": "https://a.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type",
            },
        )
        answered = await client.post(
            "/v1/jacobian", json={}, headers={"Origin": "https://a.example"}
        )

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == "https://a.example"
    assert answered.status_code == 422
    assert answered.headers["access-control-allow-origin"] == "https://a.example"


async def test_a_refused_origin_is_a_problem():
    async with client_of(build_app(Settings(cors_origins=("https://a.example",)))) as client:
        response = await client.options(
            "/v1/jacobian",
            headers={"Origin": "https://b.example", "Access-Control-Request-Method": "POST"},
        )

    assert response.status_code == 400
    assert response.json()["detail"] == "disallowed cors origin"
