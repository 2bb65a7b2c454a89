"""Records of datasets, and keys: what is kept of them, and who sees it."""

import pytest

from service.access import Key, hash_of
from service.errors import InUseError, NotFoundError, ValidationError
from service.jobs.datasets import Described
from service.jobs.job import Outcome
from service.training.data import Column
from tests.contracts.submissions import submit

DESCRIBED = Described(
    format="csv",
    rows=3,
    columns=(Column("x", "int64", -1.0, 2.0), Column("ü\0", "float64", 0.1, 1e300)),
    bytes=10,
    sha256="ab" * 32,
)


@pytest.fixture
def records(store):
    return store.records.datasets


def key(key_id="1" * 16, **fields):
    given = {
        "tenant": "ada",
        "name": "n\0",
        "scopes": ("jobs", "metrics"),
        "secret_hash": hash_of("s"),
        "created_at": 1000.5,
    }
    return Key(id=key_id, **(given | fields))


def test_a_dataset_is_kept_as_it_is_described(records):
    made = records.add_dataset("ada", "n\0é", DESCRIBED)

    found = records.dataset("ada", made.id)

    assert found == made
    assert (found.name, found.columns) == ("n\0é", DESCRIBED.columns)
    assert records.kept_files() == {DESCRIBED.sha256}


@pytest.mark.parametrize("dataset_id", ["another's", "ds_" + "0" * 26, "", "\0", "ds_\ud800"])
def test_a_dataset_that_is_anothers_or_none_is_not_found(records, dataset_id):
    made = records.add_dataset("bob", None, DESCRIBED)
    asked = made.id if dataset_id == "another's" else dataset_id

    with pytest.raises(NotFoundError, match=r"^found no such dataset$"):
        records.dataset("ada", asked)
    with pytest.raises(NotFoundError, match=r"^found no such dataset$"):
        records.delete_dataset("ada", asked)

    assert records.datasets("ada").items == ()
    assert records.datasets("bob").items == (made,)


def test_pages_of_datasets_miss_none(records):
    made = [records.add_dataset("ada", str(number), DESCRIBED) for number in range(5)]

    first = records.datasets("ada", limit=2)
    second = records.datasets("ada", limit=10, after=first.next)

    assert first.items + second.items == tuple(made[::-1])
    assert second.next is None
    with pytest.raises(ValidationError, match="after: found 'x'"):
        records.datasets("ada", after="x")


def test_a_dataset_is_deleted_only_when_no_job_goes_on_with_it(store, records):
    made, other = (records.add_dataset("ada", None, DESCRIBED) for _ in range(2))
    submit(store, datasets=(made.id, made.id))
    with pytest.raises(InUseError, match="a job that uses the dataset"):
        records.delete_dataset("ada", made.id)
    records.delete_dataset("ada", other.id)
    claim = store.work.claim("w", 30)
    with pytest.raises(InUseError, match="a job that uses the dataset"):
        records.delete_dataset("ada", made.id)

    store.work.finish(claim, Outcome("succeeded", b""))

    records.delete_dataset("ada", made.id)
    assert records.kept_files() == set()


def test_a_key_comes_back_as_it_was_kept(store):
    keys = store.records.keys
    assert not keys.has_keys()
    made = [key(), key("2" * 16, created_at=2000.0, expires_at=3000.25)]
    for each in made:
        keys.add_key(each)

    assert keys.keys() == made[::-1]
    assert keys.key("1" * 16) == made[0]
    assert keys.key("3" * 16) is None
    assert keys.has_keys()


def test_a_revoked_key_stays_revoked_from_when_it_was(store):
    keys = store.records.keys
    keys.add_key(key())

    first = keys.revoke_key("1" * 16)
    store.clock.move(100)
    again = keys.revoke_key("1" * 16)

    assert first.revoked_at is not None
    assert not first.opens("s", keys.now())
    assert again == first == keys.key("1" * 16)
    assert keys.revoke_key("2" * 16) is None
    assert keys.has_keys()
