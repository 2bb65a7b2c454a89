"""Where the next page starts: an opaque text that holds when an item was made, and its id."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from service.errors import ValidationError

_LONGEST = 200
_INSIDE = re.compile(r"([0-9]{1,18}) ([a-z]+_[0-9a-z]+)")


def written(created_at: int, item_id: str) -> str:
    """The cursor after this item."""
    return urlsafe_b64encode(f"{created_at} {item_id}".encode()).decode().rstrip("=")


def read(after: str) -> tuple[int, str]:
    """Moment and id in a cursor. Raises ValidationError unless it is one."""
    inside = None
    if len(after) <= _LONGEST:
        try:
            padded = after.encode("ascii") + b"=" * (-len(after) % 4)
            inside = _INSIDE.fullmatch(urlsafe_b64decode(padded).decode("ascii"))
        except ValueError:  # letters that no cursor has, or their number
            inside = None
    if inside is None or written(int(inside[1]), inside[2]) != after:
        raise ValidationError(
            f"after: found {after[:40]!r}, expected the value of next of a page"
        )
    return int(inside[1]), inside[2]
