"""A running service as the commands ask it: its address, a key, its problems as texts."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
import httpx

from service.commands.errors import CommandError, reason_of

DEFAULT_URL = "http://127.0.0.1:8000"
URL_VARIABLE, KEY_VARIABLE = "GRADSERVE_URL", "GRADSERVE_KEY"
_CONNECT_SECONDS = 10.0
_PAUSE_SECONDS = 60.0
_MOST_SHOWN = 10

Json = dict[str, Any]


class UnreachableError(CommandError):
    """The service cannot be reached, or is gone: trying again may help."""


class ProblemError(CommandError):
    """The service answered with a problem, of this status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def connection_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where the service is and who asks."""
    url = click.option(
        "--url", help=f"Address of the service; {URL_VARIABLE}, or {DEFAULT_URL}."
    )
    key = click.option(
        "--key-file",
        type=click.Path(path_type=Path),
        help=f"File with the API key, if one is needed; or {KEY_VARIABLE}.",
    )
    return url(key(function))


class Client:
    """One connection to a service; what goes wrong with it is a CommandError."""

    def __init__(self, url: str | None, key_file: Path | None) -> None:
        """Nothing is asked yet.

        Raises:
            CommandError: the address is none, or the file of the key cannot be read.
        """
        self.url = (url or os.environ.get(URL_VARIABLE) or DEFAULT_URL).rstrip("/")
        try:
            parsed = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise CommandError(f"--url: found {self.url!r}, but {error}") from error
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise CommandError(f"--url: found {self.url!r}, expected such as {DEFAULT_URL}")
        key = _key(key_file)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = httpx.Timeout(_PAUSE_SECONDS, connect=_CONNECT_SECONDS, read=None)
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=timeout, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | float] | None = None,
        body: object = None,
        content: Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """The answer to a request with a body of JSON, or of content that is streamed.

        Raises:
            CommandError: the service cannot be reached, or answers with a problem.
        """
        with (
            self._failures(),
            self._http.stream(
                method,
                path,
                params=query,
                json=body,
                content=content,
                headers=dict(headers or {}),
            ) as response,
        ):
            raw = response.read()
            if not response.is_success:
                raise problem_of(response)
        if not raw:
            return {}
        try:
            found = json.loads(raw)
        except ValueError as error:
            raise CommandError(f"{self.url}: found no JSON, expected gradserve") from error
        if not isinstance(found, dict):
            raise CommandError(f"{self.url}: found no object, expected gradserve")
        return found

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        query: Mapping[str, str | int | float] | None = None,
        headers: Mapping[str, str] | None = None,
        pause_seconds: float | None = None,
    ) -> Iterator[httpx.Response]:
        """An answer that is read while it arrives, with pauses of at most so long.

        Raises:
            CommandError: the service cannot be reached, is gone, or answers with a problem.
        """
        with (
            self._failures(),
            self._http.stream(
                "GET",
                path,
                params=query,
                headers=dict(headers or {}),
                timeout=httpx.Timeout(
                    _PAUSE_SECONDS, connect=_CONNECT_SECONDS, read=pause_seconds
                ),
            ) as found,
        ):
            if not found.is_success:
                found.read()
                raise problem_of(found)
            yield found

    def pages(self, path: str, query: Mapping[str, str | int]) -> Iterator[Json]:
        """The items of a list, page by page."""
        asked = dict(query)
        while True:
            page = self.ask("GET", path, query=asked)
            yield from page["data"]
            if not page["has_more"]:
                return
            asked["after"] = page["next"]

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            raise UnreachableError(
                f"{self.url}: found no service ({_reason(error)}); gradserve serve starts one, "
                f"--url or {URL_VARIABLE} says where it is"
            ) from error
        except httpx.HTTPError as error:
            raise UnreachableError(
                f"{self.url}: the connection ended ({_reason(error)})"
            ) from error


def problem_of(response: httpx.Response) -> CommandError:
    """A problem document, already read, as a text: each fault with its hint."""
    try:
        problem = response.json()
        faults = problem["errors"][:_MOST_SHOWN]
        lines = [_told(fault) for fault in faults] or [str(problem["detail"])]
        left = len(problem["errors"]) - len(faults)
        text = "\n".join(lines) + (f"\nand {left} more" if left > 0 else "")
        status = response.status_code
        return ProblemError(f"{text} ({problem['status']} {problem['code']})", status)
    except (ValueError, KeyError, TypeError, AttributeError):
        return CommandError(
            f"{response.request.url.copy_with(query=None)}: found status "
            f"{response.status_code} without a problem document, expected gradserve"
        )


def _told(fault: Json) -> str:
    place = f"{fault['pointer']}: " if fault.get("pointer") else ""
    hint = fault.get("hint")
    return f"{place}{fault['message']}{f' ({hint})' if hint else ''}"


def _key(key_file: Path | None) -> str | None:
    if key_file is None:
        key = os.environ.get(KEY_VARIABLE, "").strip()
    else:
        try:
            key = key_file.read_text(encoding="utf-8", errors="replace").strip()
        except OSError as error:
            raise CommandError(
                f"--key-file: file {str(key_file)!r}: {reason_of(error)}"
            ) from error
        if not key:
            raise CommandError(
                f"--key-file: file {str(key_file)!r}: found no key, expected one"
            )
    if not (key.isascii() and key.isprintable()):
        raise CommandError("the API key: found characters that no key has, expected gs_…")
    return key or None


def _reason(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None:
            return reason_of(cause)
        cause = cause.__cause__ or cause.__context__
    return str(error).lower() or type(error).__name__
