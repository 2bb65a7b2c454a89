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
from service.refusals import AlreadyFinishedError as AlreadyFinishedError
from service.refusals import BodyTooLargeError as BodyTooLargeError
from service.refusals import DrainingError as DrainingError
from service.refusals import DuplicateKeyError as DuplicateKeyError
from service.refusals import ForbiddenError as ForbiddenError
from service.refusals import HeaderTooLargeError as HeaderTooLargeError
from service.refusals import IdempotencyConflictError as IdempotencyConflictError
from service.refusals import IdempotencyKeyReusedError as IdempotencyKeyReusedError
from service.refusals import InternalError as InternalError
from service.refusals import InUseError as InUseError
from service.refusals import MalformedJsonError as MalformedJsonError
from service.refusals import MalformedRequestError as MalformedRequestError
from service.refusals import MethodNotAllowedError as MethodNotAllowedError
from service.refusals import NotAcceptableError as NotAcceptableError
from service.refusals import NotFinishedError as NotFinishedError
from service.refusals import NotFoundError as NotFoundError
from service.refusals import QueueFullError as QueueFullError
from service.refusals import RateLimitedError as RateLimitedError
from service.refusals import RequestTimeoutError as RequestTimeoutError
from service.refusals import StorageFullError as StorageFullError
from service.refusals import UnauthenticatedError as UnauthenticatedError
from service.refusals import UnavailableError as UnavailableError
from service.refusals import UnsupportedMediaTypeError as UnsupportedMediaTypeError


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
