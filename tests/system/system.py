"""The running services of docker-compose.yml, with a key, and the store as tests look at it."""

from urllib.parse import quote

from service.access import LOCAL_TENANT
from tests.faults.clients import client_of, submit
from tests.faults.house import House, wait_for
from tests.slowness import slowness
from tests.system.cluster import Cluster

LEASE_SECONDS = 3.0 * min(slowness(), 4.0)
PASSWORD = "p@ss w:rd/%"  # such as no address takes
VARIABLES = {
    "POSTGRES_PASSWORD": PASSWORD,
    "LEASE_SECONDS": str(LEASE_SECONDS),
    "CHECKPOINT_SECONDS": "0.2",
    "SPLIT_STEP_SECONDS": "1e-6",  # a training is split, however small, where it is asked for
}
APIS, WORKERS = ("api-1", "api-2"), ("worker-1", "worker-2")


class System:
    """A cluster that is up, and a house that knows its store."""

    def __init__(self):
        self.cluster = Cluster(VARIABLES)

    def __enter__(self):
        try:
            words = "create", "--tenant", LOCAL_TENANT, "--name", "first"
            self.key = self.cluster.run("keys", *words).strip()
            self.cluster.up()
            at = f"{quote(PASSWORD, safe='')}@{self.cluster.table.addresses['database']}"
            self.house = House(
                self.cluster.folder,
                database_url=f"postgresql+psycopg://gradserve:{at}:5432/gradserve",
                lease_seconds=LEASE_SECONDS,
            )
        except BaseException:
            self.cluster.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.house.records.database.close()
        finally:
            self.cluster.__exit__()

    def url(self, name="proxy"):
        """Where a service is asked."""
        return self.cluster.url(name, 8080 if name == "proxy" else 8000)

    def client(self, name="proxy"):
        """A client of it with a key."""
        return client_of(self.url(name), self.key)

    def submit(self, document, name="proxy"):
        """The id of a job that was acknowledged."""
        with self.client(name) as client:
            answer = submit(self.house, client, document)
        assert answer.status == 202, answer
        return answer.document["id"]

    def container_of(self, pid):
        """The service that a process is of."""
        (found,) = [each for each in self.cluster.containers.values() if pid in each.below()]
        return found

    def wait_until_well(self, *names):
        """Wait until these services, or all, run and are well."""
        for name in names or self.cluster.parts():
            wait_for(lambda name=name: self.cluster.is_up(name), told=f"the start of {name}")

    def log(self, name):
        """What a service has written."""
        return self.cluster[name].log.read_text()
