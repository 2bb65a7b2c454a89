"""`gradserve migrate`: the database brought up to what this version expects."""

from pathlib import Path

import click

from service.commands.stores import prepare_data_directory, store_errors
from service.settings import load_settings
from service.storage.opening import open_and_migrate


@click.command("migrate")
@click.option(
    "--data", "data_directory", type=click.Path(path_type=Path), help="Data directory."
)
@click.option("--database-url", help="Address of a PostgreSQL database.")
def command(data_directory: Path | None, database_url: str | None) -> None:
    """Bring the database up to this version; nothing happens if it is."""
    settings = load_settings({"data_directory": data_directory, "database_url": database_url})
    prepare_data_directory(settings.data_directory)
    with store_errors():
        database, migrated = open_and_migrate(settings)
        database.close()
    if migrated.before is None:
        click.echo(f"the database was empty: it is at revision {migrated.after} now")
    elif migrated.before == migrated.after:
        click.echo(f"the database is at revision {migrated.after} already: nothing to do")
    else:
        click.echo(
            f"the database was at revision {migrated.before}: "
            f"it is at revision {migrated.after} now"
        )
