"""The processes of docker-compose.yml on this machine, kept as Docker Compose keeps them."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tests.faults.house import is_alive, wait_for
from tests.slowness import slowness
from tests.system.compose import services
from tests.system.here import Table

TICK_SECONDS = 0.05
FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS = 0.1, 60.0, 10.0  # of Docker's restarts
START_SECONDS = 120.0


class Container:
    """One service: its process, started again when it ends, and how well it is."""

    def __init__(self, service, table):
        self.service, self._table = service, table
        self.process, self.health = None, "starting"
        self.starts, self._pause, self._due_at = 0, FIRST_PAUSE, None
        self._started_at, self._is_wanted = 0.0, False
        self._lock = threading.RLock()
        self._is_closed, self._has_started = threading.Event(), threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()
        if service.health:
            threading.Thread(target=self._ask, daemon=True).start()

    @property
    def name(self):
        """The service's name."""
        return self.service.name

    @property
    def log(self):
        """The file of all that it has written."""
        return self._table.folder / f"{self.name}.log"

    def below(self):
        """Its processes but for the first one, as long as that lives."""
        return [] if self.process is None else _below(self.process.pid)

    def has(self, condition):
        """Whether what `depends_on` asks for is so; raises if it cannot come to be."""
        if condition == "service_started":
            return self.starts > 0
        if condition == "service_completed_successfully":
            ended = None if self.process is None else self.process.poll()
            assert ended in (None, 0), (self.name, ended, self.log.read_text())
            return ended == 0
        assert condition == "service_healthy", condition
        assert self.health != "unhealthy", (self.name, self.log.read_text())
        return self.health == "healthy"

    def start(self):
        """Start its process, and from now on keep it if the file says so."""
        with self._lock:
            self._is_wanted, self._pause = True, FIRST_PAUSE
            self._start()

    def stop(self):
        """Tell it to end, with the signal and the time that the file gives it."""
        with self._lock:
            self._is_wanted = False
            if self.process is None:
                return
            children = _below(self.process.pid)
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.Signals[self.service.stop_signal])
            try:
                self.process.wait(self.service.stop_seconds * slowness())
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            _end(children)

    def kill(self):
        """Kill its process, as the kernel does that has no memory left; it is started again.

        Whether the children of a gradserve process end with it is looked at, for nobody else
        ends them outside of a container.
        """
        killed, children = self.process, _below(self.process.pid)
        with self._lock:  # so that what is found in its place is another process
            killed.kill()
            killed.wait()
        wait_for(lambda: not any(map(is_alive, children)), 10.0, f"the end below {self.name}")

    def run(self, words):
        """The output of another command in the place of the service's: `compose run`."""
        self._table.prepare(self.service)
        with self.log.open("ab") as log:
            return subprocess.run(
                self._table.words(self.service, words),
                env=self._table.environment(self.service),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                check=True,
                cwd=self._table.folder,
            ).stdout

    def close(self):
        """End it, hard."""
        self._is_closed.set()
        self._has_started.set()
        with self._lock:
            self._is_wanted = False
            if self.process is not None:
                children = _below(self.process.pid)
                self.process.kill()
                self.process.wait()
                _end(children)

    def _start(self):
        self._table.prepare(self.service)
        self.log.touch()
        self.log.chmod(0o666)  # a process of another user opens its /dev/stderr
        environment = self._table.environment(self.service)
        words = self._table.words(self.service, self.service.words)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [shutil.which(words[0], path=environment["PATH"]), *words[1:]],
                env=environment,
                user=self._table.user(self.service),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._table.folder,
                start_new_session=True,
            )
        self._started_at, self._due_at = time.monotonic(), None
        self.health = "starting"
        self.starts += 1
        self._has_started.set()

    def _watch(self):
        """Start again what has ended, after a pause that doubles unless it ran for a while."""
        while not self._is_closed.wait(TICK_SECONDS):
            with self._lock:
                if not (self._is_wanted and self.service.is_kept):
                    continue
                now = time.monotonic()
                if self._due_at is None and self.process.poll() is not None:
                    if now - self._started_at >= STEADY_SECONDS:
                        self._pause = FIRST_PAUSE
                    self._due_at = now + self._pause
                    self._pause = min(2 * self._pause, LONGEST_PAUSE)
                elif self._due_at is not None and now >= self._due_at:
                    self._start()

    def _ask(self):
        """Ask how well it is, often while it starts."""
        check, failures = self.service.health, 0
        while not self._is_closed.is_set():
            if self._has_started.wait(self._interval(check)):
                self._has_started.clear()
                failures = 0
                continue
            process = self.process
            if process is None or process.poll() is not None:
                continue
            is_well = self._is_well(check)
            if process is not self.process:
                continue
            if is_well:
                failures, self.health = 0, "healthy"
            elif self.health == "healthy" or not self._is_starting(check):
                failures += 1
                if failures >= check.retries:
                    self.health = "unhealthy"

    def _interval(self, check):
        is_often = self.health != "healthy" and self._is_starting(check)
        return check.start_interval if is_often else check.interval

    def _is_starting(self, check):
        since = time.monotonic() - self._started_at
        return since < check.start_period * slowness()

    def _is_well(self, check):
        environment = self._table.environment(self.service)
        words = self._table.words(self.service, check.command)
        program = shutil.which(words[0], path=environment["PATH"])
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                [program, *words[1:]],
                env=environment,
                timeout=check.timeout * slowness(),
                check=False,
                capture_output=True,
                cwd=self._table.folder,
            )
            return done.returncode == 0
        return False


class Cluster:
    """All services of the file, or all but some."""

    def __init__(self, variables, without=()):
        self.folder = Path(tempfile.mkdtemp(prefix="gradserve-system-"))
        self.folder.chmod(0o755)  # PostgreSQL and nginx are not run by root
        found = {k: v for k, v in services(variables).items() if k not in without}
        self.table = Table(self.folder, found)
        self.containers = {name: Container(each, self.table) for name, each in found.items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for container in self.containers.values():
            container.close()
        shutil.rmtree(self.folder)

    def __getitem__(self, name):
        return self.containers[name]

    def up(self, *names):
        """Start these services, or all but tools, each when what it needs is so; wait for all.

        What has run and is not kept does not run again.
        """
        waiting = self._needed(names or self.parts())
        wanted, until = list(waiting), time.monotonic() + START_SECONDS * slowness()
        while waiting or not all(map(self.is_up, wanted)):
            for name in list(waiting):
                container = self[name]
                if container.process is not None:
                    waiting.remove(name)
                elif self._may_start(container.service):
                    container.start()
                    waiting.remove(name)
            assert time.monotonic() < until, {n: self[n].log.read_text() for n in waiting}
            time.sleep(TICK_SECONDS)

    def run(self, name, *words):
        """What a command prints in the place of a service's: `docker compose run --rm`."""
        service = self[name].service
        if service.depends_on:
            self.up(*service.depends_on)
        return self[name].run([*service.entrypoint, *words])

    def parts(self):
        """The services that are started together; others are tools."""
        return [name for name, each in self.containers.items() if not each.service.is_optional]

    def restart(self, name):
        """Stop a service and start it again."""
        self[name].stop()
        self[name].start()

    def url(self, name, port):
        """The address of a service's port."""
        return f"http://{self.table.addresses[name]}:{port}"

    def down(self):
        """Stop all services, those first that depend on others."""
        for name in reversed(self._needed(self.parts())):
            self[name].stop()

    def is_up(self, name):
        """Whether a service runs and is well, or has done what it is there for."""
        container = self[name]
        if not container.service.is_kept:
            return container.has("service_completed_successfully")
        if container.process is None or container.process.poll() is not None:
            return False
        return container.service.health is None or container.health == "healthy"

    def _needed(self, names):
        """These and what they depend on, which comes before them."""
        found = []
        for name in names:
            found += [*self._needed(list(self[name].service.depends_on)), name]
        return list(dict.fromkeys(found))

    def _may_start(self, service):
        return all(self[name].has(how) for name, how in service.depends_on.items())


def _below(pid):
    """The processes that this one has started, and those that they have."""
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


def _end(pids):
    """End what a container takes with it when its first process ends."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(map(is_alive, pids)), told="the end of a container")
