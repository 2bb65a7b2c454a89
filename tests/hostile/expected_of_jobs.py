"""What each case about jobs is answered, by id; those of several requests run elsewhere."""

from tests.hostile.expected import Refused, invalid, not_found

NO_JOB = not_found("found no such job")
UNKNOWN_FIELD = "expected name, priority, metadata, kind, model, data"
OF_JOBS: dict[str, Refused] = {
    "jobs-01": invalid("/epochs", "found the number -1", ">= 1"),
    "jobs-07": invalid("/batch_size", "found the number 0", ">= 1"),
    "jobs-10": invalid("/seed", "0..2**63-1"),
    "jobs-13": invalid("/optimizer/momentum", "'momentum'"),
    "jobs-16": invalid("/tenant_id", "unknown field 'tenant_id'", UNKNOWN_FIELD),
    "jobs-19": invalid("/callback_url", "unknown field 'callback_url'", UNKNOWN_FIELD),
    "jobs-22": invalid("/data/dataset", "'http://127.0.0.1:8787/info'", "the pattern"),
    "jobs-25": invalid("/name", "found 1000000 characters", "at most 200"),
    **{f"jobs-{k}": NO_JOB for k in (37, 40, 43, 46)},
    "jobs-58": Refused("validation", ("Idempotency-Key", "1 to 255 visible ASCII")),
    "jobs-64": Refused("validation", ("limit", "'-1'", "a whole number from 1 to 100")),
    "jobs-67": Refused("validation", ("after", "next of a page")),
    "jobs-70": Refused("validation", ("status", "'donee'", "'queued', 'running'")),
}
# Cases that need keys, several requests or a server of their own, and where they are run.
ELSEWHERE: dict[str, str] = {
    **{f"jobs-{k:02}": "tests/hostile/test_jobs.py" for k in (4, 28, 31, 34, 49, 52, 61)},
    "jobs-55": "tests/hostile/test_keys.py",
    **{f"auth-{k:02}": "tests/hostile/test_keys.py" for k in range(1, 20, 3)},
    "sse-01": "tests/commands/test_event_streams.py",
}
