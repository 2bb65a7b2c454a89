"""One machine in the place of many: what hosts, folders, images and users are here.

Each service has a loopback address of its own, so that all may listen on the same port; its
volumes are folders. Nothing else of docker-compose.yml is changed.
"""

import getpass
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.postgres import USER as POSTGRES
from tests.postgres import installed_binaries
from tests.system.compose import ROOT

OWN_NAMES = ("0.0.0.0", "127.0.0.1", "localhost")  # each service's, within its container
NGINX = Path("/usr/sbin/nginx")
NOBODY = "nobody"


class Table:
    """What the words of each service mean here."""

    def __init__(self, folder, services):
        network = f"127.{random.randrange(1, 255)}.{random.randrange(255)}"
        self.folder, self.services = folder, services
        self.addresses = {name: f"{network}.{k + 1}" for k, name in enumerate(services)}
        self._make_programs()

    def text(self, service, text):
        """A text of a service with hosts and folders as they are here."""
        own = self.addresses[service.name]
        rules = {rf"(?<![\w.-]){name}(?=:\d)": at for name, at in self.addresses.items()}
        rules |= {rf"(?<![\w.]){re.escape(name)}(?![\w.])": own for name in OWN_NAMES}
        for path in service.mounts:
            rules[rf"(?<![\w.]){re.escape(path)}(?![\w-])"] = str(self.place(service, path))
        for pattern, replacement in rules.items():
            text = re.sub(pattern, replacement, text)
        return text

    def place(self, service, path):
        """Where a folder or file of a service lies here."""
        source = service.mounts[path]
        if not source:
            return self._own(service) / path.strip("/").replace("/", "-")
        if "/" in source:
            return self._own(service) / Path(path).name
        return self.folder / source

    def prepare(self, service):
        """Make what the service finds: its folders, its files with what they mean here."""
        for path, source in service.mounts.items():
            place = self.place(service, path)
            if "/" in source:
                place.write_text(self.text(service, Path(source).read_text()))
            elif not place.exists():
                place.mkdir(mode=0o700)
                if self.user(service):
                    shutil.chown(place, self.user(service))
        if image_of(service) == "postgres":
            self._make_database(service)

    def words(self, service, words):
        """A command of the service."""
        return [self.text(service, word) for word in words]

    def environment(self, service):
        """The variables of a process of the service: its own, and where programs are."""
        given = {name: self.text(service, text) for name, text in service.environment.items()}
        path = f"{self._own(service)}:{self.folder / 'bin'}:{installed_binaries()}"
        shared = {"PATH": f"{path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        return given | shared

    def user(self, service):
        """Who runs it; None for whoever runs the tests."""
        if os.getuid() != 0:
            return None
        return {"postgres": POSTGRES, "nginx": NOBODY}.get(image_of(service))

    def _own(self, service):
        return self.folder / f"of-{service.name}"

    def _make_programs(self):
        """The programs of the images, under the names that they have there."""
        (self.folder / "bin").mkdir()
        _write_program(self.folder / "bin" / "gradserve", f'{sys.executable} -m service "$@"')
        _write_program(self.folder / "bin" / "python", f'{sys.executable} "$@"')
        for service in self.services.values():
            own = self._own(service)
            own.mkdir()
            if image_of(service) == "nginx":
                conf = self.place(service, "/etc/nginx/nginx.conf")
                run = f'{installed_nginx()} -p {own} -e stderr -c {conf} "$@"'
                _write_program(own / "nginx", run)
            if image_of(service) == "postgres":
                data = self.place(service, "/var/lib/postgresql/data")
                options = f"-D {data} -c listen_addresses={self.addresses[service.name]}"
                options += f" -c unix_socket_directories={data}"
                run = f'{installed_binaries() / "postgres"} "$@" {options}'
                _write_program(own / "postgres", run)

    def _make_database(self, service):
        """What the image does before its first start."""
        data, given = self.place(service, "/var/lib/postgresql/data"), service.environment
        if any(data.iterdir()):
            return
        password = self._own(service) / "password"
        password.write_text(given["POSTGRES_PASSWORD"])
        password.chmod(0o644)
        make = [f"-D{data}", f"-U{given['POSTGRES_USER']}", f"--pwfile={password}"]
        make += ["--auth=scram-sha-256", "--no-sync"]
        self._as_owner(service, ["initdb", *make])
        create = f"CREATE DATABASE {given['POSTGRES_DB']}"
        self._as_owner(service, ["postgres", "--single", f"-D{data}", "postgres"], create)

    def _as_owner(self, service, words, given=""):
        program, *rest = words
        subprocess.run(
            [installed_binaries() / program, *rest],
            user=self.user(service),
            input=given,
            text=True,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )


def _write_program(path, command):
    path.write_text(f"#!/bin/sh\nexec {command}\n")
    path.chmod(0o755)


def image_of(service):
    """The name of its image."""
    return service.image.partition(":")[0]


def installed_nginx():
    """The program, which is installed where it is missing."""
    if not NGINX.exists():
        prefix = [] if getpass.getuser() == "root" else ["sudo"]
        subprocess.run([*prefix, "apt-get", "update", "-qq"], check=True)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "nginx"]
        subprocess.run([*prefix, *install], check=True)
    return NGINX
