"""Applications with stores of their own, keys, jobs: what the tests of jobs have in common."""

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from service.access import SCOPES, Key, hash_of, new_token, written
from service.api.draining import Draining
from service.jobs.job import Submission
from service.jobs.packing import pack
from service.jobs.runner import run
from service.settings import Settings
from service.wiring import Stores, build_app, build_stores

ADDRESS = "http://127.0.0.1:8000"
UNKNOWN = "job_" + "7" * 26


@dataclass
class World:
    """A running application: its settings, its stores, a client."""

    settings: Settings
    stores: Stores
    client: httpx.AsyncClient
    draining: Draining

    def key(self, tenant, scopes=SCOPES, **fields):
        """A new key of this tenant, as a header."""
        key_id, secret = new_token()
        now = self.stores.keys.now()
        key = Key(key_id, tenant, "test", tuple(scopes), hash_of(secret), now, **fields)
        self.stores.keys.add_key(key)
        return {"Authorization": f"Bearer {written(key_id, secret)}"}

    def job(self, tenant="local", **fields):
        """A new job that waits, of a kind that nobody runs here."""
        submission = Submission(kind="train", request=pack({"kind": "train"}), **fields)
        return self.stores.jobs.submit(tenant, submission)[0]

    def run_all(self):
        """Run the jobs that wait, one after the other, here."""
        stores = self.stores
        while (claim := self.claim()) is not None:
            outcome = run(
                claim, stores.work, stores.records, stores.files, self.settings, lambda: None
            )
            stores.work.finish(claim, outcome)

    def claim(self):
        return self.stores.work.claim("a-worker", 30.0)


@asynccontextmanager
async def world(folder, **settings):
    """An application whose data lie in this folder."""
    found = Settings(data_directory=folder, **({"workers": 0} | settings))
    draining = Draining()
    app = build_app(found, draining)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        yield World(found, build_stores(found), client, draining)


def without_instance(response):
    """A problem without the id of its request."""
    problem = json.loads(response.content)
    del problem["instance"]
    return problem
