"""`gradserve jobs`: long work that a running service does."""

import json
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from service.commands.client import Client, Json, connection_flags
from service.commands.errors import CommandError, reason_of
from service.commands.jobs_watch import PATH, place, watched

MEDIA_TYPES = {".safetensors": "application/vnd.safetensors"}
JSON = "application/json"
_FILE = click.Path(path_type=Path)


@click.group("jobs")
def command() -> None:
    """Submit, list, show, watch, cancel and delete the jobs of a running service."""


@command.command("submit")
@click.argument("file", type=_FILE)
@click.option("--wait", is_flag=True, help="Watch the job until it ends.")
@click.option("--quiet", is_flag=True, help="Print the id alone, and no progress.")
@click.option(
    "--idempotency-key",
    help="With the same key the same file makes one job, however often it is submitted.",
)
@connection_flags
@click.pass_context
def submit(
    context: click.Context,
    file: Path,
    wait: bool,
    quiet: bool,
    idempotency_key: str | None,
    url: str | None,
    key_file: Path | None,
) -> None:
    """Submit the job in FILE: JSON, or a .safetensors file; - is standard input."""
    headers = {
        "Content-Type": MEDIA_TYPES.get(file.suffix, JSON),
        "Idempotency-Key": idempotency_key or uuid4().hex,
    }
    content = _read(file)
    with Client(url, key_file) as client:
        job = client.ask("POST", PATH, content=iter([content]), headers=headers)
        click.echo(job["id"] if quiet else _line(job))
        if wait:
            context.exit(watched(client, job["id"], is_quiet=quiet))
    if not quiet:
        click.echo(f"gradserve jobs watch {job['id']} tells how far it is", err=True)


@command.command("list")
@click.option("--status", help="Only those of this status.")
@click.option("--kind", help="Only those of this kind.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@connection_flags
def list_(
    status: str | None, kind: str | None, limit: int, url: str | None, key_file: Path | None
) -> None:
    """List the jobs, the newest first."""
    query: dict[str, str | int] = {"limit": min(limit, 100)}
    query |= {n: v for n, v in (("status", status), ("kind", kind)) if v is not None}
    with Client(url, key_file) as client:
        for _, job in zip(range(limit), client.pages(PATH, query), strict=False):
            click.echo(_line(job))


@command.command("show")
@click.argument("job_id", metavar="ID")
@click.option("--json", "is_json", is_flag=True, help="Print what the service tells.")
@connection_flags
def show(job_id: str, is_json: bool, url: str | None, key_file: Path | None) -> None:
    """Show a job: its status, its progress, why it failed."""
    with Client(url, key_file) as client:
        job = client.ask("GET", place(job_id))
    if is_json:
        click.echo(json.dumps(job, indent=2))
        return
    click.echo(_line(job))
    for name in ("created_at", "started_at", "finished_at"):
        if job[name] is not None:
            click.echo(f"  {name.replace('_at', '')} {job[name]}")
    for name, value in job["metadata"].items():
        click.echo(f"  {_plain(name)}: {_plain(value)}")
    if job["error"] is not None:
        click.echo(f"  {job['error']['code']}: {job['error']['detail']}")


@command.command("watch")
@click.argument("job_id", metavar="ID")
@click.option("--quiet", is_flag=True, help="Tell of no progress.")
@connection_flags
@click.pass_context
def watch(
    context: click.Context, job_id: str, quiet: bool, url: str | None, key_file: Path | None
) -> None:
    """Tell how far a job is until it ends; the exit code is 1 unless it succeeds."""
    with Client(url, key_file) as client:
        context.exit(watched(client, job_id, is_quiet=quiet))


@command.command("cancel")
@click.argument("job_id", metavar="ID")
@connection_flags
def cancel(job_id: str, url: str | None, key_file: Path | None) -> None:
    """Cancel a job: one that waits never runs, one that runs ends within seconds."""
    with Client(url, key_file) as client:
        click.echo(_line(client.ask("POST", f"{place(job_id)}/cancel")))


@command.command("delete")
@click.argument("job_id", metavar="ID")
@connection_flags
def delete(job_id: str, url: str | None, key_file: Path | None) -> None:
    """Forget a job with its result; one that runs has to be cancelled before."""
    with Client(url, key_file) as client:
        client.ask("DELETE", place(job_id))
    click.echo(f"{job_id} is deleted")


@command.command("result")
@click.argument("job_id", metavar="ID")
@click.option("--out", type=_FILE, help="File to write: .safetensors, or else JSON.")
@connection_flags
def result(job_id: str, out: Path | None, url: str | None, key_file: Path | None) -> None:
    """Print what a job found, or write it to a file."""
    address = f"{place(job_id)}/result"
    with Client(url, key_file) as client:
        if out is None:
            click.echo(json.dumps(client.ask("GET", address), indent=2))
            return
        accepted = {"Accept": MEDIA_TYPES.get(out.suffix, JSON)}
        with client.stream(address, headers=accepted) as response:
            content = response.read()
    try:
        out.write_bytes(content)
    except OSError as error:
        raise CommandError(f"--out: file {str(out)!r}: {reason_of(error)}") from error


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise CommandError(f"file {str(file)!r}: {reason_of(error)}") from error


def _line(job: Json) -> str:
    progress: dict[str, Any] = job["progress"] or {}
    parts = [job["id"], job["kind"], job["status"]]
    if progress.get("epochs") is not None:
        parts.append(f"epoch {progress['epoch']}/{progress['epochs']}")
    if progress.get("loss") is not None:
        parts.append(f"loss {progress['loss']:.5g}")
    if job["name"] is not None:
        parts.append(_plain(job["name"]))
    return "  ".join(parts)


def _plain(text: str) -> str:
    """The text with what does not print, or moves the cursor, escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
