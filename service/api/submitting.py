"""Jobs as they come in: checked, kept once for each Idempotency-Key, answered."""

from collections.abc import Mapping
from hashlib import sha256

from service.api.services import Services
from service.jobs.job import Document, Idempotency, Job
from service.jobs.kinds import JOB_KINDS
from service.jobs.packing import pack
from service.jobs.sources import Sources


def submit(
    services: Services, tenant: str, document: Document, key: str | None
) -> tuple[Job, bool]:
    """A new job, or the one of an earlier request with this key; whether it is an earlier.

    Raises:
        GradserveError: the request can be known to fail; then the key is not used up.
        IdempotencyKeyReusedError: the key was used for another request.
        QueueFullError: too many jobs wait.
    """
    idempotency = None if key is None else Idempotency(key=key, request_hash=_hash_of(document))
    if idempotency is not None:
        # Asked before the checks: what they look at may be gone by now, the answer is not.
        earlier = services.jobs.submitted(tenant, idempotency)
        if earlier is not None:
            return earlier, True
    sources = Sources(tenant, services.jobs, services.records, services.settings)
    kind = next(kind for name, kind in JOB_KINDS.items() if name == document["kind"])
    submission = kind.submission(document, sources)
    return services.jobs.submit(tenant, submission, idempotency)


def _hash_of(document: Document) -> bytes:
    """A hash that is the same however the request was written: order, spaces, binary or not."""
    return sha256(pack({"request": _in_order(document)})).digest()


def _in_order(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _in_order(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [_in_order(item) for item in value]
    return value
