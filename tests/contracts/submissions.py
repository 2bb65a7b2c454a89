"""Jobs as tests submit them."""

from service.jobs.job import Idempotency, Submission


def submission(request=b"{}", kind="train", **fields):
    return Submission(kind=kind, request=request, **fields)


def submit(store, tenant="ada", **fields):
    """A new job of the tenant."""
    return store.jobs.submit(tenant, submission(**fields))[0]


def key(text="k", body=b"{}"):
    return Idempotency(key=text, request_hash=body)
