"""What each kind of error means and what to do about it: the pages `type` refers to."""

from service.api.page import page, text
from service.api.problems import status_of
from service.api.schemas.problems import ProblemDescription
from service.errors import GradserveError


def description_of(error: type[GradserveError]) -> ProblemDescription:
    """What an error's `type` refers to."""
    return ProblemDescription(
        code=error.code,
        title=error.title,
        status=status_of(error),
        meaning=error.meaning,
        remedy=error.remedy,
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
