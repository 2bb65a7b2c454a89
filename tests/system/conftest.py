"""One system for all tests here; at its end everything ends as it is told to."""

import pytest

from tests.faults.undisturbed import Undisturbed
from tests.system.system import System


@pytest.fixture(scope="package")
def system():
    with System() as found:
        yield found
        found.wait_until_well()
        stopped = [c for c in found.cluster.containers.values() if c.service.is_kept]
        found.cluster.down()
        assert {c.name: c.process.returncode for c in stopped} == dict.fromkeys(
            (c.name for c in stopped), 0
        )
        found.house.wait_for_nobody()


@pytest.fixture(scope="package")
def reference(tmp_path_factory):
    with Undisturbed(tmp_path_factory.mktemp("undisturbed")) as found:
        yield found
