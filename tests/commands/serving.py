"""A real `gradserve serve` for a test: started, told ready, stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 20


@dataclass
class Served:
    """A running service: its process, its address, the line it offers to try, its log."""

    process: subprocess.Popen
    address: str
    example: str
    log_file: Path

    @property
    def log(self):
        """What it wrote to standard error, by line."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    @property
    def port(self):
        return int(self.address.rsplit(":", 1)[1])


def start(*arguments, errors=subprocess.PIPE, **variables):
    """`gradserve` with these arguments, and settings by field."""
    settings = {f"GRADSERVE_{name.upper()}": str(value) for name, value in variables.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )


@contextmanager
def serving(*arguments, **variables):
    """A service on a free port, ready for requests; stopped at the end."""
    with TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        own = {"data_directory": Path(folder) / "data", "workers": 0} | variables
        process = start("serve", "--port", "0", *arguments, errors=log, **own)
        try:
            first, second = process.stdout.readline(), process.stdout.readline()
            if not second:
                raise RuntimeError(Path(log.name).read_text())
            yield Served(process, first.split()[3], second.strip(), Path(log.name))
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=STOP_SECONDS)


def exchange(port, *parts, seconds=15.0):
    """What the service sends on one connection until it closes it."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received
