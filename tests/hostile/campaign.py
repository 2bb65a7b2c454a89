"""Requests sent over a few connections, each answer judged, each time measured."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from time import perf_counter
from typing import Any

from tests.hostile.answers import faults_of_answer
from tests.hostile.mutations import Mutant, mutant
from tests.hostile.problems import faults_of_problem

CONNECTIONS = 3
TIMEOUT = 10.0
LOST = 0
HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request was answered, in what time, and what is wrong with that."""

    mutant: Mutant
    status: int
    code: str | None
    seconds: float
    faults: tuple[str, ...]

    def __str__(self) -> str:
        told = "; ".join(self.faults) or "nothing wrong"
        return f"{self.mutant}\n  {self.status} {self.code}, {self.seconds:.3f} s: {told}"


def outcomes_of(
    host: str, port: int, count: int, make: Callable[[int], Mutant] = mutant
) -> list[Outcome]:
    """The outcomes of the first `count` requests; a connection that is lost sends no more."""

    def through_one(numbers: Iterable[int]) -> list[Outcome]:
        found = []
        with closing(HTTPConnection(host, port, timeout=TIMEOUT)) as connection:
            for number in numbers:
                found.append(outcome_of(connection, make(number)))
                if found[-1].status == LOST:
                    break
        return found

    shares = [range(k, count, CONNECTIONS) for k in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return [outcome for part in threads.map(through_one, shares) for outcome in part]


def outcome_of(connection: HTTPConnection, sent: Mutant) -> Outcome:
    """The outcome of one request over an open connection."""
    started = perf_counter()
    try:
        connection.request("POST", sent.path, sent.content, HEADERS)
        response = connection.getresponse()
        body = response.read()
    except (OSError, HTTPException) as error:
        connection.close()
        lost = f"no answer: {error!r}"
        return Outcome(sent, LOST, None, perf_counter() - started, (lost,))
    seconds = perf_counter() - started
    headers = {name.lower(): value for name, value in response.getheaders()}
    request = request_of(sent.content)
    if response.status == 200:
        faults = faults_of_answer(sent.path, request, headers, body)
        return Outcome(sent, 200, None, seconds, tuple(faults))
    expression = request.get("expression") if isinstance(request, dict) else None
    faults = faults_of_problem(response.status, headers, body, expression)
    code = None if faults else json.loads(body)["code"]
    return Outcome(sent, response.status, code, seconds, tuple(faults))


def request_of(content: bytes) -> Any:
    """The JSON of a body, or None where it is not strict JSON."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key twice")
        return found

    try:
        return json.loads(
            content.decode("utf-8"), parse_constant=refuse, object_pairs_hook=unique
        )
    except (ValueError, RecursionError):
        return None
