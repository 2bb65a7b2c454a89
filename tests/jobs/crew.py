"""A crew in the same process, whose hands are lost when a test wants it."""

import time

from service.jobs.crew import HandLostError
from service.jobs.kinds import JOB_KINDS
from tests.jobs.fakes import TENANT


class Reply:
    def __init__(self, answer):
        self.answer = answer

    def value(self, seconds):
        if isinstance(self.answer, Exception):
            if isinstance(self.answer, TimeoutError):
                time.sleep(min(seconds, 0.01))
            raise self.answer
        return self.answer


class Hand:
    """A hand in the same process, which stops answering after so many calls."""

    def __init__(self, name, share, last=None, way=None):
        self.name, self.share, self.last, self.way = name, share, last, way
        self.calls, self.has_left = 0, False

    def ask(self, method, *arguments):
        self.calls += 1
        if self.last is not None and self.calls > self.last:
            if self.way == "gone":
                raise HandLostError("gone")
            return Reply(HandLostError("died") if self.way == "died" else TimeoutError("hung"))
        return Reply(getattr(self.share, method)(*arguments))

    def leave(self):
        self.has_left = True


class Crew:
    def __init__(self, bench, hands):
        self.bench, self.wanted = bench, dict(hands)
        self.hired = {}

    def others(self):
        return list(self.wanted)

    def hire(self, address, order):
        assert order.tenant == TENANT
        last, way = self.wanted[address]
        if way == "busy":
            return None
        if way == "refuses":
            raise HandLostError("refuses")
        records, files = self.bench.records, self.bench.files
        share = JOB_KINDS[order.kind].share(order, records, files, self.bench.settings)
        hand = self.hired[address] = Hand(address, share, last, way)
        return hand
