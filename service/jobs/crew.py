"""Workers that lend a hand: one job computed by several workers of a cluster.

The job belongs to the worker that has its claim, and only that one tells the store of it. What
the others compute is asked of them call by call, so that a hand which is lost costs the calls
under way, and those can be computed by anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from service.jobs.job import Document, Kind


class HandLostError(Exception):
    """A hand is gone, or has failed: whatever was asked of it has to be computed by another."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a hand is lent for: the job's request as it is stored, and whose it is.

    `parts` are how many the job is split into, `environment` what it is computed with.
    """

    job: str
    tenant: str
    kind: Kind
    request: bytes
    parts: int
    environment: Document


class Reply(Protocol):
    """What a hand was asked and has not answered yet."""

    def value(self, seconds: float) -> object:
        """What it answers.

        Raises:
            TimeoutError: it has not answered within so long; it can be asked for again.
            HandLostError: it never will.
        """


class Hand(Protocol):
    """A worker that is lent to a job."""

    @property
    def name(self) -> str:
        """The address of the worker."""

    def ask(self, method: str, *arguments: object) -> Reply:
        """Have it call this method of its share of the job; returns at once."""

    def leave(self) -> None:
        """Have it do other things."""


class Crew(Protocol):
    """The workers of the cluster as one of them sees them."""

    def others(self) -> Sequence[str]:
        """The addresses of the other workers, as far as is known now."""

    def hire(self, address: str, order: Order) -> Hand | None:
        """The worker at this address if it has nothing else to do, its share made ready.

        To make it ready may take as long as to read the data. Raises HandLostError.
        """
