"""The tables. Times are whole microseconds since 1970 of the store's clock; texts are JSON.

Names, documents and metadata are JSON with ASCII letters alone, so that no character of a
client is one that a database refuses.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnClause,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
)

metadata = MetaData()

facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

tenants = Table(
    "tenants",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("turn", BigInteger, nullable=False),  # the higher, the later it was served
    Index("tenants_by_turn", "turn"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text),
    Column("status", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lost_claims", Integer, nullable=False),
    Column("owner", String(64)),
    Column("lease_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("progress", Text),
    Column("error", Text),
    Column("metadata", Text, nullable=False),
    Column("environment", Text),
    Column("version", Integer, nullable=False),
)
# Statuses are written out: a partial index serves only what names its condition literally.
QUEUED: ColumnClause[str] = literal_column("'queued'")
RUNNING: ColumnClause[str] = literal_column("'running'")
_is_queued, _is_running = jobs.c.status == QUEUED, jobs.c.status == RUNNING
_is_finished = jobs.c.finished_at.is_not(None)
Index("jobs_of_tenant", jobs.c.tenant, jobs.c.created_at, jobs.c.id)
Index("jobs_of_status", jobs.c.tenant, jobs.c.status, jobs.c.created_at, jobs.c.id)
Index("jobs_of_kind", jobs.c.tenant, jobs.c.kind, jobs.c.created_at, jobs.c.id)
Index(
    "jobs_waiting",
    jobs.c.tenant,
    jobs.c.priority.desc(),
    jobs.c.created_at,
    jobs.c.id,
    sqlite_where=_is_queued,
    postgresql_where=_is_queued,
)
Index(
    "jobs_by_age",
    jobs.c.created_at,
    jobs.c.status,  # with it the index alone is enough to count by
    sqlite_where=_is_queued,
    postgresql_where=_is_queued,
)
# Three, as a count by tenant, leases that are over and a worker's jobs are asked for apart.
for _name, _column in (
    ("jobs_running", jobs.c.tenant),
    ("jobs_leased", jobs.c.lease_until),
    ("jobs_owned", jobs.c.owner),
):
    Index(_name, _column, sqlite_where=_is_running, postgresql_where=_is_running)
Index(
    "jobs_finished",
    jobs.c.finished_at,
    sqlite_where=_is_finished,
    postgresql_where=_is_finished,
)

blobs = Table(
    "blobs",
    metadata,
    Column("job_id", String(40), primary_key=True),
    Column("name", String(16), primary_key=True),
    Column("content", LargeBinary),
    Column("file", String(64)),  # where the content is if it is large
    Index("blobs_in_files", "file"),
)

events = Table(
    "events",
    metadata,
    Column("job_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", String(16), nullable=False),
    Column("data", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

history = Table(
    "history",
    metadata,
    Column("job_id", String(40), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("loss", Double),  # SQLite keeps what is not a number as NULL
    Column("validation_loss", Double),
    Column("gradient_norm", Double),
    Column("learning_rate", Double),
    sqlite_with_rowid=False,
)

leftovers = Table(  # jobs that are deleted, but not yet their events and history
    "leftovers",
    metadata,
    Column("job_id", String(40), primary_key=True),
)

job_datasets = Table(
    "job_datasets",
    metadata,
    Column("job_id", String(40), primary_key=True),
    Column("dataset_id", String(40), primary_key=True),
    Index("job_datasets_by_dataset", "dataset_id"),
    sqlite_with_rowid=False,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("key_hash", String(64), primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("job", Text, nullable=False),  # as it was when it was submitted
    Column("expires_at", BigInteger, nullable=False),
    Index("idempotency_by_end", "expires_at"),
)

datasets = Table(
    "datasets",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("name", Text),
    Column("format", String(16), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("columns", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("datasets_of_tenant", "tenant", "created_at", "id"),
    Index("datasets_by_content", "sha256"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)

workers = Table(
    "workers",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("seen_until", BigInteger, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("label", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
