"""The tree of deliberate errors: a stable code, a kind and fields; never an HTTP status.

GradserveError
├── MalformedJsonError  DuplicateKeyError  MalformedRequestError
├── UnauthenticatedError  ForbiddenError
├── NotFoundError  MethodNotAllowedError  NotAcceptableError  RequestTimeoutError
├── IdempotencyConflictError  AlreadyFinishedError  NotFinishedError  InUseError
├── BodyTooLargeError  UnsupportedMediaTypeError  HeaderTooLargeError
├── ValidationError
├── ExpressionError
│   ├── ExpressionSyntaxError  UnknownNameError  UnknownFunctionError
│   ├── WrongArgumentsError  ShapeMismatchError  NotScalarError  NotSquareError
│   └── NonFiniteResultError  SingularMatrixError  DomainError
├── NonFiniteInputError  BadDatasetError  DivergedError  WorkerLostError
├── OverLimitError  BudgetExceededError  DeadlineExceededError
├── IdempotencyKeyReusedError
├── RateLimitedError  QueueFullError
└── UnavailableError  DrainingError  StorageFullError  InternalError
"""

from service.faults import Fault as Fault
from service.faults import GradserveError as GradserveError


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
    """The job has not ended yet.

    The job has no result yet, or has ended without one.
    → Wait with GET /v1/jobs/{id}?wait_seconds=30, or follow its events.
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


class ValidationError(GradserveError):
    """The request does not fit its schema.

    The body is JSON but does not fit the request's schema.
    → Each entry of errors has a pointer to the place and says what was expected.
    """

    code, kind = "validation", "unprocessable"


class ExpressionError(GradserveError):
    """What is wrong with an expression; `start` and `end` name the place."""

    kind = "unprocessable"


class ExpressionSyntaxError(ExpressionError):
    """The expression is not in the language.

    The expression is not in the language.
    → The caret in the message shows the place; a product is always written out: 3*x.
    """

    code = "syntax_error"


class UnknownNameError(ExpressionError):
    """A name is not declared.

    The expression, or wrt, uses a name that is not among the variables.
    → Give its value in variables, or look at the hint for the nearest name.
    """

    code = "unknown_name"


class UnknownFunctionError(ExpressionError):
    """A function is not in the language.

    The expression calls a function that the language does not have.
    → Look at the hint for the nearest name; /v1/info lists the functions.
    """

    code = "unknown_function"


class WrongArgumentsError(ExpressionError):
    """A function is called with arguments it does not take.

    A function is called with arguments that it does not take.
    → Look at the signature in the message; /v1/info lists every function's arguments.
    """

    code = "wrong_arguments"


class ShapeMismatchError(ExpressionError):
    """The shapes do not fit together.

    Shapes of the expression do not fit together, by NumPy's rules.
    → Look at the shapes in the message, and at start and end for the place.
    """

    code = "shape_mismatch"


class NotScalarError(ExpressionError):
    """A gradient needs a scalar expression.

    A gradient was asked of an expression that is a vector, a matrix or more.
    → Ask /v1/jacobian, or reduce the expression to a number, for example by a sum.
    """

    code = "not_scalar"


class NotSquareError(ExpressionError):
    """A square matrix is needed.

    A function of square matrices was given another shape.
    → Look at the shape in the message.
    """

    code = "not_square"


class NonFiniteResultError(ExpressionError):
    """A result is not finite.

    A result is infinite or not a number, so there is no exact answer at this point.
    → The message names the first sub-expression that made one; change its inputs.
    """

    code = "non_finite_result"


class SingularMatrixError(ExpressionError):
    """A matrix is singular.

    A matrix that has to be inverted is singular.
    → Change its values, or add a small multiple of the identity.
    """

    code = "singular_matrix"


class DomainError(ExpressionError):
    """A value is outside its range.

    A value is outside the range that an argument or option may have.
    → Look at the message for the range, and at start and end for the place.
    """

    code = "domain_error"


class NonFiniteInputError(GradserveError):
    """An input is not finite.

    An input is infinite or not a number, perhaps only after rounding to float32.
    → Send finite numbers.
    """

    code, kind = "nonfinite_input", "unprocessable"


class BadDatasetError(GradserveError):
    """The data are not a table of finite numbers.

    The file or the arrays are not a table of finite numbers with a name for each column.
    → The message names the row and the column, what is there and what was expected.
    """

    code, kind = "bad_dataset", "unprocessable"


class DivergedError(GradserveError):
    """The training diverged.

    A loss or a parameter left the range of float64; the parameters before it are kept.
    → Take a smaller learning rate, scale the inputs, or clip the gradient.
    """

    code, kind = "diverged", "unprocessable"


class WorkerLostError(GradserveError):
    """The job took its workers with it.

    As many workers as are allowed to ended without a word while they ran this job.
    → Ask for less: fewer rows at a time, a smaller model; the memory of a worker is limited.
    """

    code, kind = "worker_lost", "unprocessable"


class OverLimitError(GradserveError):
    """The request is over a limit of size.

    The request is larger than a limit of its size allows: length, nesting, axes, names.
    → Look at the message for the limit and the measured figure; /v1/info lists the limits.
    """

    code, kind = "over_limit", "unprocessable"


class BudgetExceededError(GradserveError):
    """The estimated cost is too high.

    The estimated operations or bytes of the request are over the limit; nothing was run.
    → Ask for less: the factored representation, fewer variables in wrt, or smaller inputs.
    """

    code, kind = "budget_exceeded", "unprocessable"


class DeadlineExceededError(GradserveError):
    """The computation took too long.

    The computation took longer than a request may.
    → Ask for less: fewer variables in wrt, or smaller inputs.
    """

    code, kind = "deadline_exceeded", "unprocessable"


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
