"""Where a command keeps what it keeps: its data directory, the address of its database."""

import stat

import pytest
from click.testing import CliRunner

from service.commands import serve, worker
from service.commands.errors import CommandError
from service.commands.stores import prepare_data_directory


def test_a_new_data_directory_is_its_owners_alone(tmp_path):
    directory = tmp_path / "new" / "data"

    prepare_data_directory(directory)

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("command", [serve.command, worker.command], ids=["serve", "worker"])
def test_the_database_is_told_as_to_other_commands(command):
    shown = CliRunner().invoke(command, ["--help"]).output

    assert "--data PATH" in shown
    assert "--database-url TEXT" in shown


def test_a_file_is_no_data_directory(tmp_path):
    file = tmp_path / "file"
    file.write_text("")

    with pytest.raises(CommandError, match="file exists"):
        prepare_data_directory(file)
