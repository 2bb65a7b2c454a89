"""A store that is away is asked again, without haste, as long as there is a claim."""

import pytest

from service.jobs.patience import LONGEST_PAUSE, insist
from service.jobs.store import LostClaimError
from tests.jobs.stand_ins import CLAIM, Absent


def test_what_is_not_heard_is_told_again_with_longer_pauses():
    store, pauses = Absent(failures=8), []

    insist(lambda: store.release(CLAIM), lambda: False, pauses.append)

    assert store.calls == ["release"] * 9
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_nothing_is_told_when_the_claim_is_lost():
    store = Absent(failures=10**9)

    with pytest.raises(LostClaimError, match=r"^$"):
        insist(lambda: store.release(CLAIM), lambda: len(store.calls) == 3, lambda _: None)

    assert len(store.calls) == 3
