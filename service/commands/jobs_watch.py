"""A job followed by its events until it ends, over as many connections as that takes."""

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import click

from service.commands.client import Client, Json, ProblemError, UnreachableError
from service.commands.errors import CommandError
from service.commands.train_progress import ProgressLine
from service.language.places import shown
from service.training.runs import Progress

PATH = "/v1/jobs"
INTERRUPTED, UNSUCCESSFUL = 130, 1
PAUSE_SECONDS = 45.0  # the service tells that it is alive every 15
RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 120.0
TERMINAL = ("succeeded", "failed", "cancelled")
TRY_AGAIN = (429, 503)


@dataclass(frozen=True, slots=True)
class _Event:
    number: str
    name: str
    data: Json


def place(job_id: str) -> str:
    """Where a job is on the service."""
    if not re.fullmatch(r"[A-Za-z0-9_]{1,64}", job_id):
        raise CommandError(f"found {shown(job_id)}, expected the id of a job: job_…")
    return f"{PATH}/{job_id}"


def watched(client: Client, job_id: str, *, is_quiet: bool) -> int:
    """The exit code once the job has ended, or Ctrl-C was pressed.

    Raises:
        CommandError: there is no such job, or the service stays away.
    """
    line = None if is_quiet else ProgressLine(sys.stderr)
    try:
        for event in _events(client, job_id):
            if event.name == "progress" and line is not None:
                _show(line, event.data)
    except KeyboardInterrupt:
        _close(line)
        click.echo(f"the job goes on; gradserve jobs watch {job_id} watches it", err=True)
        return INTERRUPTED
    finally:
        _close(line)
    return _told(client.ask("GET", place(job_id)), is_quiet=is_quiet)


def _events(client: Client, job_id: str) -> Iterator[_Event]:
    """The events until that of the end; a connection that breaks is made again."""
    address = f"{place(job_id)}/events"
    last: str | None = None
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        headers = {"Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = last
        try:
            with client.stream(
                address, headers=headers, pause_seconds=PAUSE_SECONDS
            ) as response:
                if response.status_code == 204:
                    return
                for event in _parsed(response.iter_lines()):
                    last = event.number
                    until = time.monotonic() + PATIENCE_SECONDS
                    yield event
                    if event.name == "status" and event.data.get("status") in TERMINAL:
                        return
        except UnreachableError:
            if time.monotonic() > until:
                raise
        except ProblemError as error:
            if error.status not in TRY_AGAIN or time.monotonic() > until:
                raise
        time.sleep(RETRY_SECONDS)


def _parsed(lines: Iterable[str]) -> Iterator[_Event]:
    """The events of a stream; comments, which say that the service is alive, are left out."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        elif not line:
            if "data" in fields:
                data = json.loads(fields["data"])
                yield _Event(fields.get("id", ""), fields.get("event", ""), data)
            fields = {}


def _show(line: ProgressLine, data: Json) -> None:
    if data.get("epoch") is None or not data.get("epochs"):
        return
    progress = Progress(
        epoch=data["epoch"],
        epochs=data["epochs"],
        step=0,  # of how many is not told
        steps=1,
        loss=data["loss"],
        gradient_norm=data["gradient_norm"],
        samples_per_second=data["samples_per_second"] or 0.0,
        seconds_left=data["seconds_left"],
    )
    line.show(progress, data["loss"])


def _close(line: ProgressLine | None) -> None:
    if line is not None:
        line.close()


def _told(job: Json, *, is_quiet: bool) -> int:
    """Tell how the job ended; the exit code."""
    progress = job["progress"] or {}
    loss = progress.get("loss")
    if not is_quiet:
        after = "" if loss is None else f", loss {loss:.5g}"
        click.echo(f"{job['id']} {job['status']}{after}")
    if job["error"] is not None:
        first = job["error"]["errors"][0]
        hint = f" ({first['hint']})" if first["hint"] else ""
        click.echo(f"gradserve: {job['error']['detail']}{hint}", err=True)
    return 0 if job["status"] == "succeeded" else UNSUCCESSFUL
