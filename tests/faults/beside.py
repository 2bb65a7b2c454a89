"""The database of a service, looked at by a test beside all who work with it."""

import fcntl
import sqlite3
import time
from contextlib import closing

import psycopg
from psycopg.rows import dict_row

LOCKED_SECONDS = 0.2


def beside(settings):
    """The database that the settings name."""
    if settings.database_url is None:
        return SqliteFile(settings.data_directory / "gradserve.sqlite3")
    return PostgresqlServer(settings.database_url.replace("+psycopg", ""))


class SqliteFile:
    """A file, and the one beside it that whoever writes has locked."""

    def __init__(self, path):
        self._path = path

    def rows(self, query, values=()):
        """Rows by column."""
        with closing(sqlite3.connect(self._path, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def is_locked(self):
        """Whether nobody can write, for a while."""
        until = time.monotonic() + LOCKED_SECONDS
        with self._path.with_name(f"{self._path.name}-turns").open() as turns:
            while time.monotonic() < until:
                try:
                    fcntl.flock(turns, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    time.sleep(0.005)
                else:
                    return False
        return True

    def damages(self):
        """What is broken."""
        found = [row["integrity_check"] for row in self.rows("PRAGMA integrity_check")]
        return [line for line in found if line != "ok"]


class PostgresqlServer:
    """A database of a server, and what the server tells of its connections."""

    def __init__(self, url):
        self._url = url

    def rows(self, query, values=()):
        """Rows by column."""
        with psycopg.connect(self._url, row_factory=dict_row, autocommit=True) as connection:
            return connection.execute(query.replace("?", "%s"), values).fetchall()

    def is_locked(self):
        """Whether some transaction goes on in which nothing happens, for a while."""
        (row,) = self.rows(
            "SELECT count(*) AS idle FROM pg_stat_activity WHERE datname = current_database() "
            "AND state LIKE 'idle in transaction%%' "
            "AND state_change < clock_timestamp() - make_interval(secs => ?)",
            (LOCKED_SECONDS,),
        )
        return row["idle"] > 0

    def cut(self):
        """End every connection that an API or a worker has; how many there were."""
        return len(
            self.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                "current_database() AND application_name = 'gradserve'"
            )
        )

    def damages(self):
        """Indexes that do not agree with their tables."""
        self.rows_of_nothing("CREATE EXTENSION IF NOT EXISTS amcheck")
        indexes = self.rows(
            "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind = 'i' AND n.nspname = 'public'"
        )
        return [row["oid"] for row in indexes if not self._is_whole(row["oid"])]

    def rows_of_nothing(self, statement):
        """Run a statement that gives no rows."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement)

    def _is_whole(self, index):
        try:
            self.rows("SELECT bt_index_check(?::oid::regclass, true)::text", (index,))
        except psycopg.errors.IndexCorrupted:
            return False
        return True
