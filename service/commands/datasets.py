"""`gradserve datasets`: tables of numbers that a running service keeps."""

import json
import os
import re
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import click
import httpx

from service.commands.client import Client, Json, connection_flags
from service.commands.errors import CommandError, reason_of
from service.commands.transfer_progress import TransferLine, size_text
from service.language.places import shown
from service.training.reading.tables import FORMATS, FormatName

_PATH = "/v1/datasets"
_PIECE_BYTES = 256 * 2**10
_LONGEST_NAME = 200
_FILE_NAME = re.compile(r'filename="([A-Za-z0-9._-]{1,200})"')
_FILE = click.Path(path_type=Path)


@click.group("datasets")
def command() -> None:
    """Upload, list, show, download and delete the datasets of a running service."""


@command.command("upload")
@click.argument("files", type=_FILE, nargs=-1, required=True, metavar="FILE…")
@click.option("--name", help="Its name, of one file; the file's own if not given.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="What the files are; if not given, what their names end in.",
)
@click.option("--quiet", is_flag=True, help="Print the ids alone, and no progress.")
@connection_flags
def upload(
    files: tuple[Path, ...],
    name: str | None,
    format_name: FormatName | None,
    quiet: bool,
    url: str | None,
    key_file: Path | None,
) -> None:
    """Upload FILEs: CSV, NPY, NPZ, Parquet or JSON; checked while they arrive."""
    if name is not None and len(files) > 1:
        raise CommandError(f"--name: found {len(files)} files, expected one")
    with Client(url, key_file) as client:
        for path in files:
            found = _uploaded(client, path, name, format_name, is_quiet=quiet)
            click.echo(found["id"] if quiet else _line(found))


def _uploaded(
    client: Client,
    path: Path,
    name: str | None,
    format_name: FormatName | None,
    *,
    is_quiet: bool,
) -> Json:
    given = path.name[:_LONGEST_NAME] if name is None else name
    query = {"name": given} if name is not None or given.isprintable() else {}
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            line = None if is_quiet else TransferLine(sys.stderr, path.name, size)
            try:
                return client.ask(
                    "POST",
                    _PATH,
                    query=query,
                    content=_pieces(file, line),
                    headers={
                        "Content-Type": _media_type(path, format_name),
                        "Content-Length": str(size),
                    },
                )
            except CommandError as error:
                raise CommandError(f"file {str(path)!r}: {error.message}") from error
            finally:
                if line is not None:
                    line.close()
    except OSError as error:
        raise CommandError(f"file {str(path)!r}: {reason_of(error)}") from error


def _pieces(file: BinaryIO, line: TransferLine | None) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece
        if line is not None:
            line.add(len(piece))


def _media_type(path: Path, format_name: FormatName | None) -> str:
    known = FORMATS.get(format_name or path.suffix.lower().removeprefix("."))  # type: ignore[call-overload] # any text
    return known.media_type if known else "application/octet-stream"


@command.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True)
@connection_flags
def list_(limit: int, url: str | None, key_file: Path | None) -> None:
    """List the datasets, the newest first."""
    with Client(url, key_file) as client:
        pages = client.pages(_PATH, {"limit": min(limit, 100)})
        for _, found in zip(range(limit), pages, strict=False):
            click.echo(_line(found))


@command.command("show")
@click.argument("dataset_id", metavar="ID")
@click.option("--json", "is_json", is_flag=True, help="Print what the service tells.")
@connection_flags
def show(dataset_id: str, is_json: bool, url: str | None, key_file: Path | None) -> None:
    """Show a dataset: its size and its columns with their ranges."""
    with Client(url, key_file) as client:
        found = client.ask("GET", _place(dataset_id))
    if is_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(_line(found))
    click.echo(f"created {found['created_at']}, sha256 {found['sha256']}")
    for column in found["columns"]:
        ends = f"from {column['minimum']:.17g} to {column['maximum']:.17g}"
        click.echo(f"  {shown(column['name'])}  {column['dtype']}  {ends}")


@command.command("download")
@click.argument("dataset_id", metavar="ID")
@click.option("--out", type=_FILE, help="File to write; the dataset's name if not given.")
@click.option("--quiet", is_flag=True, help="Tell of no progress.")
@connection_flags
def download(
    dataset_id: str, out: Path | None, quiet: bool, url: str | None, key_file: Path | None
) -> None:
    """Download the file of a dataset as it came; its hash is compared."""
    with (
        Client(url, key_file) as client,
        client.stream(f"{_place(dataset_id)}/content") as response,
    ):
        path = out or _file_name(response, dataset_id)
        if out is None and path.exists():
            raise CommandError(f"file {str(path)!r}: is there already; --out names another")
        _write(path, response, is_quiet=quiet)
    click.echo(str(path))


def _write(path: Path, response: httpx.Response, *, is_quiet: bool) -> None:
    total = int(response.headers.get("content-length", "0"))
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    digest = sha256()
    line = None if is_quiet else TransferLine(sys.stderr, path.name, total)
    try:
        with beside.open("xb") as file:
            for piece in response.iter_raw(_PIECE_BYTES):
                file.write(piece)
                digest.update(piece)
                if line is not None:
                    line.add(len(piece))
        expected = response.headers.get("etag", "").strip('"')
        if digest.hexdigest() != expected:
            raise CommandError(
                f"found content with the SHA-256 {digest.hexdigest()}, expected {expected}"
            )
        beside.replace(path)
    except OSError as error:
        raise CommandError(f"file {str(path)!r}: {reason_of(error)}") from error
    finally:
        beside.unlink(missing_ok=True)
        if line is not None:
            line.close()


def _file_name(response: httpx.Response, dataset_id: str) -> Path:
    """The name that the service offers, which is a name alone; else the id."""
    found = _FILE_NAME.search(response.headers.get("content-disposition", ""))
    name = found[1] if found else dataset_id
    return Path(name if name.strip(".") else dataset_id)


@command.command("delete")
@click.argument("dataset_ids", nargs=-1, required=True, metavar="ID…")
@connection_flags
def delete(dataset_ids: tuple[str, ...], url: str | None, key_file: Path | None) -> None:
    """Delete datasets that no job uses."""
    with Client(url, key_file) as client:
        for dataset_id in dataset_ids:
            client.ask("DELETE", _place(dataset_id))
            click.echo(f"deleted {dataset_id}")


def _place(dataset_id: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]{1,64}", dataset_id):
        raise CommandError(f"found {shown(dataset_id)}, expected the id of a dataset: ds_…")
    return f"{_PATH}/{dataset_id}"


def _line(found: Json) -> str:
    columns = len(found["columns"])
    parts = [
        found["id"],
        f"{found['rows']:,} rows",
        f"{columns:,} column{'s' if columns != 1 else ''}",
        size_text(found["bytes"]),
        found["format"],
        *([shown(found["name"])] if found["name"] else []),
    ]
    return "  ".join(parts)
