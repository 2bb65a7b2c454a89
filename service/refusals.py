"""What is refused whatever a request asks for: its form, its sender, the state of things."""

from service.faults import GradserveError


class MalformedJsonError(GradserveError):
    """The body is not strict JSON.

    The body is not strict JSON: UTF-8, no NaN or Infinity, nothing after the value.
    → Look at the offset in the message; write the body with a JSON library.
    """

    code, kind = "malformed_json", "malformed"


class DuplicateKeyError(GradserveError):
    """A JSON object names a key twice.

    A JSON object names a key twice, so that it is not clear which value is meant.
    → Leave one of the two out; the message has the key and its offset.
    """

    code, kind = "duplicate_key", "malformed"


class MalformedRequestError(GradserveError):
    """The request is not valid HTTP.

    The request is not valid HTTP, or names a host that the service does not serve.
    → Look at the message; use an HTTP client library.
    """

    code, kind = "malformed_request", "malformed"


class UnauthenticatedError(GradserveError):
    """A key is needed.

    The request has no API key, or one that is not known, has expired or is revoked.
    → Send Authorization: Bearer gs_…; gradserve keys create makes a key.
    """

    code, kind = "unauthenticated", "unauthenticated"


class ForbiddenError(GradserveError):
    """The key does not allow this.

    The API key is good, but lacks the scope that this route needs.
    → Use a key that has the scope in the message.
    """

    code, kind = "forbidden", "forbidden"


class NotFoundError(GradserveError):
    """Nothing is at this address.

    Nothing is at this address.
    → Look at /docs for the routes.
    """

    code, kind = "not_found", "missing"


class MethodNotAllowedError(GradserveError):
    """The method is not allowed here.

    The path exists, but not with this method.
    → Use a method that the Allow header lists.
    """

    code, kind = "method_not_allowed", "wrong_method"


class NotAcceptableError(GradserveError):
    """No accepted media type can be served.

    The Accept header allows no media type that the route can answer with.
    → Accept application/json.
    """

    code, kind = "not_acceptable", "not_acceptable"


class RequestTimeoutError(GradserveError):
    """The request did not arrive in time.

    The header or the body of the request did not arrive in time.
    → Send it without pauses; compress nothing, split large inputs.
    """

    code, kind = "request_timeout", "slow"


class BodyTooLargeError(GradserveError):
    """The body is larger than the limit.

    The request's body is larger than the service takes.
    → Send fewer numbers, or raise GRADSERVE_MAX_BODY_BYTES on your own service.
    """

    code, kind = "body_too_large", "too_large"


class IdempotencyConflictError(GradserveError):
    """A request with the same Idempotency-Key is being answered.

    A request with the same Idempotency-Key is being answered at this moment.
    → Send the same request again after the time in Retry-After.
    """

    code, kind = "idempotency_conflict", "conflict"
    retry_after = 1


class AlreadyFinishedError(GradserveError):
    """The job has ended.

    The job has ended, so that it cannot be cancelled any more.
    → Read its status; a job that has ended never changes.
    """

    code, kind = "already_finished", "conflict"


class NotFinishedError(GradserveError):
    """The job has no result.

    The job has not ended yet, or it has failed or was cancelled.
    → Wait with GET /v1/jobs/{id}?wait_seconds=30; train on from a job that has failed.
    """

    code, kind = "not_finished", "conflict"


class InUseError(GradserveError):
    """It is in use.

    The job is running, or a job that has not ended uses the dataset.
    → Cancel the job, or wait for its end.
    """

    code, kind = "in_use", "conflict"


class UnsupportedMediaTypeError(GradserveError):
    """The media type is not supported.

    The body is not plain JSON, or nothing says that it is.
    → Send Content-Type: application/json and no Content-Encoding.
    """

    code, kind = "unsupported_media_type", "media_type"


class HeaderTooLargeError(GradserveError):
    """The header is larger than the limit.

    The request's header is larger than the service takes.
    → Send fewer or shorter header fields.
    """

    code, kind = "header_too_large", "header_too_large"


class IdempotencyKeyReusedError(GradserveError):
    """The Idempotency-Key was used for another request.

    The Idempotency-Key was used before, for a request with another body.
    → Send the first body again, or take a new key.
    """

    code, kind = "idempotency_key_reused", "unprocessable"


class RateLimitedError(GradserveError):
    """There are too many requests.

    More requests came with this key than its rate limit allows.
    → Try again after the time in Retry-After; the RateLimit headers tell what is left.
    """

    code, kind = "rate_limited", "too_many"


class QueueFullError(GradserveError):
    """The queue is full.

    As many jobs are waiting as the service, or one tenant, may have.
    → Try again after the time in Retry-After, or cancel jobs that wait.
    """

    code, kind = "queue_full", "too_many"
    retry_after = 5


class UnavailableError(GradserveError):
    """The service cannot answer now.

    The service cannot answer now.
    → Try again after the time in Retry-After.
    """

    code, kind = "unavailable", "busy"
    retry_after = 2


class DrainingError(GradserveError):
    """The service is stopping.

    The service is stopping and takes nothing new; what it has promised is kept.
    → Try again after the time in Retry-After.
    """

    code, kind = "draining", "busy"
    retry_after = 5


class StorageFullError(GradserveError):
    """The storage is full.

    The disk, or the database, has no room left; nothing of the request was kept.
    → Try again after the time in Retry-After; the operator has to make room.
    """

    code, kind = "storage_full", "busy"
    retry_after = 30


class InternalError(GradserveError):
    """The service failed; the fault is ours.

    The service failed in a way nobody foresaw. The fault is ours, not the request's.
    → Report it with the request's id, which is in the service's log.
    """

    code, kind = "internal", "internal"
