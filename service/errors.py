"""The tree of deliberate errors: a stable code, a kind and fields; never an HTTP status.

GradserveError
├── MalformedJsonError, DuplicateKeyError, MalformedRequestError          (malformed)
├── NotFoundError                                                         (missing)
├── MethodNotAllowedError  NotAcceptableError  RequestTimeoutError
├── BodyTooLargeError  UnsupportedMediaTypeError  HeaderTooLargeError
├── ValidationError                                           (unprocessable, as below)
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
    """The root of every error that is an answer; carries one or more faults.

    A class's docstring is its title.
    """

    code: ClassVar[str]
    kind: ClassVar[str]
    title: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.title = (cls.__doc__ or "").splitlines()[0].rstrip(".")

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
    """The body is not strict JSON."""

    code, kind = "malformed_json", "malformed"


class DuplicateKeyError(GradserveError):
    """A JSON object names a key twice."""

    code, kind = "duplicate_key", "malformed"


class MalformedRequestError(GradserveError):
    """The request is not valid HTTP."""

    code, kind = "malformed_request", "malformed"


class NotFoundError(GradserveError):
    """Nothing is at this address."""

    code, kind = "not_found", "missing"


class MethodNotAllowedError(GradserveError):
    """The method is not allowed here."""

    code, kind = "method_not_allowed", "wrong_method"


class NotAcceptableError(GradserveError):
    """No accepted media type can be served."""

    code, kind = "not_acceptable", "not_acceptable"


class RequestTimeoutError(GradserveError):
    """The request did not arrive in time."""

    code, kind = "request_timeout", "slow"


class BodyTooLargeError(GradserveError):
    """The body is larger than the limit."""

    code, kind = "body_too_large", "too_large"


class UnsupportedMediaTypeError(GradserveError):
    """The media type is not supported."""

    code, kind = "unsupported_media_type", "media_type"


class HeaderTooLargeError(GradserveError):
    """The header is larger than the limit."""

    code, kind = "header_too_large", "header_too_large"


class ValidationError(GradserveError):
    """The request does not fit its schema."""

    code, kind = "validation", "unprocessable"


class ExpressionError(GradserveError):
    """What is wrong with an expression; `start` and `end` name the place."""

    kind = "unprocessable"


class ExpressionSyntaxError(ExpressionError):
    """The expression is not in the language."""

    code = "syntax_error"


class UnknownNameError(ExpressionError):
    """A name is not declared."""

    code = "unknown_name"


class UnknownFunctionError(ExpressionError):
    """A function is not in the language."""

    code = "unknown_function"


class WrongArgumentsError(ExpressionError):
    """A function is called with arguments it does not take."""

    code = "wrong_arguments"


class ShapeMismatchError(ExpressionError):
    """The shapes do not fit together."""

    code = "shape_mismatch"


class NotScalarError(ExpressionError):
    """A gradient needs a scalar expression."""

    code = "not_scalar"


class NotSquareError(ExpressionError):
    """A square matrix is needed."""

    code = "not_square"


class NonFiniteResultError(ExpressionError):
    """A result is not finite."""

    code = "non_finite_result"


class SingularMatrixError(ExpressionError):
    """A matrix is singular."""

    code = "singular_matrix"


class DomainError(ExpressionError):
    """A value is outside its range."""

    code = "domain_error"


class NonFiniteInputError(GradserveError):
    """An input is not finite."""

    code, kind = "nonfinite_input", "unprocessable"


class OverLimitError(GradserveError):
    """The request is over a limit of size."""

    code, kind = "over_limit", "unprocessable"


class BudgetExceededError(GradserveError):
    """The estimated cost is too high."""

    code, kind = "budget_exceeded", "unprocessable"


class DeadlineExceededError(GradserveError):
    """The computation took too long."""

    code, kind = "deadline_exceeded", "unprocessable"


class UnavailableError(GradserveError):
    """The service cannot answer now."""

    code, kind = "unavailable", "busy"


class InternalError(GradserveError):
    """The service failed; the fault is ours."""

    code, kind = "internal", "internal"
