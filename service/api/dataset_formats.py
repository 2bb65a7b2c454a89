"""Which format an upload has: by its media type, or by its first bytes."""

from collections.abc import AsyncIterator

from service.errors import BadDatasetError
from service.training.reading.tables import FORMATS, LONGEST_START, FormatName, format_of_start

OCTETS = "application/octet-stream"
_BY_MEDIA_TYPE = {record.media_type: name for name, record in FORMATS.items()}
TAKEN = ("text/csv", *sorted(_BY_MEDIA_TYPE.keys() - {"text/csv"}), OCTETS)


HOW = (
    "send the file itself (of curl: --data-binary @FILE), with its media type or, to have it "
    f"recognised, {OCTETS}"
)
_TEXTS: tuple[FormatName, ...] = ("csv", "json")
_LAST_BYTE_IN_NO_TEXT = 8


async def format_of(
    media_type: str, chunks: AsyncIterator[bytes]
) -> tuple[FormatName, AsyncIterator[bytes]]:
    """The format, and all that arrives.

    Raises:
        BadDatasetError: the first bytes are those of something else.
    """
    start = b""
    async for chunk in chunks:
        start += chunk
        if len(start) >= LONGEST_START:
            break
    if media_type == OCTETS:
        return format_of_start(start), _joined(start, chunks)
    said = _BY_MEDIA_TYPE[media_type]
    # What is no text is not read as one, row by row: it is told what it is.
    if said in _TEXTS and start and min(start) <= _LAST_BYTE_IN_NO_TEXT:
        found = format_of_start(start)
        if found not in _TEXTS:
            raise BadDatasetError(
                f"found a file that begins as {found} does, expected {said}, as Content-Type "
                "says",
                hint=f"send it as {FORMATS[found].media_type}",
            )
    return said, _joined(start, chunks)


async def _joined(start: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield start
    async for chunk in rest:
        yield chunk
