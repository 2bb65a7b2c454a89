"""How the database finds rows, told by itself: along an index, however many jobs there are."""

import pytest
from sqlalchemy import event

from service.jobs.job import Outcome
from service.storage.schema import jobs
from tests.contracts.submissions import key, submission, submit

LEASE = 30.0
ID = "job_" + "7" * 26


def cancel(store):
    store.jobs.cancel("ada", submit(store).id)


def finish(store):
    store.work.finish(store.work.claim("w", LEASE), Outcome("succeeded", b"1"))


def release(store):
    store.work.release(store.work.claim("w", LEASE))


def reclaim(store):
    store.work.claim("w", LEASE)
    store.clock.move(2 * LEASE)
    store.work.reclaim()


ASKED = {
    "claim": lambda store: store.work.claim("w", LEASE),
    "finish": finish,
    "release": release,
    "reclaim": reclaim,
    "release_of": lambda store: store.work.release_of("w"),
    "submit": lambda store: store.jobs.submit("ada", submission(), key()),
    "job": lambda store: store.jobs.job("ada", submit(store).id),
    "page": lambda store: store.jobs.jobs("ada", limit=1),
    "page of a status": lambda store: store.jobs.jobs("ada", status="failed"),
    "page of a kind": lambda store: store.jobs.jobs("ada", kind="evaluate"),
    "page after another": lambda store: store.jobs.jobs(
        "ada", after=store.jobs.jobs("ada", limit=1).next
    ),
    "versions": lambda store: store.jobs.versions([ID]),
    "events": lambda store: store.jobs.events("ada", submit(store).id),
    "history": lambda store: store.jobs.history("ada", submit(store).id),
    "depth": lambda store: store.jobs.depth(),
    "cancel": cancel,
    "delete": lambda store: store.jobs.delete("ada", submit(store).id),
    "sweep": lambda store: store.work.sweep(),
}
# Of these, only few rows are there in all, or only the first is asked for.
SMALL = ("counters", "facts", "leftovers", "tenants", "waiting", "workers")
SHORT = {
    index.name for index in jobs.indexes if index.dialect_options["sqlite"]["where"] is not None
}


@pytest.mark.parametrize("name", ASKED)
def test_no_question_is_answered_by_reading_a_whole_table(make_store, name):
    store = make_store(job_retention_days=1)
    for _ in range(3):
        submit(store)
    engine = store.records.database.engine
    asked = {}

    def remember(_connection, _cursor, statement, parameters, _context, _is_many):
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            asked[statement] = parameters

    event.listen(engine, "before_cursor_execute", remember)
    try:
        ASKED[name](store)
    finally:
        event.remove(engine, "before_cursor_execute", remember)

    assert asked
    for statement, parameters in asked.items():
        steps = plan(engine, statement, parameters)
        whole = [step for step in steps if is_whole_table(step)]
        assert whole == [], "\n".join([statement, *steps])


def plan(engine, statement, parameters):
    """The steps of a query as the database would go; it is asked for, not run."""
    explain = "EXPLAIN" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with engine.connect() as connection, connection.begin() as transaction:
        if engine.dialect.name == "postgresql":
            # Of tables this small every query would read the whole; what can go along an
            # index is to do so.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        found = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
        transaction.rollback()
    return [str(row[-1]) for row in found]


def is_whole_table(step):
    words = step.replace("->", "").split()
    if words[:2] == ["Seq", "Scan"]:
        return words[3] not in SMALL
    if words[0] != "SCAN" or words[1] in (*SMALL, "CONSTANT") or words[1].startswith("anon_"):
        return False
    # An index of all rows, gone through from its start, is a whole table too.
    return "INDEX" not in words or words[words.index("INDEX") + 1] not in SHORT
