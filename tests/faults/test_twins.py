"""Two services on one store, and many clients that say the same at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import pytest

from tests.faults.clients import client_of, submit
from tests.faults.house import House
from tests.faults.invariants import check
from tests.faults.tasks import training_document
from tests.postgres import new_database, running_postgresql

pytestmark = pytest.mark.faults

THREADS = 50
SHORT = training_document(0.1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    return request.getfixturevalue("new_url") if request.param == "postgresql" else None


@pytest.fixture
def new_url():
    with running_postgresql() as server, new_database(server) as url:
        yield url


def test_fifty_clients_of_two_services_with_one_key_get_one_job(
    tmp_path, database_url, reference
):
    with ExitStack() as stack:
        house = House(tmp_path, **({"database_url": database_url} if database_url else {}))
        stack.callback(house.close)
        addresses = [house.serve(workers=1)[1] for _ in range(2)]
        clients = [stack.enter_context(client_of(address)) for address in addresses * 25]
        together = Barrier(THREADS)

        def submitted(client):
            together.wait()
            return submit(house, client, SHORT, "one-key")

        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(submitted, clients))

        assert {(answer.status, answer.code) for answer in answers} == {(202, None)}
        ids = {answer.document["id"] for answer in answers}
        assert (len(answers), len(ids)) == (THREADS, 1)
        assert [row["id"] for row in house.rows("SELECT id FROM jobs")] == [*ids]
        check(house, reference)
        assert house.job(ids.pop()).attempt == 1
