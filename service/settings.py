"""The settings: `GRADSERVE_…` environment variables as one frozen object."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import Field, PositiveInt, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PREFIX = "GRADSERVE_"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
OF_COMMANDS = frozenset({"GRADSERVE_URL", "GRADSERVE_KEY"})  # of those that ask a service
BLAS_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
Names = Annotated[tuple[str, ...], NoDecode]
PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SettingsError(ValueError):
    """A variable or flag has a value that cannot be used; the text names it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for; every limit's error names the limit and the measure."""

    max_expression_characters: PositiveInt = 10_000
    max_expression_nodes: PositiveInt = 2_000
    max_expression_nesting: PositiveInt = 64
    max_dimensions: PositiveInt = 8
    max_variables: PositiveInt = 100
    max_json_strings: PositiveInt = 500_000
    max_json_arrays: PositiveInt = 1_500_000
    max_graph_nodes: PositiveInt = 20_000
    max_answer_bytes: PositiveInt = 64 * 2**20
    max_peak_bytes: PositiveInt = 384 * 2**20
    max_flops: PositiveNumber = 2e10
    compute_seconds: PositiveNumber = 4.5  # a request ends at 5 s, with reading and writing
    max_job_steps: PositiveInt = 10**9
    max_job_epochs: PositiveInt = 1_000_000
    max_job_flops: PositiveNumber = 1e17


class Settings(BaseSettings):
    """Everything that can be set, read once at the start; lists are separated by commas.

    The fields of `limits` are variables of their own: `GRADSERVE_MAX_FLOPS`.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )

    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(8000, ge=0, le=65_535)
    data_directory: Path = Field(default_factory=lambda: user_data_path("gradserve"))
    database_url: str | None = None  # SQLite in the data directory if not given
    files_url: str | None = None  # any fsspec URL; a folder of the data directory if not given
    http_processes: int = Field(1, ge=1, le=256)
    compute_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=1024)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    cors_origins: Names = ()
    allowed_hosts: Names = ()
    max_body_bytes: PositiveInt = 32 * 2**20
    body_pause_seconds: PositiveNumber = 3.0
    body_grace_seconds: PositiveNumber = 3.0
    body_bytes_per_second: PositiveInt = 256 * 2**10
    header_seconds: PositiveNumber = 10.0
    max_header_bytes: PositiveInt = 64 * 2**10
    keep_alive_seconds: PositiveInt = 10
    shutdown_seconds: PositiveInt = 20
    insecure: bool = False
    rate_limit: str = "6000/minute"  # of each key; as the library `limits` writes it
    key_refresh_seconds: PositiveNumber = 2.0
    workers: int = Field(1, ge=0, le=256)
    worker_memory_bytes: PositiveInt = 4 * 2**30
    lease_seconds: PositiveNumber = 30.0
    checkpoint_seconds: PositiveNumber = 10.0
    max_lost_claims: PositiveInt = 3
    max_queued_jobs: PositiveInt = 20_000
    max_queued_jobs_of_tenant: PositiveInt = 10_000
    max_running_jobs_of_tenant: PositiveInt = 64
    max_event_streams: PositiveInt = 1000
    max_dataset_bytes: PositiveInt = 8 * 2**30
    scheduler: str | None = None  # of a cluster: tls://host:port
    tls_ca_file: Path | None = None
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    split_step_seconds: PositiveNumber = 0.05  # of a step that several workers may share
    split_dataset_bytes: PositiveInt = 2 * 2**30  # a larger one is shared without being asked
    job_retention_days: PositiveNumber | None = None  # kept until deleted if not given
    idempotency_hours: PositiveNumber = 24.0
    limits: Annotated[Limits, NoDecode] = Limits()

    @field_validator("cors_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is read, the strongest first: flags, the environment, the limits in it."""
        return init_settings, env_settings, _LimitsFromEnvironment(settings_cls)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address listened on."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def accepted_hosts(self) -> tuple[str, ...]:
        """Names accepted in the Host header; empty accepts any."""
        if "*" in self.allowed_hosts:
            return ()
        return self.allowed_hosts or ((*LOOPBACK_NAMES, self.host) if self.is_loopback else ())


class _LimitsFromEnvironment(PydanticBaseSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {f.name: os.environ.get(PREFIX + f.name.upper()) for f in fields(Limits)}
        limits = {name: value for name, value in found.items() if value}
        return {"limits": limits} if limits else {}


def load_settings(flags: Mapping[str, Any] | None = None) -> Settings:
    """The settings of the environment, with `flags` (by field) in front of it.

    Raises:
        SettingsError: a value cannot be used; the text names the variable or the flag.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        if name == "limits" and len(first["loc"]) > 1:
            name = str(first["loc"][1])
        source = f"--{name.replace('_', '-')}" if name in given else PREFIX + name.upper()
        message = first["msg"][:1].lower() + first["msg"][1:]
        raise SettingsError(f"{source}: found {first['input']!r}, but {message}") from error


def variables_of(settings: Settings) -> dict[str, str]:
    """The environment that gives another process these settings."""
    written: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, Limits):
            limits = {f.name: str(getattr(value, f.name)) for f in fields(Limits)}
            written |= {PREFIX + key.upper(): text for key, text in limits.items()}
        elif value is not None:
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            written[PREFIX + name.upper()] = text
    return written


def unknown_variables() -> list[str]:
    """One line for each `GRADSERVE_…` variable that sets nothing, with the nearest name."""
    names = [*Settings.model_fields, *(f.name for f in fields(Limits))]
    known = {PREFIX + name.upper() for name in names if name != "limits"} | OF_COMMANDS
    lines = []
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1)
            lines.append(
                f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else "")
            )
    return lines


def keep_blas_on_one_thread() -> None:
    """Make BLAS use one thread unless the environment says otherwise; before NumPy loads."""
    for name in BLAS_VARIABLES:
        os.environ.setdefault(name, "1")
