"""Uploads to a server in a process of its own: its memory, and what it has on the disk."""

import os
import socket
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from tests.faults.house import wait_for
from tests.live import LiveServer

PATH = "/v1/datasets"
MEGABYTES = int(os.environ.get("GRADSERVE_TEST_UPLOAD_MEGABYTES", "40"))
_LINE = b"".join(b"%d.%06d" % (k % 7, 7919 * k % 10**6) + b",-2.5e-3\n" for k in range(50_000))


class Uploads:
    """A server of a house, and what is left of uploads in its data directory."""

    def __init__(self, house, **variables):
        house.variables |= variables
        self.house = house
        self.process, self.address = house.serve(workers=0)
        parts = urlsplit(self.address)
        self.live = LiveServer(
            parts.hostname, parts.port, self.process.pid, house.folder / "log"
        )
        self.client = httpx.Client(base_url=self.address, timeout=120)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def post(self, content, media_type, headers=None):
        """The answer to an upload."""
        headers = {"Content-Type": media_type, **(headers or {})}
        return self.client.post(PATH, content=content, headers=headers)

    def kept(self):
        """The files that are there: of datasets, of their numbers, of uploads on their way."""
        directory = self.house.settings.data_directory
        return sorted(
            str(path.relative_to(directory))
            for folder in ("files", "cache", "uploads")
            for path in (directory / folder).rglob("*")
            if path.is_file() and path.name[0] != "."
        )

    def assert_clear(self, kept=()):
        """Nothing is left but this, perhaps in a moment."""
        wait_for(lambda: self.kept() == list(kept), 10.0, f"{list(kept)} alone")
        assert not any((self.house.settings.data_directory / "uploads").iterdir())

    @contextmanager
    def half(self, content=b"a,b\n" + b"1,2\n" * 300_000):
        """A connection on which an upload has come half, and is being written."""
        with socket.create_connection((self.live.host, self.live.port), timeout=20) as sent:
            sent.sendall(
                f"POST {PATH} HTTP/1.1\r\nHost: {self.live.host}\r\nContent-Type: text/csv\r\n"
                f"Content-Length: {2 * len(content)}\r\n\r\n".encode()
            )
            sent.sendall(content)
            uploads = self.house.settings.data_directory / "uploads"
            wait_for(lambda: any(p.stat().st_size for p in uploads.glob("*/original")))
            yield sent


def answer(connection):
    """All that comes until the other side closes."""
    parts = []
    while part := connection.recv(2**16):
        parts.append(part)
    return b"".join(parts).decode()


def csv_pieces(megabytes=MEGABYTES):
    """A table of about so many megabytes, piece by piece."""
    yield b"x,y\n"
    for _ in range(megabytes * 10**6 // len(_LINE)):
        yield _LINE
