"""docker-compose.yml and service/Dockerfile, read for those who start what they say."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE, DOCKERFILE = ROOT / "docker-compose.yml", ROOT / "service" / "Dockerfile"
_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_]\w*)"
    r"|\{(?P<name>[A-Za-z_]\w*)(?:(?P<rule>:?[-?])(?P<word>[^}]*))?\})"
)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")


class MissingVariableError(Exception):
    """A variable that has to be set is not."""


def interpolated(value, variables):
    """The value with the variables in its texts, by the rules of Compose."""
    if isinstance(value, dict):
        return {name: interpolated(item, variables) for name, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, variables) for item in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _value_of(found, variables), value)
    return value


def _value_of(found, variables):
    if found["escaped"]:
        return "$"
    name, rule = found["plain"] or found["name"], found["rule"] or ""
    value = variables.get(name)
    if value is None or (value == "" and rule.startswith(":")):
        if rule.endswith("?"):
            raise MissingVariableError(f"{name}: {found['word']}")
        return found["word"] if rule.endswith("-") else value or ""
    return value


def seconds_of(text):
    """A duration such as `1m30s`."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    assert parts, text
    return sum(float(count) * _SECONDS[unit] for count, unit in parts)


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A command that says whether a service is well, and when it is asked."""

    command: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0
    start_interval: float = 5.0


@dataclass(frozen=True, slots=True)
class Image:
    """What an image runs, as far as its Dockerfile tells."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    health: HealthCheck | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the file: all that starting it depends on."""

    name: str
    image: str
    is_optional: bool
    entrypoint: tuple[str, ...]
    words: tuple[str, ...]
    environment: dict[str, str]
    depends_on: dict[str, str]
    mounts: dict[str, str]
    health: HealthCheck | None
    is_kept: bool
    stop_signal: str
    stop_seconds: float


def document(variables):
    """The file with these variables."""
    return interpolated(yaml.safe_load(COMPOSE.read_text()), variables)


def services(variables):
    """The services of the file by name."""
    found = document(variables)
    return {name: _service(name, each, found) for name, each in found["services"].items()}


def _service(name, each, found):
    image = built_image() if "build" in each else Image()
    entrypoint = tuple(each.get("entrypoint") or image.entrypoint)
    environment = image.environment | each.get("environment", {})
    assert each.get("restart", "no") in ("no", "unless-stopped")
    return Service(
        name=name,
        image=each["image"],
        is_optional="profiles" in each,
        entrypoint=entrypoint,
        words=(*entrypoint, *(each.get("command") or image.command)),
        environment={key: str(value) for key, value in environment.items()},
        depends_on={k: v["condition"] for k, v in each.get("depends_on", {}).items()},
        mounts=_mounts(each, found),
        health=_health(each.get("healthcheck"), image.health),
        is_kept=each.get("restart") == "unless-stopped",
        stop_signal=each.get("stop_signal", "SIGTERM"),
        stop_seconds=seconds_of(each.get("stop_grace_period", "10s")),
    )


def _mounts(each, found):
    """What lies at each path: a volume by its name, a file, or "" for a folder of its own."""
    mounts = dict.fromkeys(each.get("tmpfs", []), "")
    for volume in each.get("volumes", []):
        source, target, *_ = volume.split(":")
        mounts[target] = source
    for config in each.get("configs", []):
        mounts[config["target"]] = str(ROOT / found["configs"][config["source"]]["file"])
    return mounts


def _health(given, of_image):
    if given is None:
        return of_image
    if given.get("disable"):
        return None
    kind, *words = given["test"]
    assert kind == "CMD", given
    spans = {k: seconds_of(v) for k, v in given.items() if k not in ("test", "retries")}
    return HealthCheck(tuple(words), retries=given.get("retries", 3), **spans)


def built_image():
    """The last stage of the Dockerfile."""
    lines = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text()).splitlines()
    first = max(k for k, line in enumerate(lines) if line.startswith("FROM "))
    steps = [line.split(" ", 1) for line in lines[first:] if re.match(r"[A-Z]+ ", line)]
    said = dict(steps)
    environment = {}
    for name, rest in steps:
        if name == "ENV":
            environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
    environment.pop("PATH", None)  # of the image's own programs
    flags, words = said["HEALTHCHECK"].split(" CMD ")
    given = dict(re.findall(r"--([a-z-]+)=(\S+)", flags))
    retries = int(given.pop("retries"))
    spans = {name.replace("-", "_"): seconds_of(text) for name, text in given.items()}
    return Image(
        entrypoint=tuple(json.loads(said["ENTRYPOINT"])),
        command=tuple(json.loads(said["CMD"])),
        environment=environment,
        health=HealthCheck(tuple(json.loads(words)), retries=retries, **spans),
    )
