"""Upkeep over real stores: files of forgotten datasets go, those of a record stay."""

import os
from hashlib import sha256

from service.jobs.upkeep import SWEEPS_PER_LOOK_AT_FILES, Upkeep
from service.settings import Settings
from service.stores import build_stores
from tests.storage.tables_of_files import FILES, VALUES


def names(directory):
    return sorted(p.name for p in directory.rglob("*") if p.is_file() and p.name[0] != ".")


def kept(stores, format):
    """What a job does with its result: kept as a file, and recorded later."""
    with stores.files.scratch() as scratch:
        path = scratch / f"result.{format}"
        path.write_bytes(FILES[format])
        return stores.files.keep(path, format)


def look(stores):
    now = [0.0]
    upkeep = Upkeep(stores.work, stores.records, stores.files, 30.0, 1.0, clock=lambda: now[0])
    for _ in range(SWEEPS_PER_LOOK_AT_FILES):
        now[0] += 1.0
        upkeep.look()


def test_files_go_with_their_last_record_unless_they_wait_for_it(tmp_path):
    stores = build_stores(Settings(data_directory=tmp_path))
    named, deleted, never, waiting = (
        kept(stores, format) for format in ("csv", "npy", "npz", "json")
    )
    first = stores.records.add_dataset("local", None, named)
    second = stores.records.add_dataset("other", "the same", named)
    gone = stores.records.add_dataset("local", None, deleted)
    stores.records.delete_dataset("local", gone.id)
    stores.records.delete_dataset("local", first.id)
    for path in [*(tmp_path / "files").glob("??/*"), *(tmp_path / "cache").glob("*.npy")]:
        if not path.name.startswith(waiting.sha256):
            os.utime(path, (0, 0))

    look(stores)

    expected = sorted([named.sha256, waiting.sha256])
    assert never.sha256 == sha256(FILES["npz"]).hexdigest() not in expected
    assert [p for p in names(tmp_path / "files") if len(p) == 64] == expected
    assert [name[:64] for name in names(tmp_path / "cache")] == expected
    assert stores.files.open(second).values.tobytes() == VALUES.tobytes()
    stores.records.add_dataset("local", None, waiting)
    look(stores)
    assert [p for p in names(tmp_path / "files") if len(p) == 64] == expected
