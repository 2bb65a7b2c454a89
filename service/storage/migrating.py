"""Bringing a database up to what the code expects, by alembic; one starter at a time."""

from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from service.storage.schema import metadata

_LOCK = "gradserve migrate"
_FOLDER = Path(__file__).parent / "migrations"


class StoreError(Exception):
    """The store that the settings name cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """From which revision to which; None: there was nothing."""

    before: str | None
    after: str


def migrate(connection: Connection) -> Migrated:
    """Bring the database up to the code, within the transaction that goes on.

    Raises:
        StoreError: the database is newer than the code.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(_LOCK))))
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    assert head is not None
    before = MigrationContext.configure(connection).get_current_revision()
    if before is not None and before not in {each.revision for each in script.walk_revisions()}:
        raise StoreError(
            f"the database is newer than this gradserve: found revision {before!r}, "
            f"expected at most {head!r}; upgrade gradserve"
        )
    if before != head:
        _upgrade(connection, config, script, head)
    return Migrated(before, head)


def _upgrade(
    connection: Connection, config: Config, script: ScriptDirectory, head: str
) -> None:
    def steps(revision: object, _context: MigrationContext) -> list[RevisionStep]:
        return script._upgrade_revs(head, revision)  # type: ignore[arg-type]  # what its own command passes

    with EnvironmentContext(config, script, fn=steps, destination_rev=head) as environment:
        environment.configure(
            connection=connection, target_metadata=metadata, transactional_ddl=True
        )
        with environment.begin_transaction():
            environment.run_migrations()
