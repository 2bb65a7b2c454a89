"""A real server process for tests: `gradserve serve` on a free port, its memory and its log."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
STOP_SECONDS = 30
ANNOUNCED = re.compile(rb"listens on http://([\d.]+):(\d+)")


@dataclass(frozen=True, slots=True)
class LiveServer:
    """Where a server listens, its process, and the file its log goes to."""

    host: str
    port: int
    pid: int
    log: Path

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://{self.host}:{self.port}"

    def reset_peak(self) -> int:
        """Bytes resident now in all its processes; their peaks are counted from here."""
        for pid in self.processes():
            Path(f"/proc/{pid}/clear_refs").write_text("5")
        return self._memory("VmRSS")

    def resident_bytes(self) -> int:
        """Bytes resident now in the serving process alone."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.M)
        assert found is not None
        return int(found[1]) * 1024

    def peak_bytes(self) -> int:
        """The most bytes resident since the last reset, added up over its processes."""
        return self._memory("VmHWM")

    def _memory(self, field: str) -> int:
        kilobytes = 0
        for pid in self.processes():
            status = Path(f"/proc/{pid}/status").read_text()
            found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.M)
            kilobytes += int(found[1]) if found else 0
        return kilobytes * 1024

    def processes(self) -> list[int]:
        """The process and its descendants."""
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                after_name = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(after_name[1]), []).append(int(stat.parent.name))
        found = [self.pid]
        for pid in found:
            found.extend(children.get(pid, ()))
        return found


def environment_of(**settings: object) -> dict[str, str]:
    """The environment of a command, with these settings by field and no others."""
    others = {k: v for k, v in os.environ.items() if not k.startswith("GRADSERVE_")}
    return others | {f"GRADSERVE_{name.upper()}": str(v) for name, v in settings.items()}


def made_key(data_directory: Path, tenant: str) -> str:
    """A new API key of a tenant, as `gradserve keys create` prints it."""
    command = [sys.executable, "-m", "service", "keys", "create", "--tenant", tenant]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment_of(data_directory=data_directory),
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"gs_[0-9a-f]+_[0-9a-f]+", done.stdout)
    assert found is not None, done.stdout
    return found[0]


@contextmanager
def running_server(log: Path, **settings: object) -> Iterator[LiveServer]:
    """A server that is ready; at the end it must be alive, unhurt, and stop when told."""
    data_directory = log.parent / "data"
    environment = environment_of(**{"data_directory": data_directory, "workers": 0} | settings)
    command = [sys.executable, "-m", "service", "serve", "--port", "0"]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=output
        ) as process,
    ):
        try:
            server = _announced(process, log)
            yield server
            assert process.poll() is None, "the server ended by itself"
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == 0
            assert "Traceback" not in log.read_text()
        finally:
            process.kill()


def _announced(process: subprocess.Popen[bytes], log: Path) -> LiveServer:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    found = ANNOUNCED.search(process.stdout.readline()) if ready else None
    assert found, f"the server did not start: {log.read_text()}"
    server = LiveServer(found[1].decode(), int(found[2]), process.pid, log)
    end = time.monotonic() + START_SECONDS
    while httpx.get(f"{server.url}/readyz").status_code != 200:
        assert time.monotonic() < end, f"the server is not ready: {log.read_text()}"
        time.sleep(0.05)
    return server
