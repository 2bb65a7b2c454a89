"""`gradserve keys` and `gradserve migrate`, as one calls them in a terminal."""

import re

import pytest
from click.testing import CliRunner

from service.access import parts_of
from service.commands.keys import command as keys
from service.commands.migrate import command as migrate
from service.settings import Settings
from service.storage.stores import open_records


@pytest.fixture
def run(tmp_path):
    def call(command, *arguments):
        return CliRunner().invoke(command, [*arguments, "--data", str(tmp_path)])

    return call


@pytest.fixture
def stored(tmp_path):
    def key(key_id):
        records = open_records(Settings(data_directory=tmp_path))
        found = records.keys.key(key_id)
        records.database.close()
        return found

    return key


def test_a_new_key_is_printed_once_and_opens(run, stored):
    made = run(keys, "create", "--tenant", "ada", "--name", "laptop", "--expires", "30d")

    key_id, secret = parts_of(made.stdout.strip())
    key = stored(key_id)
    listed = run(keys, "list").output
    assert made.exit_code == 0
    assert (key.tenant, key.name) == ("ada", "laptop")
    assert key.scopes == ("compute", "jobs", "datasets")
    assert key.expires_at - key.created_at == pytest.approx(30 * 86_400)
    assert key.opens(secret, key.created_at)
    assert key_id in listed
    assert secret not in listed
    assert secret not in made.stderr


def test_a_key_has_the_scopes_it_is_given(run, stored):
    made = run(keys, "create", "--tenant", "a", "--scope", "metrics", "--scope", "jobs")

    assert stored(parts_of(made.stdout.strip())[0]).scopes == ("jobs", "metrics")


def test_a_revoked_key_is_listed_as_such(run, stored):
    key_id = parts_of(run(keys, "create", "--tenant", "ada").stdout.strip())[0]

    assert run(keys, "revoke", key_id).output == f"key {key_id} is revoked\n"

    assert stored(key_id).revoked_at is not None
    assert re.search(f"{key_id} .*revoked", run(keys, "list").output)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "--tenant", "a b"], "--tenant: found 'a b', expected at most 64"),
        (["create", "--tenant", "a", "--expires", "soon"], "--expires: found 'soon'"),
        (["create", "--tenant", "a", "--expires", "2020-01-31"], "expected a time to come"),
        (["create", "--tenant", "a", "--expires", "999999w"], "within a hundred years"),
        (["create", "--tenant", "a", "--name", "\n"], "--name: found"),
        (["create", "--tenant", "a", "--scope", "all"], "'all' is not one of"),
        (["revoke", "\0"], "found no key"),
    ],
)
def test_what_cannot_be_done_is_said(run, arguments, message):
    run(migrate)

    answer = run(keys, *arguments)

    assert answer.exit_code == 2
    assert message in answer.output


@pytest.mark.parametrize("arguments", [["list"], ["revoke", "0123456789"]], ids=str)
def test_a_folder_that_is_mistyped_is_named_and_not_made(tmp_path, arguments):
    folder = tmp_path / "tpyo"

    answer = CliRunner().invoke(keys, [*arguments, "--data", str(folder)])

    assert answer.exit_code == 2
    assert f"data directory {str(folder)!r}: found no database" in answer.output
    assert not folder.exists()


def test_a_store_without_keys_is_told_as_such(run):
    run(migrate)

    answer = run(keys, "list")

    assert (answer.exit_code, answer.stderr) == (0, "there are no keys\n")


def test_migrate_says_what_it_did(run):
    assert run(migrate).output == "the database was empty: it is at revision 0001 now\n"
    assert "at revision 0001 already" in run(migrate).output
