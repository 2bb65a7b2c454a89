"""A disk that is full, by the largest size a file may have: refused, cleared up, recovered."""

import subprocess
import sys

PROGRAM = """
import asyncio, resource, sys
from pathlib import Path
from service.errors import StorageFullError
from service.settings import Settings
from service.storage.files import StoredFiles

folder = Path(sys.argv[1])
files = StoredFiles(Settings(data_directory=folder))
small = b"a\\n1\\n"

async def chunks(content):
    yield content

def receive(content, format):
    return asyncio.run(files.receive(chunks(content), format, 2**30))

receive(small, "csv")
before = sorted(folder.rglob("*"))
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, resource.RLIM_INFINITY))
# The original is too large, then its numbers are; both while they arrive and afterwards.
for content, format in (
    (b"a\\n" + b"1.00000000000000000000000\\n" * 100_000, "csv"),
    (b"a\\n" + b"1\\n" * 400_000, "csv"),
    (b'{"a":[' + b"1," * 400_000 + b"1]}", "json"),
    (sys.stdin.buffer.read(), "npy"),
):
    try:
        receive(content, format)
    except StorageFullError as error:
        print(error.message)
    assert sorted(folder.rglob("*")) == before, sorted(folder.rglob("*"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(receive(b"a\\n" + b"1\\n" * 400_000, "csv").rows)
"""


def test_a_full_disk_leaves_nothing_and_is_recovered_from(tmp_path):
    numbers = bytes(400_000)
    header = b"{'descr': '|i1', 'fortran_order': False, 'shape': (400000, 1)}"
    file = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + numbers

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        input=file,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().splitlines() == ["found no room on the disk"] * 4 + ["400000"]
