"""Files of datasets: kept by their content as they came, mapped, made again, forgotten."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from hashlib import sha256
from uuid import uuid4

import fsspec
import numpy as np
import pytest

from service.errors import (
    BadDatasetError,
    BodyTooLargeError,
    OverLimitError,
    RequestTimeoutError,
    UnavailableError,
)
from service.settings import Settings
from service.storage.files import StoredFiles
from tests.storage.tables_of_files import FILES, VALUES, npy_file, npz_file, record_of

MOST = 2**30


@pytest.fixture(params=["folder", "memory", "file"])
def settings(request, tmp_path):
    url = {
        "folder": None,
        "memory": f"memory://{uuid4().hex}",
        "file": f"file://{tmp_path}/far",
    }
    return Settings(data_directory=tmp_path / "data", files_url=url[request.param])


@pytest.fixture
def files(settings):
    return StoredFiles(settings)


async def chunks_of(content, size=7):
    for start in range(0, len(content), size):
        yield content[start : start + size]
        await asyncio.sleep(0)


def received(files, content, format, *, size=2**16, most=MOST):
    chunks = content if hasattr(content, "__aiter__") else chunks_of(content, size)
    return asyncio.run(files.receive(chunks, format, most))


def left(settings):
    """All files of the service but locks."""
    directory = settings.data_directory
    found = [p for p in directory.rglob("*") if p.is_file() and ".lock" not in p.name]
    if settings.files_url:
        system, folder = fsspec.url_to_fs(settings.files_url)
        found += system.find(folder)
    return found


@pytest.mark.parametrize("format", FILES)
def test_every_format_is_kept_as_it_came_and_mapped(files, settings, format):
    content = FILES[format]
    described = received(files, content, format)
    opened = files.open(record_of(described))

    assert described.sha256 == sha256(content).hexdigest()
    assert (described.bytes, described.rows, described.format) == (len(content), 3, format)
    assert [c.minimum for c in described.columns] == VALUES.min(axis=0).tolist()
    assert b"".join(files.content(described.sha256)) == content
    assert opened.values.tobytes() == VALUES.tobytes()
    assert isinstance(opened.values, np.memmap)
    assert len(left(settings)) == 2


def test_the_same_content_is_stored_once(files, settings):
    first = received(files, FILES["csv"], "csv")
    second = received(files, FILES["csv"], "csv", size=3)

    assert first == second
    assert len(left(settings)) == 2


def test_the_same_content_at_once_is_stored_once(files, settings):
    async def all_at_once():
        return await asyncio.gather(
            *(files.receive(chunks_of(FILES["csv"]), "csv", MOST) for _ in range(12))
        )

    found = asyncio.run(all_at_once())

    assert len(set(found)) == 1
    assert len(left(settings)) == 2
    assert files.open(record_of(found[0])).values.tobytes() == VALUES.tobytes()


@pytest.mark.parametrize("size", [1, 2**19, 2**20])
def test_empty_chunks_change_nothing(files, size):
    async def chunks():
        yield b""
        yield b"a\n" + b"1" * (size - 3) + b"\n"
        yield b""

    with pytest.raises(BadDatasetError, match="found"):
        received(files, chunks(), "npy")


async def endless_after(start):
    yield start
    for _ in range(10_000):
        yield b"1,2\n" * 2**17
    raise AssertionError("read to the end")


async def cut_after(content, error):
    yield content
    raise error


def test_an_early_bad_row_ends_the_upload_early(files, settings):
    with pytest.raises(BadDatasetError, match=r"row 2 .*column 'b'"):
        received(files, endless_after(b"a,b\n1,2\n3,x\n"), "csv")

    assert left(settings) == []


BAD = {
    "empty": ("csv", b"", "found an empty file"),
    "ragged": ("csv", b"a,b\n1,2\n3\n", "row 2 .*: found 1 cell, expected 2"),
    "word": ("csv", b"a,b\n1,2\n3,x\n", "row 2 .*column 'b' .*found 'x', expected a number"),
    "nan": ("csv", b"a\nnan\n", "row 1 .*column 'a' .*found 'nan', expected a finite"),
    "empty npy": ("npy", b"", "expected the NPY header"),
    "nan npy": ("npy", npy_file(np.array([[1.0], [np.inf]])), "row 2, column 'c0' .*found inf"),
    "lying npy": ("npy", FILES["npy"][:-8], "found 40 bytes of numbers, expected 48"),
    "huge npy": ("npy", FILES["npy"].replace(b"(3, 2)", b"(3" + b"0" * 12 + b", 2)")[:-12],
                 "bytes of numbers, expected"),
    "objects": ("npy", b"\x93NUMPY\x01\x00\x36\x00"
                + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "pickled objects"),
    "cut zip": ("npz", FILES["npz"][:-30], "archive cannot be read"),
    "empty zip": ("npz", b"", "archive cannot be read"),
    "cut parquet": ("parquet", FILES["parquet"][:-9], "cannot be read"),
    "empty parquet": ("parquet", b"", "cannot be read"),
    "cut json": ("json", FILES["json"][:-2], "expected ',' or '\\]'"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_nothing_is_left_of_a_bad_file(files, settings, case):
    format, content, message = BAD[case]
    with pytest.raises(BadDatasetError, match=message):
        received(files, content, format)

    assert left(settings) == []


@pytest.mark.parametrize("format", FILES)
@pytest.mark.parametrize(
    "error", [RequestTimeoutError("slow"), ConnectionError("gone"), asyncio.CancelledError()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_nothing_is_left_of_an_upload_that_is_cut(files, settings, format, error):
    with pytest.raises(type(error)):
        received(files, cut_after(FILES[format][:20], error), format)

    assert left(settings) == []
    assert not any((settings.data_directory / "uploads").iterdir())


def test_what_is_too_large_is_refused_and_nothing_left(files, settings):
    with pytest.raises(BodyTooLargeError, match="limit max_dataset_bytes is 1000"):
        received(files, b"a\n" + b"1\n" * 2**20, "csv", most=1000)
    with pytest.raises(OverLimitError, match="limit of 8,000 bytes"):
        received(files, npz_file(x=np.ones(100_000, np.int8)), "npz", most=1000)

    assert left(settings) == []


@pytest.mark.parametrize("format", FILES)
def test_a_cache_that_is_missing_or_cut_short_is_made_again(files, settings, format):
    record = record_of(received(files, FILES[format], format))
    (cached,) = (settings.data_directory / "cache").glob("*.npy")

    for content in (None, b"", cached.read_bytes()[:-8], b"\0" * cached.stat().st_size):
        cached.unlink()
        if content is not None:
            cached.write_bytes(content)
        assert files.open(record).values.tobytes() == VALUES.tobytes()
        assert cached.stat().st_size == 128 + VALUES.nbytes


def test_many_make_a_missing_cache_at_once(files, settings):
    record = record_of(received(files, FILES["csv"], "csv"))
    (cached,) = (settings.data_directory / "cache").glob("*.npy")
    cached.unlink()
    found = []

    def look():
        found.append(StoredFiles(settings).open(record).values.tobytes())

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [VALUES.tobytes()] * 8
    assert len(left(settings)) == 2


def original_of(settings, digest):
    if settings.files_url is None:
        return settings.data_directory / "files" / digest[:2] / digest
    system, folder = fsspec.url_to_fs(settings.files_url)
    return system, f"{folder}/{digest[:2]}/{digest}"


def test_an_original_that_has_changed_or_is_gone_is_told(files, settings):
    record = record_of(received(files, FILES["csv"], "csv"))
    (cached,) = (settings.data_directory / "cache").glob("*.npy")
    cached.unlink()
    place = original_of(settings, record.sha256)
    changed = FILES["csv"].replace(b"3.25", b"3.35")
    if settings.files_url is None:
        place.write_bytes(changed)
    else:
        place[0].pipe_file(place[1], changed)

    with pytest.raises(UnavailableError, match="not what it was"):
        files.open(record)

    if settings.files_url is None:
        place.unlink()
    else:
        place[0].rm_file(place[1])
    with pytest.raises(UnavailableError, match="is gone"):
        files.open(record)
    with pytest.raises(UnavailableError, match="is gone"):
        next(files.content(record.sha256))
    assert left(settings) == []


def test_a_file_of_the_machine_is_moved_and_kept(files, settings, tmp_path):
    path = tmp_path / "result.npy"
    path.write_bytes(FILES["npy"])

    described = files.keep(path, "npy")

    assert not path.exists()
    assert described == received(files, FILES["npy"], "npy")
    assert len(left(settings)) == 2


def test_what_nobody_names_is_forgotten_once_it_is_old(files, settings):
    kept = received(files, FILES["csv"], "csv")
    other = received(files, FILES["npy"], "npy")

    assert files.forget_all_but({kept.sha256}, 3600) == 0
    assert len(left(settings)) == 4
    time.sleep(0.01)
    assert files.forget_all_but({kept.sha256}, 0) == 1
    assert len(left(settings)) == 2
    assert b"".join(files.content(kept.sha256)) == FILES["csv"]
    with pytest.raises(UnavailableError, match="is gone"):
        next(files.content(other.sha256))


def test_a_file_that_is_put_again_is_as_new(files, settings):
    described = received(files, FILES["csv"], "csv")
    if settings.files_url is None:
        os.utime(original_of(settings, described.sha256), (0, 0))
        os.utime(next((settings.data_directory / "cache").glob("*.npy")), (0, 0))
    kept_before = set()

    assert received(files, FILES["csv"], "csv") == described
    assert files.forget_all_but(kept_before, 3600) == 0
    assert files.open(record_of(described)).values.tobytes() == VALUES.tobytes()


def test_numbers_that_a_job_reads_stay_though_their_file_is_forgotten(files):
    values = files.open(record_of(received(files, FILES["csv"], "csv"))).values
    time.sleep(0.01)

    assert files.forget_all_but(set(), 0) == 1
    assert values.tobytes() == VALUES.tobytes()


CRASH = """
import asyncio, os, sys
from service.settings import Settings
from service.storage.files import StoredFiles

async def chunks():
    for _ in range(4):
        yield b"1,2\\n" * 2**18
    print("half", flush=True)
    await asyncio.sleep(60)

files = StoredFiles(Settings(data_directory=sys.argv[1]))
asyncio.run(files.receive(chunks(), "csv", 2**30))
"""


def test_what_a_crash_leaves_is_cleared_and_what_goes_on_is_not(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", CRASH, str(tmp_path)], stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"half\n"
        (folder,) = (tmp_path / "uploads").iterdir()
        os.utime(folder, (0, 0))
        StoredFiles(Settings(data_directory=tmp_path))
        while_it_goes_on = list(folder.iterdir())
        process.kill()
    os.utime(folder, (0, 0))

    StoredFiles(Settings(data_directory=tmp_path))

    assert while_it_goes_on
    assert list((tmp_path / "uploads").iterdir()) == []
