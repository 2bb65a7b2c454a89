"""`gradserve keys`: API keys made, listed and revoked; a secret is shown once."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from service.access import SCOPES, Key, Scope, hash_of, new_token, written
from service.commands.errors import CommandError
from service.commands.stores import known_records, opened_records
from service.settings import Settings, load_settings

DEFAULT_SCOPES: tuple[Scope, ...] = ("compute", "jobs", "datasets")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST_NAME = 200
_LONGEST_SECONDS = 100 * 365 * 86_400
_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@click.group("keys")
def command() -> None:
    """Make, list and revoke API keys."""


def store_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say in which store the keys are."""
    url = click.option("--database-url", help="Address of a PostgreSQL database.")
    folder = click.option(
        "--data", "data_directory", type=click.Path(path_type=Path), help="Data directory."
    )
    return folder(url(function))


@command.command("create")
@store_options
@click.option("--tenant", required=True, help="Whose jobs and datasets the key opens.")
@click.option("--name", default="", help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it allows, repeatable; compute, jobs and datasets if not given.",
)
@click.option("--expires", help="30d, 12h, or a date like 2030-01-31 (its start in UTC).")
def create(
    data_directory: Path | None,
    database_url: str | None,
    tenant: str,
    name: str,
    scopes: tuple[Scope, ...],
    expires: str | None,
) -> None:
    """Make a key and print it; it is not shown again."""
    if not _TENANT.fullmatch(tenant):
        raise CommandError(
            f"--tenant: found {tenant!r}, expected at most 64 letters, digits, '.', '_', '-', "
            "the first a letter or digit"
        )
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise CommandError(
            f"--name: found {name[:40]!r}, expected at most {_LONGEST_NAME} characters "
            "that can be printed"
        )
    key_id, secret = new_token()
    with opened_records(_settings(data_directory, database_url)) as records:
        now = records.keys.now()
        key = Key(
            id=key_id,
            tenant=tenant,
            name=name,
            scopes=tuple(scope for scope in SCOPES if scope in (scopes or DEFAULT_SCOPES)),
            secret_hash=hash_of(secret),
            created_at=now,
            expires_at=None if expires is None else _end_of(expires, now),
        )
        records.keys.add_key(key)
    click.echo(
        f"key {key_id} of tenant {tenant}: {', '.join(key.scopes)}; "
        f"{_expiry(key.expires_at)}. It is not shown again:",
        err=True,
    )
    click.echo(written(key_id, secret))


@command.command("list")
@store_options
def show(data_directory: Path | None, database_url: str | None) -> None:
    """List the keys, the newest first, without their secrets."""
    with known_records(_settings(data_directory, database_url)) as records:
        now, keys = records.keys.now(), records.keys.keys()
    if not keys:
        click.echo("there are no keys", err=True)
        return
    rows = [("id", "tenant", "name", "scopes", "created", "expires", "state")]
    rows += [
        (
            key.id,
            key.tenant,
            key.name,
            ",".join(key.scopes),
            _date(key.created_at),
            "never" if key.expires_at is None else _date(key.expires_at),
            _state(key, now),
        )
        for key in keys
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


@command.command("revoke")
@store_options
@click.argument("key_id")
def revoke(data_directory: Path | None, database_url: str | None, key_id: str) -> None:
    """Make the key of this id useless from now on."""
    with known_records(_settings(data_directory, database_url)) as records:
        known = key_id.isascii() and key_id.isalnum() and records.keys.revoke_key(key_id)
    if not known:
        raise CommandError(
            f"found no key {key_id[:80]!r}, expected an id of gradserve keys list"
        )
    click.echo(f"key {key_id} is revoked")


def _settings(data_directory: Path | None, database_url: str | None) -> Settings:
    return load_settings({"data_directory": data_directory, "database_url": database_url})


def _end_of(text: str, now: float) -> float:
    span = _SPAN.fullmatch(text)
    if span is not None:
        return _checked(text, now + int(span[1]) * _SECONDS[span[2]], now)
    try:
        end = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(
            f"--expires: found {text[:40]!r}, expected a span like 30d or 12h, or a date "
            "like 2030-01-31"
        ) from error
    return _checked(text, (end if end.tzinfo else end.replace(tzinfo=UTC)).timestamp(), now)


def _checked(text: str, moment: float, now: float) -> float:
    if not now < moment < now + _LONGEST_SECONDS:
        raise CommandError(
            f"--expires: found {text!r}, expected a time to come, within a hundred years"
        )
    return moment


def _state(key: Key, now: float) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "good"


def _expiry(moment: float | None) -> str:
    return "it does not expire" if moment is None else f"expires {_date(moment)}"


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")
