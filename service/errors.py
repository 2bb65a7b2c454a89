"""The tree of deliberate errors: a stable code, a kind and fields; never an HTTP status.

GradserveError
├── MalformedJsonError, DuplicateKeyError, MalformedRequestError          (malformed)
├── NotFoundError                                                         (missing)
├── MethodNotAllowedError  NotAcceptableError  RequestTimeoutError
├── BodyTooLargeError  UnsupportedMediaTypeError  HeaderTooLargeError
├── ValidationError                                                       (unprocessable, as below)
├── ExpressionError
│   ├── ExpressionSyntaxError  UnknownNameError  UnknownFunctionError
│   ├── WrongArgumentsError  ShapeMismatchError  NotScalarError  NotSquareError
│   └── NonFiniteResultError  SingularMatrixError  DomainError
├── NonFiniteInputError
├── OverLimitError  BudgetExceededError  DeadlineExceededError
├── UnavailableError
└── InternalError
"""

from dataclasses import dataclass, replace
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of a problem's `errors`: where, what was found, what was expected.

    `start` and `end` count Unicode code points of the expression; `pointer` is an RFC 6901
    JSON pointer into the request body.
    """

    message: str
    pointer: str | None = None
    start: int | None = None
    end: int | None = None
    hint: str | None = None


class GradserveError(Exception):
    """The root of every error that is an answer; carries one or more faults."""

    code: ClassVar[str]
    kind: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self,
        message: str,
        *,
        pointer: str | None = None,
        start: int | None = None,
        end: int | None = None,
        hint: str | None = None,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.faults = faults or (Fault(message, pointer, start, end, hint),)

    def at(self, start: int, end: int) -> "GradserveError":
        """This error with a place, unless it already has one."""
        if self.faults[0].start is None:
            self.faults = (replace(self.faults[0], start=start, end=end), *self.faults[1:])
        return self


class MalformedJsonError(GradserveError):
    code, kind, title = "malformed_json", "malformed", "The body is not strict JSON"


class DuplicateKeyError(GradserveError):
    code, kind, title = "duplicate_key", "malformed", "A JSON object names a key twice"


class MalformedRequestError(GradserveError):
    code, kind, title = "malformed_request", "malformed", "The request is not valid HTTP"


class NotFoundError(GradserveError):
    code, kind, title = "not_found", "missing", "Nothing is at this address"


class MethodNotAllowedError(GradserveError):
    code, kind, title = "method_not_allowed", "wrong_method", "The method is not allowed here"


class NotAcceptableError(GradserveError):
    code, kind, title = "not_acceptable", "not_acceptable", "No accepted media type can be served"


class RequestTimeoutError(GradserveError):
    code, kind, title = "request_timeout", "slow", "The request did not arrive in time"


class BodyTooLargeError(GradserveError):
    code, kind, title = "body_too_large", "too_large", "The body is larger than the limit"


class UnsupportedMediaTypeError(GradserveError):
    code, kind, title = "unsupported_media_type", "media_type", "The media type is not supported"


class HeaderTooLargeError(GradserveError):
    code, kind, title = "header_too_large", "header_too_large", "The header is larger than the limit"


class ValidationError(GradserveError):
    code, kind, title = "validation", "unprocessable", "The request does not fit its schema"


class ExpressionError(GradserveError):
    """What is wrong with an expression; `start` and `end` name the place."""

    kind = "unprocessable"


class ExpressionSyntaxError(ExpressionError):
    code, title = "syntax_error", "The expression is not in the language"


class UnknownNameError(ExpressionError):
    code, title = "unknown_name", "A name is not declared"


class UnknownFunctionError(ExpressionError):
    code, title = "unknown_function", "A function is not in the language"


class WrongArgumentsError(ExpressionError):
    code, title = "wrong_arguments", "A function is called with arguments it does not take"


class ShapeMismatchError(ExpressionError):
    code, title = "shape_mismatch", "The shapes do not fit together"


class NotScalarError(ExpressionError):
    code, title = "not_scalar", "A gradient needs a scalar expression"


class NotSquareError(ExpressionError):
    code, title = "not_square", "A square matrix is needed"


class NonFiniteResultError(ExpressionError):
    code, title = "non_finite_result", "A result is infinite or not a number"


class SingularMatrixError(ExpressionError):
    code, title = "singular_matrix", "A matrix is singular"


class DomainError(ExpressionError):
    code, title = "domain_error", "A value is outside its range"


class NonFiniteInputError(GradserveError):
    code, kind, title = "nonfinite_input", "unprocessable", "An input is infinite or not a number"


class OverLimitError(GradserveError):
    code, kind, title = "over_limit", "unprocessable", "The request is over a limit of size"


class BudgetExceededError(GradserveError):
    code, kind, title = "budget_exceeded", "unprocessable", "The estimated work is over the budget"


class DeadlineExceededError(GradserveError):
    code, kind, title = "deadline_exceeded", "unprocessable", "The computation took too long"


class UnavailableError(GradserveError):
    code, kind, title = "unavailable", "busy", "The service cannot answer now"


class InternalError(GradserveError):
    code, kind, title = "internal", "internal", "The service failed; the fault is ours"
