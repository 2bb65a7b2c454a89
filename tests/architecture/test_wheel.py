"""What is installed is the service with all that it reads: a wheel has every file of it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("gradserve-*.whl")
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


def test_the_wheel_has_every_file_of_the_service(names):
    files = [path for path in (ROOT / "service").rglob("*") if path.is_file()]
    wanted = {str(f.relative_to(ROOT)) for f in files if f.parent.name != "__pycache__"}

    assert {name for name in names if ".dist-info/" not in name} == wanted


def test_the_wheel_has_the_migrations_and_the_grammar(names):
    migrations = sorted((ROOT / "service/storage/migrations").rglob("*.py"))

    assert migrations
    assert {str(path.relative_to(ROOT)) for path in migrations} <= names
    assert "service/language/grammar.lark" in names


def test_the_wheel_has_nothing_but_the_service(names):
    places = {name.split("/")[0] for name in names}

    assert {place.split("-")[0] for place in places} == {"service", "gradserve"}
