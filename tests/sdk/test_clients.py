"""The Python and TypeScript clients, built as the README says, used on a live service."""

import json
import re
import shutil

import numpy as np
import pytest

from tests.live import running_server
from tests.sdk import training
from tests.sdk.cases import CASES, densify
from tests.sdk.clients import PythonClient, TypeScriptClient
from tests.sdk.document import OPERATION_IDS
from tests.sdk.toolchain import ROOT, readme_block

BRANCH_OF_IDENTITY = r".*\(jacobian, IdentityTensor\):\n.*\n|.*case \"identity\":\n.*scale.*\n"


@pytest.fixture(
    scope="module",
    params=[PythonClient, TypeScriptClient],
    ids=lambda client: client.section,
)
def client(request, tmp_path_factory):
    built = request.param(tmp_path_factory.mktemp("sdk"))
    for program in ("program", "jobs_program"):
        shutil.copy(ROOT / "tests" / "sdk" / f"{program}{built.suffix}", built.home)
    return built


@pytest.fixture(scope="module")
def answers(client, live_server):
    checked = client.check("program")
    assert checked.returncode == 0, checked.stdout

    done = client.run("program", live_server.url, json.dumps([case.request for case in CASES]))

    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_every_operation_has_a_function(client):
    assert client.operations() == OPERATION_IDS


@pytest.mark.parametrize("k", range(len(CASES)), ids=[case.name for case in CASES])
def test_a_jacobian_is_read_by_its_structure(answers, k):
    read = answers["jacobians"][k]

    assert read["structure"] == CASES[k].structure
    assert np.array_equal(densify(read), CASES[k].jacobian)


def test_a_program_that_forgets_a_structure_does_not_type_check(client):
    program = (client.home / f"program{client.suffix}").read_text(encoding="utf-8")
    forgetful, count = re.subn(BRANCH_OF_IDENTITY, "", program)
    (client.home / f"forgetful{client.suffix}").write_text(forgetful, encoding="utf-8")

    checked = client.check("forgetful")

    errors = [line for line in checked.stdout.splitlines() if ": error" in line]
    assert count == 1
    assert len(errors) == 1, checked.stdout
    assert re.search(r"IdentityTensor\b.*\b[Nn]ever\b", errors[0])


def test_a_gradient_is_read(answers):
    assert answers["gradient"] == {
        "value": [4.75],
        "gradients": {"w": [0.5, -1.0, 2.0], "b": [1.0]},
    }


def test_hessians_and_products_are_read_and_sent_back_as_inputs(answers):
    hessian = np.array([[4, 1], [1, 6]])
    jvp = hessian @ [1, -1]

    assert answers["products"] == {
        "hessian": hessian.reshape(-1).tolist(),
        "jvp": jvp.tolist(),
        "vjp": (jvp @ hessian).tolist(),
        "hvp": (hessian @ (jvp @ hessian)).tolist(),
    }


def test_an_analysis_is_read_and_its_tree_sent_back(answers):
    assert answers["analysis"] == {
        "text": "sum((A @ x)**2)",
        "operation": "sum",
        "shapes": {"A": ["m", "n+1"], "x": ["n+1"]},
        "assumed": ["x"],
        "has_cost": False,
        "value": [2.0],
    }


def test_a_closed_form_is_read_and_a_wrong_one_judged(answers):
    assert answers["formulas"] == {
        "text": "x",
        "notation": "xᵀ",
        "rules": ["element-wise binary operator rule", "vector sum reduction"],
        "verdict": "wrong",
        "mistake": "forgotten_transpose",
        "structure": "dense",
    }


def test_steps_are_taken_one_from_the_other(answers):
    steps = answers["steps"]

    # After the first, the weights (0.5, -1.3) and the bias 0.5 make one sample active: 0.7.
    assert steps["losses"][0] == 0.5
    np.testing.assert_allclose(steps["losses"][1], (1 + 1.3**2) / 3, rtol=1e-14)
    assert steps["rule"] == "v = μ * v_0 + g; w - η * v"
    assert steps["loss_factor"] == "1/N"
    assert steps["layers"] == [[1, 2]]


def test_a_table_is_uploaded_trained_on_and_predicted_from(client, tmp_path):
    table = tmp_path / "rows.csv"
    training.write_table(table)
    checked = client.check("jobs_program")
    assert checked.returncode == 0, checked.stdout
    with running_server(tmp_path / "server.log", workers=1) as server:
        done = client.run("jobs_program", server.url, str(table))

    assert (done.returncode, done.stderr) == (0, "")
    training.check(json.loads(done.stdout))


def test_a_problem_is_read_by_its_type(answers):
    assert answers["problem"] == {
        "http_status": 422,
        "status": 422,
        "code": "syntax_error",
        "pointer": "/expression",
        "start": 3,
        "end": 4,
    }


def test_the_example_of_the_readme_prints_what_it_says(client, live_server):
    example = readme_block(client.section, client.block)
    (printed,) = re.findall(r"(?:#|//) (\[.*\])\n", example)
    here = example.replace("http://127.0.0.1:8000", live_server.url)
    (client.home / f"example{client.suffix}").write_text(here, encoding="utf-8")

    checked = client.check("example")
    done = client.run("example")

    assert checked.returncode == 0, checked.stdout
    assert done.stderr == ""
    assert json.loads(done.stdout) == json.loads(printed)
