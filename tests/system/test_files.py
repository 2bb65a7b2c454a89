"""docker-compose.yml, the Dockerfile and nginx.conf, as far as they can be read without Docker.

No Docker engine runs the tests: what the two lint programs, the references between the files
and the commands of `gradserve` do not tell about the images, nothing here does.
"""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from service import __version__
from service.__main__ import commands
from service.settings import PREFIX, Limits, Settings
from tests.system.compose import (
    COMPOSE,
    CONDITIONS,
    DOCKERFILE,
    ROOT,
    MissingVariableError,
    built_image,
    document,
    interpolated,
    services,
)
from tests.system.here import installed_nginx

TOOLS = Path(sys.executable).parent
SECRETS = {"POSTGRES_PASSWORD": "p@ss w:rd/%"}
FILE = document(SECRETS)
SERVICES = services(SECRETS)
GRADSERVE = {name: each for name, each in SERVICES.items() if each.words[0] == "gradserve"}
NGINX_CONF = ROOT / "service" / "nginx.conf"


def lint(*words):
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def networks_of(name):
    return set(FILE["services"][name].get("networks", []))


def test_the_compose_file_is_what_compose_reads():
    lint(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)


def test_the_dockerfile_has_no_known_mistakes():
    lint(TOOLS / "hadolint", DOCKERFILE)


def test_the_configuration_of_the_proxy_is_what_nginx_reads(tmp_path):
    conf = tmp_path / "nginx.conf"
    text = re.sub(r"(?<!\S)/tmp/", f"{tmp_path}/", NGINX_CONF.read_text())
    conf.write_text(re.sub(r"api-\d:8000", "127.0.0.1:8000", text))

    lint(installed_nginx(), "-t", "-q", "-e", "stderr", "-c", conf)


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_refers_to_is_there(name):
    each = FILE["services"][name]
    volumes = {text.partition(":")[0] for text in each.get("volumes", [])}
    configs = {config["source"] for config in each.get("configs", [])}

    assert set(each.get("depends_on", {})) <= set(SERVICES) - {name}
    assert set(SERVICES[name].depends_on.values()) <= set(CONDITIONS)
    assert volumes <= set(FILE.get("volumes", {}))
    assert networks_of(name) <= set(FILE["networks"])
    assert configs <= set(FILE["configs"])
    assert set(each.get("secrets", [])) <= set(FILE.get("secrets", {}))


@pytest.mark.parametrize("name", SERVICES)
def test_a_condition_is_one_that_the_other_service_can_meet(name):
    for other, condition in SERVICES[name].depends_on.items():
        if condition == "service_healthy":
            assert SERVICES[other].health
        if condition == "service_completed_successfully":
            assert not SERVICES[other].is_kept


def test_what_is_declared_is_used_and_lies_in_the_repository():
    used = yaml.safe_load(COMPOSE.read_text())["services"].values()

    for kind in ("volumes", "configs", "networks"):
        named = {
            name["source"] if isinstance(name, dict) else name.partition(":")[0]
            for each in used
            for name in each.get(kind, [])
        }
        assert set(FILE[kind]) == named
    assert all((ROOT / config["file"]).is_file() for config in FILE["configs"].values())
    assert FILE["x-gradserve"]["build"]["dockerfile"] == str(DOCKERFILE.relative_to(ROOT))


@pytest.mark.parametrize("name", SERVICES)
def test_services_that_meet_share_a_network(name):
    apart = [
        other
        for other, condition in SERVICES[name].depends_on.items()
        if condition == "service_healthy" and not networks_of(name) & networks_of(other)
    ]

    assert apart == []


def test_images_have_one_version():
    from_dockerfile = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)

    for image in [*(each.image for each in SERVICES.values()), *from_dockerfile]:
        assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?", image)
    assert len(set(from_dockerfile)) == 1
    assert {each.image for each in GRADSERVE.values()} == {f"gradserve:{__version__}"}


@pytest.mark.parametrize("name", GRADSERVE)
def test_the_variables_of_a_service_are_settings(name, monkeypatch):
    known = {*Settings.model_fields, *(field.name for field in fields(Limits))} - {"limits"}
    ours = {k: v for k, v in GRADSERVE[name].environment.items() if k.startswith(PREFIX)}

    assert {key.removeprefix(PREFIX).lower() for key in ours} <= known
    for key, value in ours.items():
        monkeypatch.setenv(key, value)
    Settings()


@pytest.mark.parametrize("name", GRADSERVE)
def test_the_command_of_a_service_is_one_of_gradserve(name):
    _, command, *words = GRADSERVE[name].words

    found = commands.get_command(None, command)

    assert found is not None
    found.make_context(command, list(words))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_stays_is_kept_within_bounds_and_has_time_to_end(name):
    each, service = FILE["services"][name], SERVICES[name]

    assert "mem_limit" in each
    if service.is_kept:
        assert service.stop_seconds > Settings().shutdown_seconds
        assert service.health or name.startswith("worker")
    if service.image.startswith("gradserve"):
        assert (each["read_only"], each["cap_drop"]) == (True, ["ALL"])


def test_the_image_is_run_by_nobody_of_importance():
    user = re.findall(r"^USER (\S+)", DOCKERFILE.read_text(), re.MULTILINE)

    assert user == ["10001:10001"]
    assert built_image().entrypoint == ("gradserve",)
    assert built_image().health.command[0] == "python"


def test_there_is_no_password_that_everybody_knows():
    with pytest.raises(MissingVariableError, match="POSTGRES_PASSWORD: set it"):
        services({"POSTGRES_PASSWORD": ""})

    for each in FILE["services"].values():
        for name, value in each.get("environment", {}).items():
            if "PASS" in name:
                assert value == SECRETS["POSTGRES_PASSWORD"]


def test_the_port_is_for_this_machine_unless_told_otherwise():
    assert FILE["services"]["proxy"]["ports"] == ["127.0.0.1:8000:8080"]


def test_the_proxy_knows_every_api_process_and_takes_the_largest_dataset():
    text = NGINX_CONF.read_text()
    port = FILE["services"]["proxy"]["ports"][0].rpartition(":")[2]
    most = int(re.search(r"client_max_body_size (\d+)g;", text)[1]) * 2**30
    pause = int(re.search(r"^\s*keepalive_timeout (\d+)s;  #", text, re.MULTILINE)[1])

    apis = {name for name, each in GRADSERVE.items() if each.words[1] == "serve"}
    assert set(re.findall(r"server (\S+):8000 ", text)) == apis == {"api-1", "api-2"}
    assert f":{port} " in re.search(r"listen .*", text)[0]
    assert most > Settings().max_dataset_bytes
    assert pause < Settings().keep_alive_seconds
    for buffering in ("proxy_buffering", "proxy_request_buffering"):
        assert re.findall(rf"{buffering} (\w+);", text) == ["off"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A-${A}", "a-a"),
        ("${NO:-b}${NO-c}${EMPTY:-d}${EMPTY-e}", "bcd"),
        ("$${A} ${A:?told}", "${A} a"),
        ("${NO}${EMPTY?told}", ""),
    ],
)
def test_variables_are_put_in_as_compose_does(text, value):
    assert interpolated([{"k": text}, 1], {"A": "a", "EMPTY": ""}) == [{"k": value}, 1]


def test_the_page_of_the_deployment_names_what_there_is():
    page = (ROOT / "service" / "guide" / "deployment.md").read_text()
    metrics = (ROOT / "service" / "api" / "metrics.py").read_text()
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {
        f"{PREFIX}{field.name.upper()}" for field in fields(Limits)
    }

    named = {
        re.sub("_total$", "", name) for name in re.findall(r"`(gradserve_[a-z_]+)[`{]", page)
    }
    assert {name for name in named if f'"{name}"' not in metrics} == {"gradserve_front"}
    assert set(re.findall(r'"(gradserve_[a-z_]+)"', metrics)) <= named
    assert set(re.findall(r"GRADSERVE_[A-Z_]+", page)) <= known
    for variable in re.findall(r"\$\{(\w+)", COMPOSE.read_text()):
        assert f"`{variable}`" in page
    for name in SERVICES:
        assert f"`{name}`" in page
