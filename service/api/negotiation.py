"""What a request may send and accept, by its headers and query."""

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.datastructures import Headers

from service.api.suggestions import suggestion
from service.errors import NotAcceptableError, UnsupportedMediaTypeError, ValidationError
from service.language.places import shown

JSON = "application/json"
HTML = "text/html"


def refuse_unacceptable(headers: Headers, served: tuple[str, ...]) -> None:
    """Raises NotAcceptableError if Accept allows none of the media types served."""
    accept = ", ".join(headers.getlist("accept"))
    if accept and not any(quality(accept, media_type) > 0 for media_type in served):
        raise NotAcceptableError(
            f"header Accept: found {shown(accept)}, but the answer is {served[0]}",
            hint=f"accept {served[0]} or */*",
        )


@lru_cache(maxsize=256)
def quality(accept: str, media_type: str) -> float:
    """How much an Accept header wants a media type, from 0 to 1; the closest range decides."""
    family = media_type.split("/", 1)[0] + "/*"
    best, closest = 0.0, -1
    for part in accept.lower().split(","):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        try:
            closeness = ("*/*", family, media_type).index(media_range)
        except ValueError:
            continue
        if closeness > closest:
            best, closest = _weight(parameters), closeness
    return best


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def media_of(headers: Headers, taken: Sequence[str], hint: str | None = None) -> str:
    """The media type of a body, one of those that the route takes.

    The hint is for those who send another.

    Raises:
        UnsupportedMediaTypeError: it is another, or JSON that is not plain and in UTF-8.
    """
    if encoding := headers.get("content-encoding"):
        raise UnsupportedMediaTypeError(
            f"header Content-Encoding: found {shown(encoding)}, expected none",
            hint="send the body as it is",
        )
    types = headers.getlist("content-type")
    media_type = _media_type(types[0]) if len(types) == 1 else ""
    if media_type not in taken:
        found = shown(types[0]) if types else "none"
        raise UnsupportedMediaTypeError(
            f"header Content-Type: found {found}, expected {' or '.join(taken)}",
            hint=hint or f"send {taken[0]}",
        )
    return media_type


def prefers(headers: Headers, media_type: str, default: str) -> bool:
    """Whether Accept wants a media type more than the default one."""
    accept = ", ".join(headers.getlist("accept"))
    return bool(accept) and quality(accept, media_type) > quality(accept, default)


def _media_type(content_type: str) -> str:
    """The media type without its parameters; empty for a charset other than UTF-8."""
    media_type, _, parameters = content_type.lower().partition(";")
    allowed = ("", "charset=utf-8", 'charset="utf-8"')
    return media_type.strip() if parameters.strip() in allowed else ""


def refuse_unknown_query(query: bytes, known: Sequence[str]) -> None:
    """Raises ValidationError for a query parameter that is not known, or there twice."""
    if not query:
        return
    seen = set()
    for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in seen:
            raise ValidationError(f"query {shown(name)}: found it twice, expected it once")
        seen.add(name)
        if name not in known:
            expected = ", ".join(known) or "none"
            found = f"found the unknown parameter {shown(name)}"
            raise ValidationError(
                f"query: {found}, expected {expected}",
                hint=suggestion(name, known),
            )
