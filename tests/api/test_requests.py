"""What a request must look like: one problem for each way it does not, by its text."""

import pytest

pytestmark = pytest.mark.anyio
JSON = {"Content-Type": "application/json"}
BODY = {"expression": "x", "variables": {"x": [1, 2]}}


async def refused(response, status, code):
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"/problems/{code}"
    assert problem["instance"] == response.headers["x-request-id"]
    return problem


@pytest.mark.parametrize(
    ("body", "pointer", "text"),
    [
        ([], "", "found an array, expected an object"),
        ("x", "", "found a string, expected an object"),
        ({"variables": {}}, "", "found no field 'expression', but it is required"),
        (
            BODY | {"expression": True},
            "/expression",
            "found true, expected a string, or a tree",
        ),
        (BODY | {"expresion": "x"}, "/expresion", "unknown field 'expresion', expected exp"),
        (BODY | {"variables": []}, "/variables", "found an array, expected an object: name"),
        (BODY | {"variables": {"x": [1, "2"]}}, "/variables/x/1", "found a string"),
        (BODY | {"variables": {"": 1}}, "/variables/", "found the name ''"),
        (
            BODY | {"variables": {"x\0": 1}},
            "/variables/x\0",
            "expected a Latin or Greek letter",
        ),
        (BODY | {"variables": {"a/b~": 1}}, "/variables/a~1b~0", "found the name 'a/b~'"),
        (BODY | {"variables": {"x" * 65: 1}}, "/variables/" + "x" * 64, "then up to 63"),
        (BODY | {"variables": {"é": 1}}, "/variables/é", "a Latin or Greek letter or _"),
        (
            BODY | {"variables": {f"x{i}": 1 for i in range(101)}},
            "/variables",
            "found 101 variables, but the limit max_variables is 100",
        ),
        (BODY | {"wrt": "x"}, "/wrt", "found a string, expected an array of names"),
        (BODY | {"wrt": []}, "/wrt", "found no names, expected at least one"),
        (BODY | {"wrt": ["x", 1]}, "/wrt/1", "found the number 1, expected a name"),
        (BODY | {"wrt": ["x", "x"]}, "/wrt/1", "found 'x' twice, expected each name once"),
        (BODY | {"wrt": ["x y"]}, "/wrt/0", "found the name 'x y'"),
        (BODY | {"wrt": ["x"] * 10_000}, "/wrt", "found 10000 names, but the limit"),
        (
            BODY | {"representation": "desne"},
            "/representation",
            "found 'desne', expected 'auto', 'dense' or 'factored'",
        ),
        (
            BODY | {"representation": 1},
            "/representation",
            "found the number 1, expected 'auto'",
        ),
        (BODY | {"order": 2}, "/order", "unknown field 'order'"),
    ],
    ids=str,
)
async def test_a_body_that_does_not_fit_is_refused_at_its_place(client, body, pointer, text):
    response = await client.post("/v1/jacobian", json=body)

    problem = await refused(response, 422, "validation")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert text in problem["errors"][0]["message"]


async def test_the_nearest_field_and_choice_are_offered(client):
    body = {"expresion": "x", "variables": {}, "representation": "desne"}

    problem = (await client.post("/v1/jacobian", json=body)).json()

    hints = {error["pointer"]: error["hint"] for error in problem["errors"]}
    assert hints["/expresion"] == "did you mean 'expression'?"
    assert hints["/representation"] == "did you mean 'dense'?"


async def test_every_variable_that_is_wrong_is_named_once(client):
    body = {"expression": "x", "variables": {"x": ["1"] * 1000, "y": [[1], [2, 3]], "z": 1}}

    problem = await refused(await client.post("/v1/jacobian", json=body), 422, "validation")

    assert [e["pointer"] for e in problem["errors"]] == ["/variables/x/0", "/variables/y/1"]
    assert problem["detail"].endswith("(and 1 more)")


async def test_at_most_twenty_errors_are_listed(client):
    body = {"expression": "x", "variables": {f"x{i}": "a" for i in range(100)}}

    problem = await refused(await client.post("/v1/jacobian", json=body), 422, "validation")

    assert len(problem["errors"]) == 20
    assert problem["detail"].endswith("(and at least 19 more)")


async def test_too_many_axes_are_over_a_limit(client):
    body = {"expression": "x", "variables": {"x": [[[[[[[[[1]]]]]]]]]}}

    problem = await refused(await client.post("/v1/jacobian", json=body), 422, "over_limit")

    assert problem["errors"][0]["pointer"] == "/variables/x"
    assert "max_dimensions" in problem["detail"]


@pytest.mark.parametrize(
    ("raw", "code", "text"),
    [
        (b"", "malformed_json", "the body is empty"),
        (b'{"a":NaN}', "malformed_json", "NaN is not JSON"),
        (b'{"a":"\\ud800"}', "malformed_json", "surrogate"),
        (b'{"a":1,"a":2}', "duplicate_key", "'a' for the second time"),
    ],
)
async def test_a_body_that_is_not_strict_json_is_malformed(client, raw, code, text):
    response = await client.post("/v1/jacobian", content=raw, headers=JSON)

    problem = await refused(response, 400, code)
    assert text in problem["detail"]


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "header Content-Type: found none, expected application/json"),
        ({"Content-Type": "text/plain"}, "found 'text/plain'"),
        ({"Content-Type": "application/json; charset=utf-16"}, "expected application/json"),
        ({"Content-Type": "application/jsonp"}, "found 'application/jsonp'"),
        ({"Content-Type": 'a; !="' + "\\" * 5000}, "found 'a; !="),
        (JSON | {"Content-Encoding": "gzip"}, "header Content-Encoding: found 'gzip'"),
    ],
    ids=str,
)
async def test_other_media_types_are_refused(client, headers, text):
    response = await client.post("/v1/jacobian", content=b"{}", headers=headers)

    problem = await refused(response, 415, "unsupported_media_type")
    assert text in problem["detail"]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
)
async def test_utf_8_may_be_said(client, content_type):
    response = await client.post(
        "/v1/evaluate",
        content=b'{"expression":"1","variables":{}}',
        headers={"Content-Type": content_type},
    )

    assert response.status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*"])
async def test_an_answer_nobody_accepts_is_not_given(client, accept):
    response = await client.post("/v1/jacobian", json=BODY, headers={"Accept": accept})

    problem = await refused(response, 406, "not_acceptable")
    assert "header Accept: found" in problem["detail"]


@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "text/html, application/json;q=0.1", "application/json"]
)
async def test_json_is_given_to_who_accepts_it(client, accept):
    response = await client.post("/v1/jacobian", json=BODY, headers={"Accept": accept})

    assert response.status_code == 200


async def test_unknown_query_parameters_are_refused(client):
    response = await client.post("/v1/jacobian?wrt=x", json=BODY)

    problem = await refused(response, 422, "validation")
    assert problem["detail"] == "query: found the unknown parameter 'wrt', expected none"


async def test_an_unknown_path_offers_the_nearest(client):
    problem = await refused(await client.get("/v1/jacobain"), 404, "not_found")

    assert problem["detail"] == "found no route '/v1/jacobain'"
    assert problem["errors"][0]["hint"] == "did you mean '/v1/jacobian'?"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/jacobian", "POST"),
        ("DELETE", "/v1/jacobian", "POST"),
        ("OPTIONS", "/v1/jacobian", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("TRACE", "/problems/validation", "GET, HEAD"),
    ],
)
async def test_other_methods_are_told_the_allowed_ones(client, method, path, allow):
    response = await client.request(method, path)

    problem = await refused(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allow
    assert problem["detail"].endswith(f"expected {allow}")


async def test_a_method_override_is_ignored(client):
    headers = {"X-HTTP-Method-Override": "DELETE"}

    assert (await client.post("/v1/jacobian", json=BODY, headers=headers)).status_code == 200


async def test_a_trailing_slash_is_another_path(client):
    await refused(await client.post("/v1/jacobian/", json=BODY), 404, "not_found")
