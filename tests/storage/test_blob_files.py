"""Large contents beside the database, in a folder or under a URL, and what is left of them."""

import fsspec
import pytest

from service.settings import Settings
from service.storage import sweeping
from service.storage.blob_files import FolderBlobs, RemoteBlobs
from service.storage.opening import FILE_NAME, open_sqlite
from service.storage.stores import records_of
from tests.contracts.stores import MovedClock
from tests.contracts.submissions import submission

LARGE = b"x" * (300 * 1024)
KINDS = ["folder", "file", "memory"]


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    """Where contents are, as the setting `files_url` has it."""
    if request.param == "folder":
        yield None
    elif request.param == "file":
        yield f"file://{tmp_path}/remote"
    else:
        yield "memory://contents"
        fsspec.filesystem("memory").store.clear()


@pytest.fixture
def records(place, tmp_path):
    database, _ = open_sqlite(tmp_path / FILE_NAME, MovedClock())
    yield records_of(database, Settings(data_directory=tmp_path, files_url=place))
    database.close()


def files_of(place, tmp_path):
    return FolderBlobs(tmp_path / "files" / "blobs") if place is None else RemoteBlobs(place)


def test_what_is_written_is_read_until_it_is_removed(place, tmp_path):
    files = files_of(place, tmp_path)

    name = files.write(LARGE)

    assert files_of(place, tmp_path).read(name) == LARGE
    assert list(files.older_than(-1.0)) == [name]
    assert list(files.older_than(3600.0)) == []
    files.remove(name)
    files.remove(name)
    assert files.read(name) is None
    assert list(files.older_than(-1.0)) == []


def test_a_job_with_large_contents_leaves_nothing(records, place, tmp_path):
    job, _ = records.jobs.submit("ada", submission(LARGE))
    claim = records.work.claim("w", 30.0)
    for content in (LARGE + b"1", LARGE + b"2"):
        records.work.save_checkpoint(claim, content)

    assert claim.request == LARGE
    assert records.jobs.checkpoint("ada", job.id) == LARGE + b"2"
    assert len(list(files_of(place, tmp_path).older_than(-1.0))) == 2
    records.work.release(claim)
    records.jobs.delete("ada", job.id)
    assert list(files_of(place, tmp_path).older_than(-1.0)) == []


def test_a_sweep_removes_old_files_that_no_row_names(records, place, tmp_path, monkeypatch):
    job, _ = records.jobs.submit("ada", submission(LARGE))
    orphan = files_of(place, tmp_path).write(LARGE)

    assert records.work.sweep() == 0  # it may be on its way to its row
    monkeypatch.setattr(sweeping, "ORPHAN_SECONDS", -1.0)
    assert records.work.sweep() == 1

    assert files_of(place, tmp_path).read(orphan) is None
    assert records.jobs.request("ada", job.id) == LARGE
