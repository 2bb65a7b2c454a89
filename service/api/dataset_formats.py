"""Which format an upload has: by its media type, or by its first bytes."""

from collections.abc import AsyncIterator

from service.training.reading.tables import FORMATS, LONGEST_START, FormatName, format_of_start

OCTETS = "application/octet-stream"
_BY_MEDIA_TYPE = {record.media_type: name for name, record in FORMATS.items()}
TAKEN = ("text/csv", *sorted(_BY_MEDIA_TYPE.keys() - {"text/csv"}), OCTETS)


async def format_of(
    media_type: str, chunks: AsyncIterator[bytes]
) -> tuple[FormatName, AsyncIterator[bytes]]:
    """The format, and all that arrives.

    Raises:
        BadDatasetError: the first bytes are those of something else.
    """
    if media_type != OCTETS:
        return _BY_MEDIA_TYPE[media_type], chunks
    start = b""
    async for chunk in chunks:
        start += chunk
        if len(start) >= LONGEST_START:
            break
    return format_of_start(start), _joined(start, chunks)


async def _joined(start: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield start
    async for chunk in rest:
        yield chunk
