"""Times as they are told."""

from datetime import UTC, datetime


def time_text(seconds: float | None) -> str | None:
    """Seconds since 1970 in RFC 3339, in UTC."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
