"""The commands that need no server: the API's answers and its contract."""

import json
import sys
from pathlib import Path

import httpx
import pytest

from service import __version__
from service.__main__ import main
from service.settings import Settings
from service.wiring import build_app

CONTRACT = Path(__file__).resolve().parents[2] / "openapi" / "openapi.json"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture
def gradserve(monkeypatch, capfdbinary):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["gradserve", *arguments])
        with pytest.raises(SystemExit, match=r"^[02]$") as ended:
            main()
        output, errors = capfdbinary.readouterr()
        return ended.value.code, output.decode(), errors.decode()

    return run


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("operation", "expression", "variables", "options"),
    [
        ("evaluate", "A @ x", {"A": [[1, 2], [3, 4]], "x": [1, 1]}, {}),
        ("gradient", "sum(x**2)", {"x": [1, 2]}, {"wrt": ["x"]}),
        ("jacobian", "x * y", {"x": [1, 2], "y": [3, 4]}, {"wrt": ["y", "x"]}),
        ("jacobian", "x**2", {"x": [1, 2]}, {"representation": "dense"}),
        ("hessian", "sum(x**2)", {"x": [1, 2]}, {"representation": "factored"}),
    ],
)
async def test_a_command_prints_what_the_api_answers(
    gradserve, operation, expression, variables, options
):
    flags = [f"--let={name}={json.dumps(value)}" for name, value in variables.items()]
    flags += [f"--wrt={name}" for name in options.get("wrt", [])]
    flags += [f"--{k}={v}" for k, v in options.items() if k == "representation"]
    transport = httpx.ASGITransport(build_app(Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        response = await client.post(
            f"/v1/{operation}",
            json={"expression": expression, "variables": variables} | options,
        )

    code, output, errors = gradserve(operation, expression, *flags)

    printed, answered = json.loads(output), response.json()
    printed["cost"].pop("seconds")
    answered["cost"].pop("seconds")
    assert (code, errors) == (0, "")
    assert list(printed) == list(answered)
    assert printed == answered


def test_a_variable_is_read_from_a_file(gradserve, tmp_path):
    file = tmp_path / "x.json"
    file.write_text('{"shape": [2], "data": [1, 2]}')

    _, output, _ = gradserve("evaluate", "x", f"--let=x=@{file}")

    assert json.loads(output)["value"]["data"] == [1, 2]


def test_an_expression_may_begin_with_a_minus(gradserve):
    _, output, _ = gradserve("evaluate", "-x", "--let", "x=2")

    assert json.loads(output)["value"]["data"] == [-2]


@pytest.mark.parametrize(
    ("arguments", "errors"),
    [
        (
            ["jacobian", "x + softmx(x)", "--let=x=[1,2]"],
            "gradserve: unknown function 'softmx' at 4–10; did you mean 'softmax'?\n"
            "line 1, column 5\nx + softmx(x)\n    ^^^^^^\n",
        ),
        (
            ["evaluate", "x", "--let=x=[1,[2]]"],
            "gradserve: /variables/x/1: found an array, expected a number\n",
        ),
        (
            ["gradient", "x", "--let=x=1", "--wrt=x", "--wrt=x"],
            "gradserve: /wrt/1: found 'x' twice, expected each name once\n",
        ),
        (["evaluate", "x", "--let=x"], "gradserve: --let: found 'x', expected NAME=VALUE\n"),
        (
            ["evaluate", "x", "--let=x=1", "--let=x=2"],
            "gradserve: --let: found 'x' twice, expected each name once\n",
        ),
        (
            ["evaluate", "x", "--let=x=@/nowhere.json"],
            "gradserve: --let x: file '/nowhere.json': no such file or directory\n",
        ),
        (
            ["derive", "x", "--shape=x=3", "--shape=x=4"],
            "gradserve: --shape: found 'x' twice, expected each name once\n",
        ),
        (["derive", "3"], "gradserve: '3' has no variable to differentiate by\n"),
        (["evaluate"], "gradserve: Missing argument 'EXPRESSION'.\n"),
        (["nothing"], "gradserve: No such command 'nothing'.\n"),
        (
            ["openapi", "--output=/nowhere/x.json"],
            "gradserve: file '/nowhere/x.json': no such file or directory\n",
        ),
    ],
    ids=str,
)
def test_a_problem_is_a_clear_text_and_code_two(gradserve, arguments, errors):
    assert gradserve(*arguments) == (2, "", errors)


def test_a_value_that_is_not_json_is_refused_with_its_place(gradserve):
    code, _, errors = gradserve("evaluate", "x", "--let=x=[1,nan]")

    assert code == 2
    assert errors.startswith("gradserve: --let x: offset 3, line 1, column 4: found nan")


def test_several_problems_are_told_together(gradserve):
    _, _, errors = gradserve("evaluate", "x", "--let=x=[true]", "--let=y=[]")

    assert errors.count("/variables/") == 2


def test_the_contract_is_printed_and_written_as_committed(gradserve, tmp_path):
    file = tmp_path / "openapi.json"

    _, output, _ = gradserve("openapi")
    gradserve("openapi", "--output", str(file))

    assert output == file.read_text(encoding="utf-8") == CONTRACT.read_text(encoding="utf-8")


def test_the_version_is_told(gradserve):
    assert gradserve("--version") == (0, f"gradserve, version {__version__}\n", "")


def test_without_a_command_the_help_is_shown(gradserve):
    code, output, _ = gradserve()

    assert code == 0
    for name in ("serve", "evaluate", "gradient", "jacobian", "openapi"):
        assert f"  {name} " in output


def test_a_bad_setting_names_its_variable(gradserve, monkeypatch):
    monkeypatch.setenv("GRADSERVE_MAX_FLOPS", "many")

    code, _, errors = gradserve("evaluate", "1")

    assert code == 2
    assert errors.startswith("gradserve: GRADSERVE_MAX_FLOPS: found 'many', but")
