"""API keys in the database; the protocol KeyStore says what each method does."""

from typing import Any

from sqlalchemy import Row, func, select, update

from service.access import Key
from service.storage.database import Database, Transaction
from service.storage.rows import microseconds, read, seconds, seconds_or_none, written
from service.storage.schema import keys


class SqlKeyStore:
    """Keeps the keys of all tenants, never their secrets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> float:
        """The store's time."""
        return self._database.read(lambda transaction: seconds(transaction.now))

    def add_key(self, key: Key) -> None:
        """Keep a new key."""
        values = {
            "id": key.id,
            "tenant": key.tenant,
            "name": written(key.name),
            "scopes": " ".join(key.scopes),
            "secret_hash": key.secret_hash,
            "created_at": microseconds(key.created_at),
            "expires_at": _moment(key.expires_at),
            "revoked_at": _moment(key.revoked_at),
        }

        def step(transaction: Transaction) -> None:
            transaction.connection.execute(keys.insert().values(values))

        self._database.write(step)

    def key(self, key_id: str) -> Key | None:
        """The key of this id."""

        def step(transaction: Transaction) -> Key | None:
            query = select(keys).where(keys.c.id == key_id)
            row = transaction.connection.execute(query).one_or_none()
            return None if row is None else _key_of(row)

        return self._database.read(step)

    def keys(self) -> list[Key]:
        """All keys, the newest first."""

        def step(transaction: Transaction) -> list[Key]:
            query = select(keys).order_by(keys.c.created_at.desc(), keys.c.id)
            return [_key_of(row) for row in transaction.connection.execute(query)]

        return self._database.read(step)

    def revoke_key(self, key_id: str) -> Key | None:
        """Make a key useless; one that is revoked stays so from when it was."""

        def step(transaction: Transaction) -> Key | None:
            row = transaction.connection.execute(
                update(keys)
                .where(keys.c.id == key_id)
                .values(revoked_at=func.coalesce(keys.c.revoked_at, transaction.now))
                .returning(keys)
            ).one_or_none()
            return None if row is None else _key_of(row)

        return self._database.write(step, may_repeat=True)

    def has_keys(self) -> bool:
        """Whether there is any key."""
        any_key = select(keys.c.id).limit(1)
        return self._database.read(
            lambda transaction: transaction.connection.execute(any_key).first() is not None
        )


def _moment(moment: float | None) -> int | None:
    return None if moment is None else microseconds(moment)


def _key_of(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        tenant=row.tenant,
        name=read(row.name),
        scopes=tuple(row.scopes.split()),
        secret_hash=bytes(row.secret_hash),
        created_at=seconds(row.created_at),
        expires_at=seconds_or_none(row.expires_at),
        revoked_at=seconds_or_none(row.revoked_at),
    )
