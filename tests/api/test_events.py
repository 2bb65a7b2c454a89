"""Streams of events: what they send, from where, and when they end."""

import asyncio
import json

import pytest

from service.api import following
from service.api.schemas.jobs import TRAIN
from service.errors import UnavailableError
from service.jobs.job import Outcome
from tests.api.jobs import UNKNOWN, world

pytestmark = pytest.mark.anyio
PROGRESS = {"epoch": 1, "epochs": 9, "step": 0, "loss": 0.5}


@pytest.fixture
async def here(tmp_path):
    async with world(tmp_path, key_refresh_seconds=0.1, max_event_streams=3) as found:
        yield found


async def read(here, job, last=None, headers=()):
    """Everything that a stream sends until it ends: (status, [(id, event, data)])."""
    sent = dict(headers) | ({} if last is None else {"Last-Event-ID": str(last)})
    response = await here.client.get(f"/v1/jobs/{job.id}/events", headers=sent)
    return response, events_of(response.text)


def events_of(text):
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "data" in fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def finish(here, claim):
    here.stores.work.finish(claim, Outcome("succeeded", result=b"x"))


async def test_a_stream_tells_everything_up_to_the_end(here):
    job = here.job()
    claim = here.claim()
    here.stores.work.report(claim, PROGRESS, [])
    finish(here, claim)

    response, events = await read(here, job)

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-accel-buffering"] == "no"
    assert "no-store" in response.headers["cache-control"]
    assert response.text.startswith("retry: 1000\n\n")
    numbers = [number for number, _, _ in events]
    assert numbers == sorted(set(numbers))
    assert [d["status"] for _, name, d in events if name == "status"] == [
        *("queued", "running", "succeeded"),
    ]
    (progress,) = [data for _, name, data in events if name == "progress"]
    assert (progress["epoch"], progress["loss"], progress["seconds_left"]) == (1, 0.5, None)


async def test_a_stream_goes_on_while_the_job_does(here):
    job = here.job()
    reading = asyncio.create_task(read(here, job))
    await asyncio.sleep(0.3)
    claim = here.claim()
    await asyncio.sleep(0.3)
    finish(here, claim)

    _, events = await asyncio.wait_for(reading, 5)

    assert [data["status"] for _, _, data in events] == ["queued", "running", "succeeded"]


async def test_a_stream_goes_on_after_the_last_event_seen(here):
    job = here.job()
    finish(here, here.claim())
    _, all_events = await read(here, job)

    for number, _, _ in all_events[:-1]:
        _, rest = await read(here, job, last=number)
        assert rest == [event for event in all_events if event[0] > number]
    response, _ = await read(here, job, last=all_events[-1][0])
    assert (response.status_code, response.content) == (204, b"")


async def test_a_number_beyond_the_last_event_misses_nothing_that_comes(here):
    job = here.job()
    reading = asyncio.create_task(read(here, job, last=999))
    await asyncio.sleep(0.2)
    here.stores.jobs.cancel("local", job.id)

    _, events = await asyncio.wait_for(reading, 5)

    assert [data["status"] for _, _, data in events] == ["cancelled"]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "", "9" * 16, "1 2", "١"])
async def test_a_last_event_that_is_no_number_is_refused(here, last):
    job = here.job()
    headers = {"Last-Event-ID": last.encode()}

    response = await here.client.get(f"/v1/jobs/{job.id}/events", headers=headers)

    assert (response.status_code, response.json()["code"]) == (422, "validation")
    assert "expected the number of an event" in response.json()["detail"]


async def test_an_unknown_job_is_not_found_before_a_stream_begins(here):
    response = await here.client.get(f"/v1/jobs/{UNKNOWN}/events")

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


async def test_json_is_not_what_a_stream_is(here):
    job = here.job()
    headers = {"Accept": "application/json"}

    response = await here.client.get(f"/v1/jobs/{job.id}/events", headers=headers)

    assert response.status_code == 406


async def test_the_head_of_a_stream_ends_at_once(here):
    job = here.job()

    response = await asyncio.wait_for(here.client.head(f"/v1/jobs/{job.id}/events"), 5)

    assert (response.status_code, response.content) == (200, b"")


async def test_a_stream_ends_when_its_job_is_deleted(here):
    job = here.job()
    reading = asyncio.create_task(read(here, job))
    await asyncio.sleep(0.2)
    here.stores.jobs.delete("local", job.id)

    response, _ = await asyncio.wait_for(reading, 5)

    assert response.status_code == 200


async def test_a_quiet_stream_says_that_it_is_alive(here, monkeypatch):
    monkeypatch.setattr(following, "HEARTBEAT_SECONDS", 0.2)
    job = here.job()
    reading = asyncio.create_task(read(here, job))
    await asyncio.sleep(0.7)
    here.stores.jobs.cancel("local", job.id)

    response, _ = await asyncio.wait_for(reading, 5)

    assert response.text.count("\n: \n") >= 2


async def test_a_stream_ends_when_its_key_is_revoked(here):
    key = here.key("a")
    job = here.job("a")
    reading = asyncio.create_task(read(here, job, headers=key))
    await asyncio.sleep(0.3)
    here.stores.keys.revoke_key(key["Authorization"].split("_")[1])

    _, events = await asyncio.wait_for(reading, 3)

    assert [name for _, name, _ in events] == ["status"]


async def test_more_streams_than_there_may_be_are_refused(here):
    job = here.job()
    reading = [asyncio.create_task(read(here, job)) for _ in range(3)]
    await asyncio.sleep(0.4)

    response, _ = await read(here, job)
    here.stores.jobs.cancel("local", job.id)
    await asyncio.wait_for(asyncio.gather(*reading), 5)

    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert "max_event_streams is 3" in response.json()["detail"]
    assert (await read(here, job))[0].status_code == 200


async def test_streams_and_waits_end_when_the_service_stops_and_nothing_new_is_taken(tmp_path):
    async with world(tmp_path) as here:
        job = here.job()
        reading = asyncio.create_task(read(here, job))
        waiting = asyncio.create_task(here.client.get(f"/v1/jobs/{job.id}?wait_seconds=30"))
        await asyncio.sleep(0.3)
        here.draining.begin()

        response, _ = await asyncio.wait_for(reading, 3)
        assert response.status_code == 200
        assert (await asyncio.wait_for(waiting, 3)).json()["status"] == "queued"
        new = await here.client.post("/v1/jobs", json=TRAIN)
        stream, _ = await read(here, job)
        ready = await here.client.get("/readyz")
        assert (await here.client.get("/healthz")).status_code == 200

    assert (new.status_code, new.json()["code"]) == (503, "draining")
    assert (stream.status_code, stream.json()["code"]) == (503, "draining")
    assert (ready.status_code, ready.json()["code"]) == (503, "draining")
    assert int(ready.headers["retry-after"]) > 0


async def test_a_store_that_is_away_for_a_moment_loses_no_event(here, monkeypatch):
    job = here.job()
    jobs = type(here.stores.jobs)
    asked, away = jobs.events, [True]

    def events(self, *arguments, **options):
        if away and away.pop():
            raise UnavailableError("away")
        return asked(self, *arguments, **options)

    monkeypatch.setattr(jobs, "events", events)
    reading = asyncio.create_task(read(here, job))
    await asyncio.sleep(0.3)
    here.stores.jobs.cancel("local", job.id)

    _, found = await asyncio.wait_for(reading, 5)

    assert [data["status"] for _, _, data in found] == ["queued", "cancelled"]
