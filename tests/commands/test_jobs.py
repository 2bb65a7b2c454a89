"""`gradserve jobs` as a process, against a service that runs."""

import json
import signal
import time

import httpx
import pytest
from safetensors.numpy import load_file

from service.api.schemas.jobs import TRAIN
from tests.commands.serving import serving, start
from tests.slowness import slowness

LONG = TRAIN | {"epochs": 1_000_000, "name": "long\x1b[31m"}


@pytest.fixture(scope="module")
def served():
    with serving(workers=1) as found:
        end = time.monotonic() + 20 * slowness()
        while httpx.get(f"{found.address}/readyz").status_code != 200:
            assert time.monotonic() < end
            time.sleep(0.1)
        yield found


@pytest.fixture
def jobs(served):
    def run(*arguments, text=None):
        process = start("jobs", *arguments, url=served.address)
        output, errors = process.communicate(text, timeout=30)
        return process.returncode, output, errors

    return run


@pytest.fixture
def file(tmp_path):
    def write(document):
        path = tmp_path / "job.json"
        path.write_text(json.dumps(document))
        return str(path)

    return write


def test_a_job_is_submitted_waited_for_and_its_result_read(jobs, file, tmp_path):
    code, output, errors = jobs("submit", file(TRAIN), "--wait")
    job_id = output.split()[0]
    out = tmp_path / "weights.safetensors"

    assert (code, errors.startswith("gradserve:")) == (0, False), errors
    assert f"{job_id} succeeded, loss" in output
    found = json.loads(jobs("result", job_id)[1])
    assert jobs("result", job_id, "--out", str(out))[0] == 0
    weights = load_file(out)["/parameters/weights"].tolist()
    assert weights == found["parameters"]["weights"]["data"]
    assert jobs("watch", job_id, "--quiet")[:2] == (0, "")


def test_a_job_that_fails_gives_exit_code_1_and_says_why(jobs, file):
    optimizer = {"kind": "sgd", "learning_rate": 1e6}

    code, output, errors = jobs("submit", file(TRAIN | {"optimizer": optimizer}), "--wait")

    assert code == 1
    assert "failed" in output
    assert "epoch" in errors


def test_ctrl_c_leaves_the_job_running_and_cancel_ends_it(served, jobs, file):
    process = start("jobs", "submit", file(LONG), "--wait", url=served.address)
    job_id = process.stdout.readline().split()[0]
    end = time.monotonic() + 20 * slowness()
    while f"{job_id}  train  running" not in jobs("list", "--limit", "1")[1]:
        assert time.monotonic() < end
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20 * slowness())

    assert process.returncode == 130
    assert f"gradserve jobs watch {job_id}" in errors
    shown = jobs("show", job_id)[1]
    assert "running" in shown
    assert "\x1b" not in shown
    assert jobs("cancel", job_id)[0] == 0
    assert jobs("watch", job_id)[0] == 1
    code, _, errors = jobs("cancel", job_id)
    assert (code, "409 already_finished" in errors) == (2, True)


def test_a_job_is_deleted_unless_it_runs(jobs, file):
    job_id = jobs("submit", file(TRAIN), "--wait", "--quiet")[1].strip()

    assert jobs("delete", job_id)[:2] == (0, f"{job_id} is deleted\n")
    code, _, errors = jobs("delete", job_id)
    assert (code, errors) == (2, "gradserve: found no such job (404 not_found)\n")


def test_a_problem_is_told_with_its_place(jobs, file):
    code, output, errors = jobs("submit", file(TRAIN | {"epochs": 0}))

    assert (code, output) == (2, "")
    assert errors == (
        "gradserve: /epochs: found the number 0, expected >= 1 (422 validation)\n"
    )


def test_standard_input_and_a_key_make_one_job(jobs):
    text = json.dumps(TRAIN)

    ids = {jobs("submit", "-", "--quiet", "--idempotency-key", "k", text=text)[1] for _ in "ab"}

    assert len(ids) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "job_x"), "found no such job (404 not_found)"),
        (("show", "../info"), "found '../info', expected the id of a job: job_…"),
        (("submit", "/nowhere/file"), "no such file or directory"),
        (("list", "--status", "done"), "expected 'queued', 'running'"),
    ],
)
def test_what_is_wrong_is_one_line(jobs, arguments, words):
    code, _, errors = jobs(*arguments)

    assert code == 2
    assert errors.startswith("gradserve: ")
    assert words in errors
    assert errors.count("\n") == 1


def test_no_service_is_told_with_what_starts_one():
    found = start("jobs", "list", url="http://127.0.0.1:9")
    _, errors = found.communicate(timeout=20)

    assert found.returncode == 2
    assert "gradserve serve starts one" in errors
