"""What each kind of error means and what to do about it: the pages `type` refers to."""

from service.api.page import page, text
from service.api.problems import status_of
from service.api.schemas.problems import ProblemDescription
from service.errors import GradserveError

PAGES: dict[str, tuple[str, str]] = {
    "body_too_large": (
        "The request's body is larger than the service takes.",
        "Send fewer numbers, or raise GRADSERVE_MAX_BODY_BYTES on your own service.",
    ),
    "budget_exceeded": (
        "The estimated operations or bytes of the request are over the limit; nothing was run.",
        "Ask for less: the factored representation, fewer variables in wrt, or smaller inputs.",
    ),
    "deadline_exceeded": (
        "The computation took longer than a request may.",
        "Ask for less: fewer variables in wrt, or smaller inputs.",
    ),
    "domain_error": (
        "A value is outside the range that an argument or option may have.",
        "Look at the message for the range, and at start and end for the place.",
    ),
    "duplicate_key": (
        "A JSON object names a key twice, so that it is not clear which value is meant.",
        "Leave one of the two out; the message has the key and its offset.",
    ),
    "header_too_large": (
        "The request's header is larger than the service takes.",
        "Send fewer or shorter header fields.",
    ),
    "internal": (
        "The service failed in a way nobody foresaw. The fault is ours, not the request's.",
        "Report it with the request's id, which is in the service's log.",
    ),
    "malformed_json": (
        "The body is not strict JSON: UTF-8, no NaN or Infinity, nothing after the value.",
        "Look at the offset in the message; write the body with a JSON library.",
    ),
    "malformed_request": (
        "The request is not valid HTTP, or names a host that the service does not serve.",
        "Look at the message; use an HTTP client library.",
    ),
    "method_not_allowed": (
        "The path exists, but not with this method.",
        "Use a method that the Allow header lists.",
    ),
    "non_finite_result": (
        "A result is infinite or not a number, so there is no exact answer at this point.",
        "The message names the first sub-expression that made one; change its inputs.",
    ),
    "nonfinite_input": (
        "An input is infinite or not a number, perhaps only after rounding to float32.",
        "Send finite numbers.",
    ),
    "not_acceptable": (
        "The Accept header allows no media type that the route can answer with.",
        "Accept application/json.",
    ),
    "not_found": (
        "Nothing is at this address.",
        "Look at /docs for the routes.",
    ),
    "not_scalar": (
        "A gradient was asked of an expression that is a vector, a matrix or more.",
        "Ask /v1/jacobian, or reduce the expression to a number, for example by a sum.",
    ),
    "not_square": (
        "A function of square matrices was given another shape.",
        "Look at the shape in the message.",
    ),
    "over_limit": (
        "The request is larger than a limit of its size allows: length, nesting, axes, names.",
        "Look at the message for the limit and the measured figure; /v1/info lists the limits.",
    ),
    "request_timeout": (
        "The header or the body of the request did not arrive in time.",
        "Send it without pauses; compress nothing, split large inputs.",
    ),
    "shape_mismatch": (
        "Shapes of the expression do not fit together, by NumPy's rules.",
        "Look at the shapes in the message, and at start and end for the place.",
    ),
    "singular_matrix": (
        "A matrix that has to be inverted is singular.",
        "Change its values, or add a small multiple of the identity.",
    ),
    "syntax_error": (
        "The expression is not in the language.",
        "The caret in the message shows the place; a product is always written out: 3*x.",
    ),
    "unavailable": (
        "The service cannot answer now.",
        "Try again after the time in Retry-After.",
    ),
    "unknown_function": (
        "The expression calls a function that the language does not have.",
        "Look at the hint for the nearest name; /v1/info lists the functions.",
    ),
    "unknown_name": (
        "The expression, or wrt, uses a name that is not among the variables.",
        "Give its value in variables, or look at the hint for the nearest name.",
    ),
    "unsupported_media_type": (
        "The body is not plain JSON, or nothing says that it is.",
        "Send Content-Type: application/json and no Content-Encoding.",
    ),
    "validation": (
        "The body is JSON but does not fit the request's schema.",
        "Each entry of errors has a pointer to the place and says what was expected.",
    ),
    "wrong_arguments": (
        "A function is called with arguments that it does not take.",
        "Look at the signature in the message; /v1/info lists every function's arguments.",
    ),
}


def description_of(error: type[GradserveError]) -> ProblemDescription:
    """What an error's `type` refers to."""
    meaning, remedy = PAGES[error.code]
    return ProblemDescription(
        code=error.code,
        title=error.title,
        status=status_of(error),
        meaning=meaning,
        remedy=remedy,
    )


def description_page(found: ProblemDescription) -> str:
    """The description as a page for people."""
    return page(
        found.title,
        f"<p><code>{text(found.code)}</code> · HTTP status {found.status}</p>"
        f"<h2>When it occurs</h2><p>{text(found.meaning)}</p>"
        f"<h2>What to do</h2><p>{text(found.remedy)}</p>"
        '<p><a href="/docs">The operations</a> · <a href="/">gradserve</a></p>',
    )
