"""Clients of a service that is hurt: one submits, one looks whether it answers."""

import threading
import time
from dataclasses import dataclass

import httpx

from tests.faults.tasks import as_json, submitted, training_document

ASKED_AGAIN_SECONDS = 0.1
LONGEST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request; the status is 0 where nothing came."""

    path: str
    status: int
    code: str | None
    retry_after: str | None
    began: float
    seconds: float
    document: object = None


def ask(client, method, path, **request):
    """The answer to one request."""
    began = time.monotonic()
    try:
        response = client.request(method, path, **request)
    except httpx.TransportError as error:
        return Answer(path, 0, repr(error), None, began, time.monotonic() - began)
    seconds = time.monotonic() - began
    is_json = "json" in response.headers.get("content-type", "")
    document = response.json() if is_json else response.content
    code = document.get("code") if is_json and isinstance(document, dict) else None
    retry_after = response.headers.get("retry-after")
    return Answer(path, response.status_code, code, retry_after, began, seconds, document)


def client_of(address, token=None):
    """A client that waits for longer than it should have to; with an API key if it is given."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=address, timeout=LONGEST_SECONDS, headers=headers)


def submit(house, client, task, key=None):
    """The answer to a submission; the house remembers the request if it is acknowledged."""
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = ask(client, "POST", "/v1/jobs", json=as_json(task), headers=headers)
    if answer.status == 202:
        house.expected[answer.document["id"]] = submitted(task).request
    return answer


class Client(threading.Thread):
    """A thread that asks until its context ends, and keeps the answers."""

    def __init__(self, address, token=None):
        super().__init__(daemon=True)
        self.answers, self._address, self._token = [], address, token
        self._is_closed = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._is_closed.set()
        self.join(2 * LONGEST_SECONDS)
        assert not self.is_alive()

    def run(self):
        with client_of(self._address, self._token) as client:
            while not self._is_closed.is_set():
                self._round(client)

    def between(self, began, ended):
        """The answers to requests that began and ended within this time."""
        return [
            answer
            for answer in self.answers
            if answer.began >= began and answer.began + answer.seconds <= ended
        ]


class Submitter(Client):
    """Submits one job after the other, each with a key, until it is acknowledged."""

    def __init__(self, house, address, kinds=2, seconds=0.1, most=10**6, token=None):
        super().__init__(address, token)
        self._house, self._most = house, most
        self._tasks = [training_document(seconds, seed) for seed in range(kinds)]
        self.acknowledged = 0

    def _round(self, client):
        if self.acknowledged == self._most:
            self._is_closed.wait()
            return
        task = self._tasks[self.acknowledged % len(self._tasks)]
        key = f"key-{self.acknowledged}"
        until = time.monotonic() + 2 * LONGEST_SECONDS
        while True:
            answer = submit(self._house, client, task, key)
            self.answers.append(answer)
            if answer.status == 202:
                break
            assert time.monotonic() < until, answer
            time.sleep(ASKED_AGAIN_SECONDS)
        self.acknowledged += 1
        self._is_closed.wait(ASKED_AGAIN_SECONDS / 2)


class Prober(Client):
    """Asks again and again for these paths."""

    def __init__(self, address, *paths, token=None):
        super().__init__(address, token)
        self._paths = paths

    def _round(self, client):
        for path in self._paths:
            self.answers.append(ask(client, "GET", path))
        self._is_closed.wait(ASKED_AGAIN_SECONDS / 2)
