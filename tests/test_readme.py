"""The README: its requests answer as printed, its tables name what there is."""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import httpx
import pytest

from service.calculus.rules.table import FUNCTIONS
from service.settings import Limits, Settings
from tests.live import running_server

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
# Those of the job follow from each other, and are a test of their own.
EXAMPLES = [
    (command, answer)
    for command, answer in re.findall(
        r"```sh\n(curl .*?)```\n\n```json\n(.*?)```", README, re.DOTALL
    )
    if "$job" not in command
]
COMMANDS = re.findall(
    r"```sh\n(\.venv/bin/gradserve [^`]*?)```\n\n```text\n(.*?)```", README, re.DOTALL
)
TRAINING = re.findall(r"```sh\n(printf [^`]*?)```\n\n```text\n(.*?)```", README, re.DOTALL)


def test_the_readme_has_examples_with_answers():
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize(("command", "answer"), EXAMPLES)
def test_a_request_of_the_readme_is_answered_as_printed(live_server, command, answer):
    words = shlex.split(command)
    url = next(w for w in words if w.startswith("http")).replace(
        "http://127.0.0.1:8000", live_server.url
    )
    headers = dict(words[k + 1].split(": ", 1) for k, word in enumerate(words) if word == "-H")
    expected = json.loads(answer)

    found = httpx.post(url, headers=headers, content=words[words.index("-d") + 1]).json()

    if "cost" in expected:
        assert found["cost"].pop("seconds") < 1
        expected["cost"].pop("seconds")
    assert found == expected


@pytest.mark.parametrize(("command", "printed"), COMMANDS)
def test_a_command_of_the_readme_prints_what_it_says(command, printed):
    words = shlex.split(command)[1:]

    done = subprocess.run(
        [sys.executable, "-m", "service", *words], capture_output=True, text=True, check=True
    )

    assert done.stdout == printed


@pytest.mark.parametrize(("script", "printed"), TRAINING)
def test_a_training_of_the_readme_prints_what_it_says(tmp_path, script, printed):
    command = shlex.join([sys.executable, "-m", "service"])
    changing = re.compile(r"(?<=^seconds).*", re.MULTILINE)

    done = subprocess.run(
        ["sh", "-ec", script.replace(".venv/bin/gradserve", command)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )

    assert changing.sub("", done.stdout) == changing.sub("", printed)


def test_the_job_of_the_readme_is_trained_and_predicts_as_printed(tmp_path):
    section = README.split("## Train as a job")[1].split("\n## ")[0]
    submit, result, predict = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    printed = [
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    ]
    command = shlex.join([sys.executable, "-m", "service"])
    script = "\necho +++\n".join([submit, result, predict])
    with running_server(tmp_path / "server.log", workers=1) as server:
        script = script.replace("http://127.0.0.1:8000", server.url)
        script = re.sub(r"(?<![\w/])\.venv/bin/python", sys.executable, script)
        script = re.sub(r"(?<![\w/])\.venv/bin/gradserve", command, script)
        done = subprocess.run(
            ["sh", "-ec", script],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "GRADSERVE_URL": server.url},
        )

    events, *answers = done.stdout.split("+++")
    assert events.rstrip().endswith('data: {"status":"succeeded","attempt":1}')
    assert "event: progress" in events
    for answer, expected in zip(map(json.loads, answers), printed, strict=True):
        assert rounded(answer) == rounded(expected)


def rounded(value):
    """The same with numbers of nine digits: the last ones are the machine's."""
    if isinstance(value, dict):
        return {name: rounded(v) for name, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def test_the_readme_names_every_function():
    section = README.split("## The language")[1].split("\n## ")[0]

    missing = [name for name in FUNCTIONS if not re.search(rf"\b{name}\b", section)]

    assert missing == []


def test_the_readme_names_every_setting_with_its_default():
    section = README.split("## Settings")[1].split("\n## ")[0]
    names = [name for name in Settings.model_fields if name != "limits"]

    rows = {n: re.search(rf"^\| `GRADSERVE_{n.upper()}` \|.*\|$", section, re.M) for n in names}

    assert [name for name, row in rows.items() if row is None] == []
    assert [
        f.name for f in fields(Limits) if f"`GRADSERVE_{f.name.upper()}`" not in section
    ] == []
