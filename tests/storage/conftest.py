"""The stores, for the tests here."""

from tests.contracts.stores import (  # noqa: F401
    backend,
    database_url,
    empty_file,
    make_store,
    postgresql,
    postgresql_engine,
    store,
)
