"""Folders of jobs: kept while they are filled, cleared once their process is gone."""

import os
import subprocess
import sys

from service.settings import Settings
from service.storage.files import StoredFiles

KILLED = """
import sys, time
from service.settings import Settings
from service.storage.files import StoredFiles

with StoredFiles(Settings(data_directory=sys.argv[1])).scratch() as folder:
    (folder / "inputs.npy").write_bytes(b"0" * 2**20)
    print("half", flush=True)
    time.sleep(60)
"""


def test_a_folder_that_is_filled_for_long_is_left_alone(tmp_path):
    settings = Settings(data_directory=tmp_path)
    with StoredFiles(settings).scratch() as folder:
        (folder / "rows.npy").write_bytes(b"rows")
        os.utime(folder, (0, 0))
        StoredFiles(settings).clear()
        assert (folder / "rows.npy").read_bytes() == b"rows"

    assert list((tmp_path / "uploads").iterdir()) == []


def test_what_a_killed_worker_leaves_is_cleared(tmp_path):
    files = StoredFiles(Settings(data_directory=tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"half\n"
        process.kill()
    (folder,) = (tmp_path / "uploads").iterdir()
    os.utime(folder, (0, 0))

    files.clear()

    assert list((tmp_path / "uploads").iterdir()) == []
